"""The price of an operation before it runs, by the weights of its fields and the sizes of its lists.

    price of a field = weight + children                        for an object or a leaf
    price of a list  = weight + length * (object + children)

Fields are grouped as execution groups them: equal response keys are one field. For an interface or union the price is
that of the dearest possible type. Each group of selection sets is priced once per type, so that nested fragments take
time linear in the size of the document.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from graphql import (
    BooleanValueNode,
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    OperationDefinitionNode,
    SchemaMetaFieldDef,
    SelectionNode,
    SelectionSetNode,
    TypeMetaFieldDef,
    ValueNode,
    VariableNode,
    get_named_type,
    is_composite_type,
    is_list_type,
    is_non_null_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

from schema.cost.price import OperationPrice, Price
from schema.cost.weights import UNKNOWN_SIZE, ListSize, Weights

INTROSPECTION, INTROSPECTION_LEAF = 0.04, 0.02
"""Points per object and per leaf of an introspection result. The schema is in memory, so an object costs less than one
point, and less in comparison with its leaves."""

_MAX_GROUPS = 10_000
"""The largest number of groups of selection sets that are priced: far more than a document within the limits has."""

_META_FIELDS = {"__schema": SchemaMetaFieldDef, "__type": TypeMetaFieldDef}

VariableValues = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of an object type: what its price depends on, except for the document. `name` is "Type.field", `weight`
    its own weight, None without one, and `weight_of_object` that of an object that it returns."""

    name: str
    definition: GraphQLField
    returned: GraphQLNamedType
    is_list: bool
    weight: float | None
    weight_of_object: float
    size: ListSize | None


@dataclass(slots=True)
class _Group:
    """One field of a response, with all nodes that request it."""

    field: _Field
    nodes: list[FieldNode]


class Pricer:
    """Prices operations of one schema. `largest_page` is the longest list that a slicing argument can request: an
    execution with a larger one fails before it reads anything. Safe to use from any thread."""

    def __init__(self, schema: GraphQLSchema, weights: Weights, *, largest_page: int) -> None:
        self.schema, self.weights, self.largest_page = schema, weights, largest_page
        self._fields: dict[tuple[str, str], _Field] = {}

    def price(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
    ) -> OperationPrice:
        """Returns the price of an operation that the schema has validated, with coerced variables. Raises GraphQLError
        for a field that needs exactly one slicing argument and does not have it."""
        root = self.schema.get_root_type(operation.operation)
        run = _Run(self, fragments, variables)
        children, _ = run.children(root, [operation.selection_set], {}) if root else ({}, 0)
        return OperationPrice(children, max(1, ceil(_sum(children))), frozenset(run.names))

    def find_field(self, type_: GraphQLObjectType, name: str) -> _Field | None:
        """Returns a field of a type, None for __typename."""
        field = self._fields.get((type_.name, name))
        if field is None:
            definition = _META_FIELDS.get(name) or type_.fields.get(name)
            if definition is None:
                return None
            field = self._fields[type_.name, name] = self._describe(f"{type_.name}.{name}", definition)
        return field

    def _describe(self, name: str, definition: GraphQLField) -> _Field:
        returned = get_named_type(definition.type)
        is_list = is_list_type(definition.type.of_type if is_non_null_type(definition.type) else definition.type)
        weight: float | None = self.weights.fields.get(name)
        if name.startswith("__") and not is_composite_type(returned):
            weight = INTROSPECTION_LEAF
        size = self.weights.sizes.get(name)
        return _Field(name, definition, returned, is_list, weight, self._weight_of_type(returned), size)

    def _weight_of_type(self, type_: GraphQLNamedType) -> float:
        if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
            return max(map(self._weight_of_type, self.schema.get_possible_types(type_)), default=1)
        if not isinstance(type_, GraphQLObjectType):
            return 0
        return INTROSPECTION if type_.name.startswith("__") else self.weights.types.get(type_.name, 1)


