"""Accepts most valid documents in one pass.

graphql-core's `validate` takes ten times as long as parsing, because it calls the visitors of 33 rules for each node.
Here one function checks all that the rules say about a node. A document is accepted only if `validate` would find no
error in it. All others are left to `validate`, which writes the errors: what is invalid, and what is rare
(introspection, subscriptions, directives other than @skip and @include).

The time is linear in the size of the document: each definition is visited once, and fragments are not followed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeInfo,
    ValidationContext,
    assert_valid_schema,
)
from graphql.language.parser import MAX_NESTING_DEPTH
from graphql.validation.validation_context import MAX_FRAGMENT_WORK

from schema.validation.overlapping_fields import MAX_FIELDS, FieldsCanMergeRule
from schema.validation.quick_values import (
    NotSure,
    VariableUsage,
    check_arguments,
    check_variables,
    raise_not_sure,
    require_different,
)
from schema.validation.selectable_types import SelectableType, describe_arguments, describe_types

_DIRECTIVES = (GraphQLSkipDirective, GraphQLIncludeDirective)
"""Both are allowed on fields and fragments only, once at each location."""


@dataclass(slots=True)
class _Part:
    """What an operation or a fragment contains: the names of the fragments that it spreads, its variables, and how many
    levels its selections have. `reached` are the names of all fragments that it spreads itself or through others, None
    before they are known."""

    spreads: list[str] = field(default_factory=list)
    usages: list[VariableUsage] = field(default_factory=list)
    levels: int = 0
    reached: set[str] | None = None


class QuickCheck:
    """Accepts documents for one schema. Safe to use from any thread."""

    def __init__(self, schema: GraphQLSchema) -> None:
        assert_valid_schema(schema)
        self.schema, self.types = schema, describe_types(schema)
        self.directives = {
            each.name: describe_arguments(each.args) for each in schema.directives if each in _DIRECTIVES
        }

    def accepts(self, document: DocumentNode) -> bool:
        """Returns True for a valid document. Returns False for an invalid one, and if this check is not sure."""
        try:
            _DocumentCheck(self, document).run()
        except (NotSure, RecursionError):
            return False
        return True


class _DocumentCheck:
    """The check of one document. All methods raise NotSure."""

    def __init__(self, check: QuickCheck, document: DocumentNode) -> None:
        self._schema, self._types, self._directives = check.schema, check.types, check.directives
        self._document = document
        self._operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._parts: dict[str, _Part] = {}
        self._selections, self._has_equal_keys = 0, False

    def run(self) -> None:
        """Returns if the document is valid."""
        if len(self._operations) + len(self._fragments) < len(self._document.definitions):
            raise NotSure  # two fragments of one name, or a definition of another kind
        names = [node.name.value for node in self._operations if node.name]
        if len(self._operations) > max(1, len(require_different(names))):
            raise NotSure
        for name, fragment in self._fragments.items():
            self._parts[name] = self._check_part(fragment, self._selectable(fragment.type_condition))
        operations = [(node, self._check_part(node, self._root(node))) for node in self._operations]
        if self._fragments:
            self._check_fragments([part for _, part in operations])
        for node, part in operations:
            usages = [*part.usages, *(usage for name in part.reached or () for usage in self._parts[name].usages)]
            if usages or node.variable_definitions:
                check_variables(self._schema, node.variable_definitions or (), usages)
        if self._has_equal_keys or self._fragments or 3 * self._selections > MAX_FIELDS:
            self._check_merging()

    def _check_part(self, node: OperationDefinitionNode | FragmentDefinitionNode, type_: SelectableType) -> _Part:
        if node.directives:
            raise NotSure
        part = _Part()
        self._check_selections(node.selection_set, type_, part, set(), 1)
        return part

    def _check_selections(
        self, selection_set: SelectionSetNode, type_: SelectableType, part: _Part, keys: set[str], level: int
    ) -> None:
        """Checks selections on objects of this type. `keys` are the response keys that these objects already have."""
        part.levels = max(part.levels, level)
        self._selections += len(selection_set.selections)
        for node in selection_set.selections:
            if node.directives:
                self._check_directives(node.directives, part)
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                if key in keys:
                    self._has_equal_keys = True
                keys.add(key)
                self._check_field(node, type_, part, level)
            elif isinstance(node, InlineFragmentNode):
                inner = type_ if node.type_condition is None else self._selectable(node.type_condition)
                _require_overlap(type_, inner)
                self._check_selections(node.selection_set, inner, part, keys, level + 1)
            elif isinstance(node, FragmentSpreadNode):
                fragment = self._fragments.get(node.name.value)
                if fragment is None:
                    raise NotSure
                _require_overlap(type_, self._selectable(fragment.type_condition))
                part.spreads.append(node.name.value)

    def _check_field(self, node: FieldNode, type_: SelectableType, part: _Part, level: int) -> None:
        selectable = type_.fields.get(node.name.value)
        if selectable is None:
            raise NotSure
        arguments, returned, below = selectable.arguments, selectable.returned, node.selection_set
        if node.arguments or arguments.required:
            check_arguments(node.arguments or (), arguments, part.usages)
        if below is not None and returned is not None:
            self._check_selections(below, returned, part, set(), level + 1)
        elif below is not None or returned is not None:
            raise NotSure

    def _check_directives(self, nodes: Sequence[DirectiveNode], part: _Part) -> None:
        require_different(node.name.value for node in nodes)
        for node in nodes:
            arguments = self._directives.get(node.name.value)
            if arguments is None:
                raise NotSure
            check_arguments(node.arguments or (), arguments, part.usages)

    def _check_fragments(self, operations: Sequence[_Part]) -> None:
        """Checks that each fragment is used, and none within itself. `validate` also refuses documents with too many
        levels, or with too much to search: those are far from both limits that pass here."""
        parts = [*operations, *self._parts.values()]
        if sum(part.levels for part in parts) > MAX_NESTING_DEPTH:
            raise NotSure
        size = sum(1 + len(part.spreads) + len(part.usages) for part in parts)
        if (1 + 3 * len(operations)) * size > MAX_FRAGMENT_WORK:
            raise NotSure
        if set[str]().union(*(self._reach(part, ()) for part in operations)) != self._parts.keys():
            raise NotSure

    def _reach(self, part: _Part, path: tuple[str, ...]) -> set[str]:
        """Returns the `reached` of a part. `path` are the fragments that lead to it."""
        if part.reached is None:
            part.reached = set(part.spreads)
            for name in set(part.spreads):
                if name in path:
                    raise NotSure
                part.reached |= self._reach(self._parts[name], (*path, name))
        return part.reached

    def _check_merging(self) -> None:
        """Checks that fields of one response key can be merged, and that the rule for that does not refuse the document
        for its size: it counts a field of a key of its own three times."""
        rule = FieldsCanMergeRule(
            ValidationContext(self._schema, self._document, TypeInfo(self._schema), raise_not_sure)
        )
        for node in self._operations:
            rule.enter_operation_definition(node)

    def _root(self, node: OperationDefinitionNode) -> SelectableType:
        root = self._schema.get_root_type(node.operation)
        if root is None or node.operation is OperationType.SUBSCRIPTION:
            raise NotSure
        return self._types[root.name]

    def _selectable(self, condition: NamedTypeNode) -> SelectableType:
        type_ = self._types.get(condition.name.value)
        if type_ is None:
            raise NotSure
        return type_


def _require_overlap(type_: SelectableType, other: SelectableType) -> None:
    """Raises NotSure if no object has both types."""
    if type_ is not other and type_.possible.isdisjoint(other.possible):
        raise NotSure
