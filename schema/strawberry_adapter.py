"""All code that uses strawberry's internals, with schema.strawberry_arguments. Check it when the pinned version of
strawberry changes."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum, Flag
from functools import lru_cache, partial
from typing import Any, TypeVar, cast

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    GraphQLUnionType,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import ScalarDefinition

from schema.resolvers import (
    VALUE_ATTRIBUTE,
    ArgumentsCaller,
    AttributeReader,
    CheckOfClass,
    InfoMethodCaller,
    MethodCaller,
    TypeOfClass,
)
from schema.strawberry_arguments import ArgumentConversions, BuildInput, NotCovered

T = TypeVar("T")


class AssembledSchema(strawberry.Schema):
    """A strawberry schema in which the types of `fields` have these fields instead of their own.

    Why: strawberry fixes the fields of a type when its class is created, and two schemas of one process may have
    different adapters. Strawberry calls the undocumented `get_fields`.
    """

    def __init__(
        self,
        query: type,
        mutation: type,
        types: Sequence[type],
        scalars: Mapping[object, ScalarDefinition],
        fields: Mapping[type, list[StrawberryField]],
    ) -> None:
        self._fields = fields
        config = StrawberryConfig(scalar_map=dict(scalars), disable_field_suggestions=True)
        super().__init__(query, mutation=mutation, types=types, config=config)

    @property
    def graphql(self) -> GraphQLSchema:
        """The graphql-core schema. Why: graphql-core executes documents, and strawberry keeps the schema private."""
        return self._schema

    @property
    def conversions(self) -> ArgumentConversions:
        """The conversions of arguments of this schema. Why: they need its scalars, which strawberry keeps private."""
        return ArgumentConversions(self.config.name_converter, self.schema_converter.scalar_registry)

    def get_fields(self, type_definition: StrawberryObjectDefinition) -> list[StrawberryField]:
        return self._fields.get(type_definition.origin, type_definition.fields)


def input_fields(cls: type) -> list[StrawberryField]:
    """Returns the fields of an input type. Why: `AssembledSchema` takes fields, and strawberry only creates them for a
    class."""
    return _object_definition(cls).fields


def build_input_with(cls: type[T], build: Callable[[Mapping[str, Any]], T]) -> None:
    """Makes strawberry call `build` with an input's coerced values by GraphQL name to create a value of `cls`.

    Why: strawberry would pass one keyword argument per field of the class, and an assembled input has other fields.
    `from_input` is meant for integrations and cannot be passed to `strawberry.input`.
    """
    _object_definition(cls).from_input = BuildInput(build)


def describe_enum_values(enum: type[Enum], descriptions: Mapping[str, str]) -> None:
    """Sets the description of each value of a published enum. Raises TypeError for a value without one.

    Why: strawberry takes descriptions of values only inside the enum's class, and the domain does not import GraphQL.
    """
    definition: StrawberryEnumDefinition = getattr(enum, "__strawberry_definition__")  # noqa: B009
    for value in definition.values:
        if value.name not in descriptions:
            raise TypeError(f"{definition.name}.{value.name} has no description")
        value.description = descriptions[value.name]


def describe_directive_arguments(schema: GraphQLSchema, descriptions: Mapping[str, Mapping[str, str]]) -> None:
    """Sets the descriptions of arguments by directive and argument name. Why: strawberry has no parameter for them."""
    for directive in schema.directives:
        for name, argument in directive.args.items():
            argument.description = descriptions.get(directive.name, {}).get(name, argument.description)


def describe_generic_types(schema: GraphQLSchema) -> None:
    """Replaces "{noun}" and "{nouns}" in the descriptions of generic types with the name of the type argument, in words
    such as "webhook delivery".

    Why: strawberry gives all types of one generic type the same descriptions.
    """
    for type_ in schema.type_map.values():
        definition = _definition(type_)
        if isinstance(type_, GraphQLObjectType) and isinstance(definition, StrawberryObjectDefinition):
            arguments = definition.type_var_map or definition.specialized_type_var_map or {}
            for argument in arguments.values():
                noun = re.sub(r"\B(?=[A-Z])", " ", _object_definition(argument).name).lower()
                nouns = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
                for described in (type_, *type_.fields.values()):
                    text = (described.description or "").replace("{nouns}", nouns)
                    described.description = text.replace("{noun}", noun)


def call_resolvers_directly(schema: GraphQLSchema, conversions: ArgumentConversions) -> None:
    """Makes fields without a resolver read their attribute directly, and calls resolvers directly.

    Why: strawberry's resolver of such a field makes four calls or more, a third of the time for a page of decisions.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                definition = _definition(field)
                if isinstance(definition, StrawberryField):
                    with suppress(NotCovered):
                        field.resolve = _direct_resolver(definition, conversions)


