"""The fields that a selection set requests of an object type, in the order of the response.

graphql-core collects them during execution, when the variables of @skip and @include are known. Here they are collected
once, with the conditions under which each is included. This is possible if the order does not depend on a condition.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
)
from graphql.execution.collect_fields import does_fragment_condition_match

from schema.compiled.reasons import Reason, Unsupported

Conditions = frozenset[tuple[str, bool]]
"""Variables and the values that they must have."""
ALWAYS: Conditions = frozenset()
_CHANGES_EXECUTION = frozenset({"defer", "stream"})


@dataclass(frozen=True, slots=True)
class Selected:
    """A node that selects a field, included if the conditions hold."""

    node: FieldNode
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class SelectedSet:
    """A selection set, included if the conditions hold."""

    node: SelectionSetNode
    conditions: Conditions = ALWAYS


@dataclass(frozen=True, slots=True)
class ResponseField:
    """One key of the response: the nodes that select it. It is included if `conditions` hold. The conditions of a node
    are those that are added, so those of the first one are empty."""

    key: str
    conditions: Conditions
    nodes: tuple[Selected, ...]

    @property
    def first(self) -> FieldNode:
        """The node whose name and arguments count. Validation has checked that those of the others are equal."""
        return self.nodes[0].node

    def selection_sets(self) -> tuple[SelectedSet, ...]:
        """Returns the selection sets of the field."""
        return tuple(
            SelectedSet(each.node.selection_set, each.conditions) for each in self.nodes if each.node.selection_set
        )


class Selections:
    """The selections of one document. `variables` are those of the conditions that it has met, with their numbers."""

    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema, self._fragments = schema, fragments
        self.variables: dict[str, int] = {}

    def collect(self, type_: GraphQLObjectType, sets: Sequence[SelectedSet]) -> list[ResponseField]:
        """Returns the fields of an object of this type. Raises Unsupported."""
        fields: dict[str, list[Selected]] = {}
        visited: dict[str, Conditions] = {}
        for each in sets:
            self._visit(type_, each.node.selections, each.conditions, fields, visited)
        return [_response_field(key, nodes) for key, nodes in fields.items()]

    def _visit(
        self,
        type_: GraphQLObjectType,
        nodes: Iterable[SelectionNode],
        outer: Conditions,
        fields: dict[str, list[Selected]],
        visited: dict[str, Conditions],
    ) -> None:
        for node in nodes:
            conditions = self._conditions(node, outer)
            if conditions is None:
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                fields.setdefault(key, []).append(Selected(node, conditions))
            elif isinstance(node, InlineFragmentNode):
                if does_fragment_condition_match(self._schema, node, type_):
                    self._visit(type_, node.selection_set.selections, conditions, fields, visited)
            elif isinstance(node, FragmentSpreadNode):
                self._spread(type_, node, conditions, fields, visited)

    def _spread(
        self,
        type_: GraphQLObjectType,
        node: FragmentSpreadNode,
        conditions: Conditions,
        fields: dict[str, list[Selected]],
        visited: dict[str, Conditions],
    ) -> None:
        name = node.name.value
        fragment = self._fragments[name]
        if fragment.variable_definitions or node.arguments:
            raise Unsupported(Reason.FRAGMENT_VARIABLES)
        if not does_fragment_condition_match(self._schema, fragment, type_):
            return
        if name in visited:
            if not visited[name] <= conditions:
                raise Unsupported(Reason.MERGED_CONDITIONS)  # whether it was visited depends on variables
            return
        visited[name] = conditions
        self._visit(type_, fragment.selection_set.selections, conditions, fields, visited)

    def _conditions(self, node: SelectionNode, outer: Conditions) -> Conditions | None:
        """Returns the conditions of a selection together with the outer ones, None if it is never included."""
        conditions, is_excluded = outer, False
        for directive in node.directives or ():
            name = directive.name.value
            if name in _CHANGES_EXECUTION:
                raise Unsupported(Reason.DIRECTIVE)
            if name not in {"skip", "include"}:
                continue
            (value,) = (argument.value for argument in directive.arguments or ())
            if isinstance(value, BooleanValueNode):
                is_excluded = is_excluded or value.value is (name == "skip")
            elif isinstance(value, VariableNode):
                self.variables.setdefault(value.name.value, len(self.variables))
                conditions |= {(value.name.value, name == "include")}
            else:
                raise Unsupported(Reason.DIRECTIVE)  # a list or null, which validation has refused
        is_excluded = is_excluded or any((name, not wanted) in conditions for name, wanted in conditions)
        return None if is_excluded else conditions


def _response_field(key: str, nodes: list[Selected]) -> ResponseField:
    conditions = nodes[0].conditions
    if not all(conditions <= each.conditions for each in nodes):
        raise Unsupported(Reason.MERGED_CONDITIONS)  # the first node, and the place of the key, depend on variables
    return ResponseField(
        key, conditions, tuple(replace(each, conditions=each.conditions - conditions) for each in nodes)
    )
