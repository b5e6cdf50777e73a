"""The types of a schema that have selections, with what a validation looks up for each field."""

from collections.abc import Mapping
from dataclasses import dataclass

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    TypeNameMetaFieldDef,
    get_named_type,
    is_composite_type,
    is_required_argument,
)


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a field or directive by name, and the names of those that must be present."""

    by_name: Mapping[str, GraphQLArgument]
    required: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class SelectableField:
    """A field that can be selected. `returned` is the type of its objects, None for a leaf."""

    arguments: Arguments
    returned: "SelectableType | None"


@dataclass(frozen=True, slots=True, eq=False)
class SelectableType:
    """An object, interface or union. `fields` has __typename, but not __schema and __type. `possible` are the names of
    the object types that its objects can have."""

    possible: frozenset[str]
    fields: dict[str, SelectableField]


def describe_arguments(arguments: Mapping[str, GraphQLArgument]) -> Arguments:
    """Returns the arguments of a field or directive."""
    return Arguments(arguments, frozenset(name for name, each in arguments.items() if is_required_argument(each)))


def describe_types(schema: GraphQLSchema) -> Mapping[str, SelectableType]:
    """Returns the types of a schema that have selections, by name, without those of introspection."""
    composites = {
        name: type_ for name, type_ in schema.type_map.items() if is_composite_type(type_) and not name.startswith("__")
    }
    described = {name: SelectableType(_possible(schema, type_), {}) for name, type_ in composites.items()}
    for name, type_ in composites.items():
        fields = {"__typename": TypeNameMetaFieldDef, **_fields(type_)}
        for field_name, each in fields.items():
            returned = described.get(get_named_type(each.type).name)
            described[name].fields[field_name] = SelectableField(describe_arguments(each.args), returned)
    return described


def _fields(type_: GraphQLNamedType) -> Mapping[str, GraphQLField]:
    return type_.fields if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else {}


def _possible(schema: GraphQLSchema, type_: GraphQLNamedType) -> frozenset[str]:
    if isinstance(type_, GraphQLInterfaceType | GraphQLUnionType):
        return frozenset(each.name for each in schema.get_possible_types(type_))
    return frozenset({type_.name})
