"""The source that completes a resolved value by its type: null, list, leaf, abstract type or object."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from graphql import (
    GraphQLAbstractType,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    GraphQLUnionType,
    default_type_resolver,
)

from schema.compiled.selections import SelectedSet
from schema.compiled.source import Source
from schema.resolvers import CheckOfClass, TypeOfClass
from schema.strawberry_adapter import enum_names

Store = Callable[[str], str]
"""Returns the statement that stores the value of an expression."""

_UNCHANGED: Mapping[Any, str] = {
    GraphQLString.coerce_output_value: "type({0}) is str",
    GraphQLID.coerce_output_value: "type({0}) is str",
    GraphQLBoolean.coerce_output_value: "type({0}) is bool",
    GraphQLInt.coerce_output_value: "type({0}) is int and -2147483648 <= {0} <= 2147483647",
}
"""Tests of values that these functions return unchanged."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is completed. The members are expressions of the source: the "Type.field", the nodes, the info and
    the path. `sets` are the selection sets of the field, `in_list` is whether there is a list above or at the place."""

    field_name: str
    nodes: str
    info: str
    path: str
    sets: tuple[SelectedSet, ...]
    in_list: bool


@dataclass(frozen=True, slots=True)
class _Table:
    """The functions of the possible types of an abstract type, by the name of the type and by the class of values."""

    by_name: dict[str, Any]
    by_class: dict[type, Any]
    abstract: GraphQLAbstractType
    functions: tuple[tuple[GraphQLObjectType, str], ...]


class Values:
    """Writes the completion of values. `object_function` returns the name of the function that completes objects of a
    type at a place, `add_function` takes a function that writes another function later."""

    def __init__(
        self,
        schema: GraphQLSchema,
        source: Source,
        object_function: Callable[[GraphQLObjectType, Place], str],
        add_function: Callable[[str, Callable[[str], None]], str],
    ) -> None:
        self._schema, self._source = schema, source
        self._object_function, self._add_function = object_function, add_function
        self._tables: list[_Table] = []

    def complete(self, type_: GraphQLOutputType, place: Place, store: Store, *, value: str = "value") -> None:
        """Writes the statements that complete the value of a variable and store it. They raise errors of a value that
        cannot be completed."""
        write, block = self._source.write, self._source.block
        is_non_null = isinstance(type_, GraphQLNonNull)
        inner: Any = type_.of_type if isinstance(type_, GraphQLNonNull) else type_
        is_leaf = not isinstance(inner, GraphQLList | GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType)
        keyword = "if"
        if is_leaf and self._write_known_leaf(inner, store, value):
            keyword = "elif"
        with block(f"{keyword} {value} is None or {value} is Undefined:"):
            write(f"raise_null({place.field_name})" if is_non_null else store("None"))
        with block(f"elif isinstance({value}, Exception):"):
            write(f"raise {value}")
        with block("else:"):
            if is_leaf:
                self._leaf(inner, store, value)
            elif isinstance(inner, GraphQLList):
                self._list(inner, place, store, value)
            elif isinstance(inner, GraphQLObjectType):
                self._object(inner, place, store, value)
            else:
                self._abstract(inner, place, store, value)

    def fill_tables(self, namespace: Mapping[str, Any]) -> None:
        """Fills the tables of possible types with the functions, after these are defined."""
        for table in self._tables:
            for each, name in table.functions:
                function = namespace[name]
                table.by_name[each.name] = (each.is_type_of, each, function)
                origin = class_of(each, table.abstract)
                if origin is not None:
                    table.by_class[origin] = function

    def _write_known_leaf(self, type_: GraphQLLeafType, store: Store, value: str) -> bool:
        """Writes the branch of a leaf's usual values, if there are such."""
        test = _UNCHANGED.get(type_.coerce_output_value)
        if test is not None:
            with self._source.block(f"if {test.format(value)}:"):
                self._source.write(store(value))
            return True
        known = enum_names(type_) if isinstance(type_, GraphQLEnumType) else None
        if known is None:
            return False
        enum, names = known
        with self._source.block(f"if type({value}) is {self._source.bind(enum)}:"):
            self._source.write(store(f"{self._source.bind(names)}[{value}._name_]"))
        return True

    def _leaf(self, type_: GraphQLLeafType, store: Store, value: str) -> None:
        bind, write = self._source.bind, self._source.write
        write(f"coerced = {bind(type_.coerce_output_value)}({value})")
        with self._source.block("if coerced is None or coerced is Undefined:"):
            write(f"raise_no_leaf({bind(type_)}, {value}, coerced)")
        write(store("coerced"))

    def _object(self, type_: GraphQLObjectType, place: Place, store: Store, value: str) -> None:
        bind, write, check = self._source.bind, self._source.write, type_.is_type_of
        if check is not None:
            is_of_class = f"type({value}) is {bind(check.origin)} or " if isinstance(check, CheckOfClass) else ""
            with self._source.block(f"if not ({is_of_class}{bind(check)}({value}, {place.info})):"):
                write(f"raise_wrong_type({bind(type_)}, {value}, {place.nodes})")
        write(store(f"{self._object_function(type_, place)}(run, {value}, {place.path})"))

    def _abstract(self, type_: GraphQLAbstractType, place: Place, store: Store, value: str) -> None:
        bind, write, block = self._source.bind, self._source.write, self._source.block
        types = self._schema.get_possible_types(type_)
        table = _Table({}, {}, type_, tuple((each, self._object_function(each, place)) for each in types))
        self._tables.append(table)
        if not isinstance(type_.resolve_type, TypeOfClass):
            self._resolve_type(table, place, store, value)
            return
        write(f"complete = {bind(table.by_class)}.get(type({value}))")
        with block("if complete is not None:"):
            write(store(f"complete(run, {value}, {place.path})"))
        with block("else:"):
            self._resolve_type(table, place, store, value)

    def _resolve_type(self, table: "_Table", place: Place, store: Store, value: str) -> None:
        bind, write, block, type_ = self._source.bind, self._source.write, self._source.block, table.abstract
        write(f"name = {bind(type_.resolve_type or default_type_resolver)}({value}, {place.info}, {bind(type_)})")
        write(f"entry = {bind(table.by_name)}.get(name) if isinstance(name, str) else None")
        with block("if entry is None:"):
            write(f"raise_no_type({bind(self._schema)}, name, {bind(type_)}, {place.nodes}, {place.info}, {value})")
        with block(f"if entry[0] is not None and not entry[0]({value}, {place.info}):"):
            write(f"raise_wrong_type(entry[1], {value}, {place.nodes})")
        write(store(f"entry[2](run, {value}, {place.path})"))

    def _list(self, type_: GraphQLList[Any], place: Place, store: Store, value: str) -> None:
        """Writes the loop over a list. A list within a list has a function of its own, because Python limits the depth
        of blocks."""
        if value == "item":
            name = self._add_function("list", lambda name: self._write_list_function(name, type_, place))
            self._source.write(store(f"{name}(run, item, {place.path}, {place.info})"))
            return
        write, block = self._source.write, self._source.block
        item_place = replace(place, path="(list_path, index, None)", in_list=True)
        write(f"list_path = {place.path}")
        write("items = []")
        write(f"is_sequence = type({value}) is list or type({value}) is tuple")
        write(f"iterator = {value} if is_sequence else iterate({value}, {place.field_name})")
        with block("try:"), block("for index, item in enumerate(iterator):"):
            with block("try:"):
                self.complete(type_.of_type, item_place, lambda completed: f"items.append({completed})", value="item")
            with block("except Exception as error:"):
                self.write_failure(type_.of_type, item_place, "items.append(None)")
        with block("except Exception:"):
            with block("if not is_sequence:"):
                write("drain(iterator)")
            write("raise")
        write(store("items"))

    def _write_list_function(self, name: str, type_: GraphQLList[Any], place: Place) -> None:
        with self._source.block(f"def {name}(run, value, path, info):"):
            inner = replace(place, path="path", info="info")
            self._list(type_, inner, lambda completed: f"return {completed}", "value")

    def write_failure(self, type_: GraphQLOutputType, place: Place, store_null: str) -> None:
        """Writes what is done with `error`: it is raised in a non-null position, else collected."""
        located = f"locate(error, {place.nodes}, {place.path})"
        if isinstance(type_, GraphQLNonNull):
            self._source.write(f"raise {located}")
        else:
            self._source.write(f"run.errors.append({located})")
            self._source.write(store_null)


