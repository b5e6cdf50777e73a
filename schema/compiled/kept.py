"""The data of objects, kept for later executions.

Objects of some types are made of an immutable value (schema.resolvers.made_of). If a selection has only fields that
read the object, its data depends on the value only. Such data is kept with the value, and an execution that meets the
same value again returns the same dictionary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    ListValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
)

from schema.compiled.selections import ResponseField, SelectedSet, Selections
from schema.deadlines import DeadlineCheck
from schema.resolvers import ArgumentsCaller, AttributeReader, CheckOfClass, MethodCaller, TypeOfClass

MAX_KEPT = 2_048
"""The number of kept data."""
MAX_DATA = 8_192
"""The size of the largest data that is kept, in bytes by estimate. Most of a page has a tenth of it."""

_DICT, _ITEM, _LEAF = 184, 48, 56
"""Estimates in bytes, measured with sys.getsizeof: a dictionary or list, each of its items, and a leaf."""


class Data(dict[str, Any]):
    """The data of an object that may be kept. `cost` is its cost, with the prices by which it was calculated."""

    __slots__ = ("cost",)
    cost: tuple[object, float] | None

    def __init__(self) -> None:
        self.cost = None


@dataclass(slots=True)
class _Place:
    """The data of one value for one selection. None until it is known. The value is kept too, so that no other object
    gets its id."""

    content: tuple[object, Data] | None = None


class KeptData:
    """The data that was returned for values, by selection: the last MAX_KEPT used, each at most MAX_DATA. Nobody may
    change it. Safe to use from any thread."""

    def __init__(self, entries: int = MAX_KEPT) -> None:
        self._selections = 0
        self._place = lru_cache(maxsize=entries)(_new_place)

    def add_selection(self) -> int:
        """Returns the number of a new selection."""
        self._selections += 1
        return self._selections

    def get(self, selection: int, value: object) -> Data | None:
        """Returns the data of a value, None if there is none."""
        content = self._place(selection, id(value)).content
        return content[1] if content is not None and content[0] is value else None

    def put(self, selection: int, value: object, data: Data) -> None:
        """Keeps the data of a value, unless it is too large."""
        if _size_of(data) <= MAX_DATA:
            self._place(selection, id(value)).content = value, data


def _new_place(_selection: int, _identity: int) -> _Place:
    return _Place()


def _size_of(value: Any) -> int:
    if isinstance(value, dict):
        return _DICT + sum(_ITEM + _size_of(each) for each in value.values())
    if isinstance(value, list):
        return _DICT + sum(_ITEM + _size_of(each) for each in value)
    return _LEAF + (len(value) if isinstance(value, str) else 0)


class ValueSelections:
    """Finds the selections of one operation whose data depends on the value of an object only."""

    def __init__(self, schema: GraphQLSchema, selections: Selections) -> None:
        self._schema, self._selections = schema, selections
        self._known: dict[tuple[Any, ...], bool] = {}

    def depend_on_value(self, type_: GraphQLObjectType, sets: Sequence[SelectedSet]) -> bool:
        """Whether all fields that are selected of an object, and of the objects below it, are read from the object
        itself, without variables, conditions and an info. Raises Unsupported."""
        key = (type_.name, *((id(each.node), each.conditions) for each in sets))
        if key not in self._known:
            fields = self._selections.collect(type_, sets)
            self._known[key] = all(self._depends_on_value(type_, field) for field in fields)
        return self._known[key]

    def _depends_on_value(self, type_: GraphQLObjectType, field: ResponseField) -> bool:
        if field.conditions or any(each.conditions for each in field.nodes):
            return False
        if not all(_is_constant(argument.value) for argument in field.first.arguments or ()):
            return False
        definition = type_.fields.get(field.first.name.value)
        if definition is None:
            return field.first.name.value == "__typename"
        return reads_source(definition) and self._returns_plain(definition, field.selection_sets())

    def _returns_plain(self, definition: GraphQLField, sets: Sequence[SelectedSet]) -> bool:
        returned = get_named_type(definition.type)
        if isinstance(returned, GraphQLInterfaceType | GraphQLUnionType):
            return isinstance(returned.resolve_type, TypeOfClass) and all(
                self.depend_on_value(each, sets) for each in self._schema.get_possible_types(returned)
            )
        if isinstance(returned, GraphQLObjectType):
            return isinstance(returned.is_type_of, CheckOfClass | None) and self.depend_on_value(returned, sets)
        return True


def reads_source(definition: GraphQLField) -> bool:
    """Whether the field reads the object and its arguments only: its resolver has no info and no check of scopes."""
    resolve = definition.resolve
    resolve = resolve.resolve if isinstance(resolve, DeadlineCheck) else resolve
    if isinstance(resolve, ArgumentsCaller):
        return resolve.make_info is None
    return not definition.args and isinstance(resolve, AttributeReader | MethodCaller)


def _is_constant(value: ValueNode) -> bool:
    """Whether the value of an argument has no variable."""
    if isinstance(value, ListValueNode):
        return all(map(_is_constant, value.values))
    if isinstance(value, ObjectValueNode):
        return all(_is_constant(member.value) for member in value.fields)
    return not isinstance(value, VariableNode)