class _Run:
    """One calculation, with the prices of the groups that it has met."""

    def __init__(
        self, pricer: Pricer, fragments: Mapping[str, FragmentDefinitionNode], variables: VariableValues
    ) -> None:
        self._schema, self._find_field, self._largest = pricer.schema, pricer.find_field, pricer.largest_page
        self._fragments, self._variables = fragments, variables
        self._known: dict[tuple[Any, ...], tuple[Mapping[str, Price], float]] = {}
        self.names: set[str] = set()

    def children(
        self, type_: GraphQLNamedType, selection_sets: Sequence[SelectionSetNode], sizes: Mapping[str, float]
    ) -> tuple[Mapping[str, Price], float]:
        """Returns the prices of the fields of an object of this type, and their sum. `sizes` are the lengths of lists
        by field name. For an abstract type the prices are those of all possible types, and the sum is the largest."""
        key = (type_.name, *sizes.items(), *map(id, selection_sets))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _MAX_GROUPS:
                raise GraphQLError("The document combines its fragments in too many ways.")
            if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
                possible = [
                    self.children(each, selection_sets, sizes) for each in self._schema.get_possible_types(type_)
                ]
                merged: Mapping[str, Price] = {}
                for prices, _ in possible:
                    merged = _merge(merged, prices)
                known = merged, max((total for _, total in possible), default=0)
            else:
                assert isinstance(type_, GraphQLObjectType)
                own = self._object(type_, selection_sets, sizes)
                known = own, _sum(own)
            self._known[key] = known
        return known

    def _object(
        self, type_: GraphQLObjectType, selection_sets: Sequence[SelectionSetNode], sizes: Mapping[str, float]
    ) -> dict[str, Price]:
        groups: dict[str, _Group] = {}
        spread: set[str] = set()
        for selection_set in selection_sets:
            self._collect(type_, selection_set.selections, groups, spread)
        prices = {}
        for key, group in groups.items():
            self.names.add(group.field.name)
            price = self._price(group, sizes)
            if price.requested:
                prices[key] = price
        return prices

    def _price(self, group: _Group, sizes_by_parent: Mapping[str, float]) -> Price:
        """Returns the price of a field with all below it. `sizes_by_parent` are lengths of lists by field name."""
        field, name = group.field, group.nodes[0].name.value
        length, sizes = sizes_by_parent.get(name), {}
        if field.size is not None:
            own_length = self._length(group, field.size)
            sizes = dict.fromkeys(field.size.sized_fields, own_length)
            length = own_length if length is None and not sizes else length
        if length is None:
            length = UNKNOWN_SIZE if field.is_list else 1
        selection_sets = [node.selection_set for node in group.nodes if node.selection_set]
        children, total = self.children(field.returned, selection_sets, sizes) if selection_sets else ({}, 0)
        if field.is_list:
            own, item = field.weight or 0, field.weight_of_object
            return Price(field.name, own, item, length, children, own + length * (item + total))
        weight: float = length * (field.weight_of_object if field.weight is None else field.weight)
        requested = weight + length * total
        if name in _META_FIELDS:  # everything is given, so the actual cost is what was requested
            weight = requested = 1 + ceil(requested)
            children = {}
        return Price(field.name, weight, None, 0, children, requested)

    def _length(self, group: _Group, size: ListSize) -> float:
        """Returns the length of a list by its slicing arguments or, without one, its assumed size."""
        values = [self._argument(group, name) for name in size.slicing_arguments]
        lengths = [len(value) if isinstance(value, list) else value for value in values if value is not None]
        if size.require_one_slicing_argument and len(lengths) != 1:
            names = ", ".join(size.slicing_arguments)
            raise GraphQLError(f"{group.field.name} needs exactly one of these arguments: {names}.", group.nodes)
        if lengths:
            return max(0, min(self._largest, max(lengths)))
        return UNKNOWN_SIZE if size.assumed_size is None else size.assumed_size

    def _argument(self, group: _Group, name: str) -> int | list[Any] | None:
        default = coerce_default_value(group.field.definition.args[name])
        for argument in group.nodes[0].arguments or ():
            if argument.name.value == name:
                return self._value(argument.value, default)
        return _length_or_list(default)

    def _value(self, node: ValueNode, default: Any) -> int | list[Any] | None:
        if isinstance(node, VariableNode):
            return _length_or_list(self._variables.get(node.name.value, default))
        if isinstance(node, ListValueNode):
            return list(node.values)
        if isinstance(node, IntValueNode):
            return int(node.value)
        return None if isinstance(node, NullValueNode) else [node]  # a single value is a list of one

    def _collect(
        self,
        type_: GraphQLObjectType,
        selections: Iterable[SelectionNode],
        groups: dict[str, _Group],
        spread: set[str],
    ) -> None:
        for node in selections:
            if node.directives and not self._is_included(node.directives):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                if key in groups:
                    groups[key].nodes.append(node)
                elif (field := self._find_field(type_, node.name.value)) is not None:
                    groups[key] = _Group(field, [node])
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, type_):
                    self._collect(type_, node.selection_set.selections, groups, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_):
                    self._collect(type_, fragment.selection_set.selections, groups, spread)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        conditional = self._schema.type_map[condition]
        return isinstance(conditional, GraphQLInterfaceType | GraphQLUnionType) and self._schema.is_sub_type(
            conditional, type_
        )

    def _is_included(self, directives: Iterable[DirectiveNode]) -> bool:
        return all(
            self._condition(each) is (each.name.value == "include")
            for each in directives
            if each.name.value in {"skip", "include"}
        )

    def _condition(self, directive: DirectiveNode) -> bool:
        """Returns the value of the argument `if`."""
        (value,) = (argument.value for argument in directive.arguments or ())
        if isinstance(value, VariableNode):
            return bool(self._variables.get(value.name.value))
        return isinstance(value, BooleanValueNode) and value.value


def _length_or_list(value: Any) -> int | list[Any] | None:
    return value if isinstance(value, int | list) and not isinstance(value, bool) else None


def _sum(prices: Mapping[str, Price]) -> float:
    return sum(price.requested for price in prices.values())


def _merge(left: Mapping[str, Price], right: Mapping[str, Price]) -> Mapping[str, Price]:
    """Returns the prices of both; for a response key of both, the dearer one."""
    dearer = {key: max(left[key], right[key], key=_requested) for key in left.keys() & right.keys()}
    return {**left, **right, **dearer}


def _requested(price: Price) -> float:
    return price.requested
