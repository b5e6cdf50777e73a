"""All code that uses strawberry's internals. Check it when the pinned version of strawberry changes."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeVar, cast

import strawberry
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLNamedType, GraphQLObjectType, GraphQLSchema
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import StrawberryObjectDefinition, get_object_definition
from strawberry.types.enum import StrawberryEnumDefinition
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import ScalarDefinition

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
    _object_definition(cls).from_input = lambda _, values, __: build(values)


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
    """Replaces "{noun}" in the descriptions of generic types with the name of the type argument in lower case.

    Why: strawberry gives all types of one generic type the same descriptions.
    """
    for type_ in schema.type_map.values():
        definition = _definition(type_)
        if isinstance(type_, GraphQLObjectType) and isinstance(definition, StrawberryObjectDefinition):
            arguments = definition.type_var_map or definition.specialized_type_var_map or {}
            for argument in arguments.values():
                noun = _object_definition(argument).name.lower()
                for described in (type_, *type_.fields.values()):
                    described.description = (described.description or "").replace("{noun}", noun)


def read_attributes(schema: GraphQLSchema) -> None:
    """Makes fields without a resolver read their attribute directly, and calls resolvers without arguments directly.

    Why: strawberry's resolver of such a field makes four calls or more, a third of the time for a page of decisions.
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType):
            for field in type_.fields.values():
                definition = _definition(field)
                if not isinstance(definition, StrawberryField):
                    continue
                if definition.is_basic_field:
                    field.resolve = _attribute_reader(definition.python_name)
                elif (method := _plain_method(definition)) is not None:
                    field.resolve = _method_caller(method)


def _plain_method(field: StrawberryField) -> Callable[[Any], Any] | None:
    resolver = field.base_resolver
    if resolver is None or field.extensions or len(resolver.signature.parameters) != 1 or resolver.is_async:
        return None
    return None if resolver.self_parameter is None else cast("Callable[[Any], Any]", resolver.wrapped_func)


def _method_caller(method: Callable[[Any], Any]) -> Callable[..., Any]:
    def call(source: Any, _: Any) -> Any:
        return method(source)

    return call


def _attribute_reader(name: str) -> Callable[..., Any]:
    def read(source: Any, _: Any) -> Any:
        return getattr(source, name)

    return read


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