def class_of(type_: GraphQLObjectType, abstract: GraphQLAbstractType) -> type | None:
    """Returns the class whose values have the object type in a field of the abstract type, None if there is none."""
    resolve, check = abstract.resolve_type, type_.is_type_of
    names = resolve.names if isinstance(resolve, TypeOfClass) else {}
    for origin, name in names.items():
        if name == type_.name and (check is None or (isinstance(check, CheckOfClass) and check.origin is origin)):
            return origin
    return None


class InfoUse(Enum):
    """Whether completing a value needs an info."""

    NEVER = 0
    RARELY = 1
    """Only for values of an unexpected class."""
    ALWAYS = 2


def info_use(type_: GraphQLOutputType) -> InfoUse:
    """Returns whether completing a value of the type calls a function that takes an info."""
    inner: Any = type_
    while isinstance(inner, GraphQLNonNull | GraphQLList):
        inner = inner.of_type
    if isinstance(inner, GraphQLObjectType) and inner.is_type_of is not None:
        return InfoUse.RARELY if isinstance(inner.is_type_of, CheckOfClass) else InfoUse.ALWAYS
    if isinstance(inner, GraphQLInterfaceType | GraphQLUnionType):
        return InfoUse.RARELY if isinstance(inner.resolve_type, TypeOfClass) else InfoUse.ALWAYS
    return InfoUse.NEVER