def _direct_resolver(field: StrawberryField, conversions: ArgumentConversions) -> Callable[..., Any]:
    """Returns a resolver that does the same as strawberry's. Raises NotCovered if there is none."""
    if field.is_basic_field:
        return AttributeReader(field.python_name)
    resolver = field.base_resolver
    if resolver is None or field.extensions or resolver.is_async or resolver.self_parameter is None:
        raise NotCovered(field)
    info = resolver.info_parameter
    if resolver.parent_parameter or resolver.root_parameter or (info is not None and info.name != "info"):
        raise NotCovered(field)
    method, make_info = cast("Callable[..., Any]", resolver.wrapped_func), partial(_info_of, field)
    if field.arguments:
        return ArgumentsCaller(method, None if info is None else make_info, conversions.of_field(field))
    return MethodCaller(method) if info is None else InfoMethodCaller(method, make_info)


def _info_of(field: StrawberryField, info: GraphQLResolveInfo[Any]) -> strawberry.Info:
    return strawberry.Info(_raw_info=info, _field=field)


def resolve_types_by_class(schema: GraphQLSchema) -> None:
    """Makes a value of the class of an object type have that type, without the search of strawberry.

    Why: strawberry tries the types one after the other, which took a quarter of the execution of a page of decisions. A
    value of `strawberry.cast` would not be of its class; the schema has none.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and type_.is_type_of is not None and (origin := _origin(type_)):
            type_.is_type_of = CheckOfClass(origin, type_.is_type_of)
        elif isinstance(type_, GraphQLInterfaceType | GraphQLUnionType) and type_.resolve_type is not None:
            names = {origin: each.name for each in schema.get_possible_types(type_) if (origin := _origin(each))}
            if not any(issubclass(one, other) for one in names for other in names if one is not other):
                type_.resolve_type = TypeOfClass(names, type_.resolve_type)


def mark_value_types(schema: GraphQLSchema) -> None:
    """Gives the types whose classes are marked with `made_of` the extension VALUE_ATTRIBUTE. Why: compiled operations
    know types of graphql-core only."""
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            attribute = vars(_origin(type_) or object).get(VALUE_ATTRIBUTE)
            if attribute is not None:
                type_.extensions[VALUE_ATTRIBUTE] = attribute


def _origin(type_: GraphQLObjectType) -> type | None:
    """Returns the class of an object type, None if instances of the class may be of several types."""
    definition = _definition(type_)
    if not isinstance(definition, StrawberryObjectDefinition):
        return None
    return None if definition.is_graphql_generic or definition.concrete_of else definition.origin


@lru_cache(maxsize=256)
def enum_names(type_: GraphQLEnumType) -> tuple[type[Enum], Mapping[str, str]] | None:
    """Returns the Python enum of a GraphQL enum, and the GraphQL names of its members by their Python names. None for
    an enum that has members without a GraphQL name, and for an enum of graphql-core itself.

    Why: strawberry searches the name of each value in a loop.
    """
    enum: type[Enum] | None = getattr(type_, "wrapped_cls", None)
    if enum is None or issubclass(enum, Flag):
        return None
    try:
        return enum, {member.name: type_.coerce_output_value(member) for member in enum}
    except ValueError:
        return None


def check_one_of(schema: GraphQLSchema) -> None:
    """Makes graphql-core reject a oneOf input that does not have exactly one member.

    Why: strawberry checks this only in its own executor, which is not used here.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            type_.is_one_of = _definition(type_).is_one_of


def applied_directives(element: GraphQLField | GraphQLNamedType) -> Sequence[object]:
    """Returns the directives on a field or type. Why: graphql-core's elements do not keep them."""
    definition = _definition(element)
    return () if definition is None else definition.directives or ()


def _definition(element: GraphQLField | GraphQLNamedType) -> Any:
    """Returns strawberry's definition of the element, None for an element of graphql-core itself."""
    return element.extensions.get("strawberry-definition")


def _object_definition(type_: Any) -> StrawberryObjectDefinition:
    return get_object_definition(type_, strict=True)
