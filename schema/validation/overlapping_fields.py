"""The validation rule "Field Selection Merging" (GraphQL, September 2025, section 5.3.2) in linear time.

graphql-core compares the fields of one response key pairwise, so 4 KB of equal fields take a second. Here the fields of
one response key are one group, and each is compared with the first. Each set of selection sets is checked once, as its
fields depend on nothing else. Two checks need different groups:

* Fields of one response key must have types of the same shape, whatever their objects.
* They must be the same field with the same arguments, unless their objects have different types.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    print_ast,
)
from graphql.utilities.sort_value_node import sort_value_node

MAX_FIELDS = 20_000
"""The largest number of fields that are compared in one document: ten times as many as its tokens by default. Only a
document that combines fragments in very many ways has more."""


@dataclass(slots=True)
class _Field:
    """A field with the type of its object and its own type, None if they are unknown."""

    parent: GraphQLNamedType | None
    node: FieldNode
    type: GraphQLOutputType | None


_Selections = tuple[tuple[SelectionSetNode, GraphQLNamedType | None], ...]
"""Selection sets that are executed as one, each with the type of its objects."""


class _TooManyFields(Exception):
    """More than MAX_FIELDS were compared."""


class FieldsCanMergeRule(ValidationRule):
    """Reports fields of one response key that cannot be merged."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._context = context
        self._same_shape: set[tuple[Any, ...]] = set()
        self._same_field: set[tuple[Any, ...]] = set()
        self._collected: dict[tuple[Any, ...], dict[str, list[_Field]]] = {}
        self._number, self._has_conflict = 0, False

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Checks one operation with its fragments. An unused fragment is an error of another rule."""
        root = ((node.selection_set, self._context.schema.get_root_type(node.operation)),)
        try:
            self._check(root, self._same_field, _by_object, _field_conflict)
            if not self._has_conflict:  # different fields often have different types too
                self._check(root, self._same_shape, _with_type, _shape_conflict)
        except _TooManyFields:
            self.report_error(GraphQLError("The document combines its fragments in too many ways.", [node]))

    def _check(
        self,
        selections: _Selections,
        checked: set[tuple[Any, ...]],
        split: Callable[[list[_Field]], list[list[_Field]]],
        conflict: Callable[[_Field, _Field], str | None],
    ) -> None:
        """Reports the first conflict of each group of fields, here and below. `split` splits the fields of one response
        key into groups, and `conflict` returns why two fields of a group conflict."""
        key = _key(selections)
        if key in checked:
            return
        checked.add(key)
        for name, fields in self._fields(key, selections).items():
            for group in split(fields):
                self._count(len(group))
                first = group[0]
                for other in group[1:]:
                    reason = conflict(first, other)
                    if reason is not None:
                        self._report(name, reason, first, other)
                        break
                else:
                    below = _below(group)
                    if below:
                        self._check(below, checked, split, conflict)

    def _fields(self, key: tuple[Any, ...], selections: _Selections) -> dict[str, list[_Field]]:
        fields = self._collected.get(key)
        if fields is None:
            fields = self._collected[key] = {}
            spread: set[str] = set()
            for selection_set, parent in selections:
                self._collect(selection_set, parent, fields, spread)
        return fields

    def _collect(
        self,
        selection_set: SelectionSetNode,
        parent: GraphQLNamedType | None,
        fields: dict[str, list[_Field]],
        spread: set[str],
    ) -> None:
        for node in selection_set.selections:
            self._count(1)
            if isinstance(node, FieldNode):
                each = _Field(parent, node, _type_of(parent, node))
                fields.setdefault((node.alias or node.name).value, []).append(each)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                inner = parent if condition is None else self._context.schema.get_type(condition.name.value)
                self._collect(node.selection_set, inner, fields, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._context.get_fragment(node.name.value)
                if fragment is not None:
                    inner = self._context.schema.get_type(fragment.type_condition.name.value)
                    self._collect(fragment.selection_set, inner, fields, spread)

    def _count(self, number: int) -> None:
        self._number += number
        if self._number > MAX_FIELDS:
            raise _TooManyFields

    def _report(self, name: str, reason: str, first: _Field, other: _Field) -> None:
        self._has_conflict = True
        self.report_error(
            GraphQLError(
                f"Fields '{name}' conflict because {reason}. Use different aliases on the fields to fetch both if this"
                " was intentional.",
                [first.node, other.node],
            )
        )


def _type_of(parent: GraphQLNamedType | None, node: FieldNode) -> GraphQLOutputType | None:
    """Returns the type of a field. As in graphql-core, it is unknown for __typename, which never conflicts."""
    if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
        return None
    definition = parent.fields.get(node.name.value)
    return definition.type if definition else None


def _key(selections: _Selections) -> tuple[Any, ...]:
    return tuple(sorted({(id(selection_set), parent.name if parent else "") for selection_set, parent in selections}))


def _below(fields: Sequence[_Field]) -> _Selections:
    return tuple(
        (each.node.selection_set, get_named_type(each.type) if each.type else None)
        for each in fields
        if each.node.selection_set
    )


def _by_object(fields: list[_Field]) -> list[list[_Field]]:
    """Splits fields by the object type that they are selected on. A field of an interface or union is in all groups."""
    if len(fields) == 1:
        return [fields]
    names = {each.parent.name for each in fields if isinstance(each.parent, GraphQLObjectType)}
    if len(names) < 2:
        return [fields]
    return [
        [each for each in fields if not isinstance(each.parent, GraphQLObjectType) or each.parent.name == name]
        for name in sorted(names)
    ]


def _with_type(fields: list[_Field]) -> list[list[_Field]]:
    """Returns the fields whose type is known as one group, because any of them may be the first."""
    known = [each for each in fields if each.type is not None]
    return [known] if known else []


def _shape_conflict(first: _Field, other: _Field) -> str | None:
    if _have_same_shape(first.type, other.type):
        return None
    return f"they return conflicting types '{first.type}' and '{other.type}'"


def _have_same_shape(first: Any, other: Any) -> bool:
    for is_wrapper in (is_non_null_type, is_list_type):
        if is_wrapper(first) or is_wrapper(other):
            return is_wrapper(first) and is_wrapper(other) and _have_same_shape(first.of_type, other.of_type)
    return first is other if is_leaf_type(first) or is_leaf_type(other) else True


def _field_conflict(first: _Field, other: _Field) -> str | None:
    if first.node is other.node:
        return None
    names = first.node.name.value, other.node.name.value
    if names[0] != names[1]:
        return f"'{names[0]}' and '{names[1]}' are different fields"
    if (first.node.arguments or other.node.arguments) and _arguments(first.node) != _arguments(other.node):
        return "they have differing arguments"
    return None


def _arguments(node: FieldNode) -> dict[str, str]:
    return {each.name.value: print_ast(sort_value_node(each.value)) for each in node.arguments or ()}
