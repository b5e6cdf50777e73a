"""The operations of a document: selects one, and finds what it needs before its unit of work begins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLIncludeDirective,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    get_directive_values,
    get_named_type,
    get_variable_values,
)
from graphql.execution.values import VariableValues

from gateway.domain.scope import satisfies
from gateway.services.query_unit import Needs
from schema.permissions import field_scopes

SCORE_FIELDS = frozenset(
    {"ConsentedUser.scoreTier", "ConsentedUser.score", "ConsentedUser.meetsTier", "Query.decisionPreview"}
)
"""Fields that read the user's score. A test fails if another resolver reads it."""

_MAX_ERRORS = 5


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a document that `Documents` has accepted for `schema`."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def name(self) -> str | None:
        """The operation's name, None for an anonymous operation."""
        return self.node.name.value if self.node.name else None

    @property
    def is_mutation(self) -> bool:
        """Whether the operation is a mutation. Otherwise it is a query."""
        return self.node.operation is OperationType.MUTATION

    def coerce_variables(self, variables: Mapping[str, Any]) -> VariableValues | list[GraphQLError]:
        """Returns the variables coerced to their types, with defaults, or the errors of variables that do not fit."""
        definitions = self.node.variable_definitions or ()
        return get_variable_values(self.schema, definitions, dict(variables), _MAX_ERRORS, hide_suggestions=True)

    def needs(self, variables: VariableValues, allowed: frozenset[str]) -> Needs:
        """Returns what the operation needs before it runs, for a token with these expanded scopes. A field that the
        token may not read needs nothing."""
        root = self.schema.get_root_type(self.node.operation)
        if root is None:
            return Needs()
        fragments = {
            node.name.value: node for node in self.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        selection = _Selection(self.schema, fragments, variables)
        return Needs(
            score=any(
                name in SCORE_FIELDS and satisfies(allowed, field_scopes(definition) or [()])
                for name, definition in selection.fields(root, [self.node.selection_set])
            )
        )


def choose_operation(schema: GraphQLSchema, document: DocumentNode, name: str | None) -> Operation | str:
    """Returns the operation of this name, or the only one. Returns an error message if there is no such operation."""
    nodes = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not name:
        if len(nodes) == 1:
            return Operation(schema, document, nodes[0])
        return "operationName must say which operation of the document to run."
    for node in nodes:
        if node.name and node.name.value == name:
            return Operation(schema, document, node)
    return "The document has no operation with this operationName."


@dataclass(slots=True)
class _Field:
    """One field of a response, with the selection sets below it."""

    name: str
    definition: GraphQLField
    selection_sets: list[SelectionSetNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Selection:
    """Traverses selections as execution does: equal response keys are one field, and a fragment counts once per
    selection set, even if it is spread several times. So this takes no longer than the execution."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues

    def fields(
        self, parent: GraphQLNamedType, selection_sets: Iterable[SelectionSetNode]
    ) -> Iterator[tuple[str, GraphQLField]]:
        """Yields name ("Type.field") and definition of each included field of these selection sets, at any depth."""
        fields: dict[tuple[str, str], _Field] = {}
        spread: set[str] = set()
        for selection_set in selection_sets:
            self._collect(parent, selection_set.selections, fields, spread)
        for each in fields.values():
            yield each.name, each.definition
            yield from self.fields(get_named_type(each.definition.type), each.selection_sets)

    def _collect(
        self,
        parent: GraphQLNamedType,
        selections: Sequence[SelectionNode],
        fields: dict[tuple[str, str], _Field],
        spread: set[str],
    ) -> None:
        for node in selections:
            if not self._is_included(node):
                continue
            if isinstance(node, FieldNode):
                self._collect_field(parent, node, fields)
            elif isinstance(node, InlineFragmentNode):
                inner = self.schema.type_map[node.type_condition.name.value] if node.type_condition else parent
                self._collect(inner, node.selection_set.selections, fields, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self.fragments[node.name.value]
                inner = self.schema.type_map[fragment.type_condition.name.value]
                self._collect(inner, fragment.selection_set.selections, fields, spread)

    def _collect_field(self, parent: GraphQLNamedType, node: FieldNode, fields: dict[tuple[str, str], _Field]) -> None:
        name = node.name.value
        if name.startswith("__") or not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return
        key = (parent.name, (node.alias or node.name).value)
        each = fields.setdefault(key, _Field(f"{parent.name}.{name}", parent.fields[name]))
        if node.selection_set:
            each.selection_sets.append(node.selection_set)

    def _is_included(self, node: SelectionNode) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and (include is None or include["if"])
