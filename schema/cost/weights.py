"""The weights and list sizes of a schema, read from @cost and @listSize in its SDL, as any other tool can read them.

The arithmetic follows the IBM draft "GraphQL Cost Directives": without @cost an object weighs 1 and a leaf 0.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    ConstDirectiveNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    parse,
    value_from_ast_untyped,
)

UNKNOWN_SIZE = 10
"""The length of a list without @listSize. No list of the published schemas lacks it, which a test checks."""


@dataclass(frozen=True, slots=True)
class ListSize:
    """The arguments of @listSize on one field."""

    assumed_size: float | None = None
    slicing_arguments: tuple[str, ...] = ()
    sized_fields: tuple[str, ...] = ()
    require_one_slicing_argument: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """`fields` has the @cost of fields and `sizes` their @listSize, both by "Type.field". `types` has the @cost of
    objects by name."""

    fields: Mapping[str, int] = field(default_factory=dict)
    types: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, ListSize] = field(default_factory=dict)


def read_weights(sdl: str, schema: GraphQLSchema) -> Weights:
    """Returns the weights in an SDL text, and the list sizes of introspection for this schema."""
    weights = _read_directives(sdl)
    return Weights(weights.fields, weights.types, {**_introspection_sizes(schema), **weights.sizes})


@lru_cache(maxsize=4)
def _read_directives(sdl: str) -> Weights:
    """The weights in an SDL text, which a process reads once."""
    fields: dict[str, int] = {}
    types: dict[str, int] = {}
    sizes: dict[str, ListSize] = {}
    for definition in parse(sdl, no_location=True).definitions:
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            name = definition.name.value
            applied = _applied(definition.directives)
            if "cost" in applied:
                types[name] = applied["cost"]["weight"]
            for each in definition.fields or ():
                applied = _applied(each.directives)
                if "cost" in applied:
                    fields[f"{name}.{each.name.value}"] = applied["cost"]["weight"]
                if "listSize" in applied:
                    sizes[f"{name}.{each.name.value}"] = _list_size(applied["listSize"])
    return Weights(fields, types, sizes)


def _applied(directives: Sequence[ConstDirectiveNode] | None) -> dict[str, dict[str, Any]]:
    return {
        node.name.value: {each.name.value: value_from_ast_untyped(each.value) for each in node.arguments or ()}
        for node in directives or ()
    }


def _list_size(arguments: Mapping[str, Any]) -> ListSize:
    return ListSize(
        assumed_size=arguments.get("assumedSize"),
        slicing_arguments=tuple(arguments.get("slicingArguments") or ()),
        sized_fields=tuple(arguments.get("sizedFields") or ()),
        require_one_slicing_argument=bool(arguments.get("requireOneSlicingArgument")),
    )


@lru_cache(maxsize=4)
def _introspection_sizes(schema: GraphQLSchema) -> Mapping[str, ListSize]:
    """The mean lengths of the lists of introspection, because its types have no directives."""
    types = list(schema.type_map.values())
    fields = [each for type_ in types for each in _fields_of(type_)]
    totals = {
        "__Schema.types": (len(types), 1),
        "__Schema.directives": (len(schema.directives), 1),
        "__Directive.args": (sum(len(each.args) for each in schema.directives), len(schema.directives)),
        "__Type.fields": (len(fields), len(types)),
        "__Field.args": (sum(len(each.args) for each in fields), len(fields)),
        "__Type.interfaces": (sum(len(getattr(each, "interfaces", ())) for each in types), len(types)),
        "__Type.possibleTypes": (sum(len(getattr(each, "types", ())) for each in types), len(types)),
        "__Type.enumValues": (sum(len(getattr(each, "values", ())) for each in types), len(types)),
        "__Type.inputFields": (
            sum(len(getattr(each, "fields", ())) for each in types) - len(fields),
            len(types),
        ),
    }
    sizes = {name: ListSize(assumed_size=max(1.0, total / max(1, owners))) for name, (total, owners) in totals.items()}
    # Most types are wrapped once or twice, and tools ask for nine.
    return {"__Type.ofType": ListSize(assumed_size=0.5), **sizes}


def _fields_of(type_: GraphQLNamedType) -> list[Any]:
    return list(type_.fields.values()) if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) else []
