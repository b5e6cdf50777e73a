"""The cost directives of the published schemas: every list has a size, and descriptions repeat the directives."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_composite_type

from schema.build import BuiltSchema
from schema.cost.weights import Weights, read_weights
from tests.support.graphql_world import built

BOTH = pytest.mark.parametrize("schema", [built(sandbox=False), built(sandbox=True)], ids=["live", "sandbox"])


def fields(schema: BuiltSchema) -> Iterator[tuple[str, str, GraphQLField]]:
    for type_ in schema.schema.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not type_.name.startswith("__"):
            yield from ((type_.name, name, field) for name, field in type_.fields.items())


def unsized(schema: BuiltSchema, weights: Weights) -> list[str]:
    """The lists and connections without @listSize. A list of a connection needs none if every field that returns the
    connection names it in sizedFields."""
    sized: dict[str, set[str]] = {}
    for owner, name, field in fields(schema):
        returned = get_named_type(field.type)
        if is_composite_type(returned):
            size = weights.sizes.get(f"{owner}.{name}")
            named = set(size.sized_fields) if size else set()
            sized[returned.name] = named & sized.get(returned.name, named)
    missing = []
    for owner, name, field in fields(schema):
        is_list = "[" in str(field.type)
        is_connection = not is_list and get_named_type(field.type).name.endswith("Connection")
        has_size = f"{owner}.{name}" in weights.sizes or (is_list and name in sized.get(owner, ()))
        if (is_list or is_connection) and not has_size:
            missing.append(f"{owner}.{name}")
    return missing


@BOTH
def test_a1_every_list_and_connection_has_a_size(schema: BuiltSchema) -> None:
    weights = read_weights(schema.sdl, schema.schema)
    assert unsized(schema, weights) == []
    without = Weights(
        weights.fields, weights.types, {k: v for k, v in weights.sizes.items() if k != "Decision.timeline"}
    )
    assert unsized(schema, without) == ["Decision.timeline", "EventConnection.edges", "EventConnection.nodes"]


@BOTH
def test_a1_every_connection_has_the_default_size_and_its_sliced_fields(schema: BuiltSchema) -> None:
    weights = read_weights(schema.sdl, schema.schema)
    for owner, name, field in fields(schema):
        if get_named_type(field.type).name.endswith("Connection"):
            size = weights.sizes[f"{owner}.{name}"]
            assert (size.assumed_size, size.slicing_arguments) == (20, ("first", "last"))
            assert size.sized_fields == ("edges", "nodes")


@BOTH
def test_a1_every_mutation_has_a_cost(schema: BuiltSchema) -> None:
    weights = read_weights(schema.sdl, schema.schema)
    assert [
        name
        for owner, name, _ in fields(schema)
        if owner == "Mutation" and weights.fields.get(f"Mutation.{name}", 0) < 10
    ] == []


@BOTH
def test_a1_descriptions_repeat_cost_and_list_size(schema: BuiltSchema) -> None:
    weights = read_weights(schema.sdl, schema.schema)
    for owner, name, field in fields(schema):
        description = field.description or ""
        cost, size = weights.fields.get(f"{owner}.{name}"), weights.sizes.get(f"{owner}.{name}")
        assert (f"Cost: {cost}." in description) == (cost is not None), f"{owner}.{name}"
        assert ("List size: " in description) == (size is not None), f"{owner}.{name}"
        if size is not None:
            words = [*size.slicing_arguments, *([f"{size.assumed_size}"] if size.assumed_size else [])]
            assert all(word in description.split("List size: ")[1] for word in words)
