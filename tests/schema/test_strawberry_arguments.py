"""The conversion of arguments against strawberry's own: for the published schema, and for each kind of type."""

from enum import Enum
from random import Random
from typing import Any

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    coerce_input_value,
)
from strawberry.annotation import StrawberryAnnotation
from strawberry.relay import GlobalID
from strawberry.types.arguments import convert_argument, convert_arguments
from strawberry.types.field import StrawberryField

from schema.ask import DecisionAsk, members
from schema.mutation import Mutation
from schema.query import SandboxQuery
from schema.scalars import SCALARS
from schema.strawberry_adapter import AssembledSchema
from schema.strawberry_arguments import NotCovered
from tests.support.world import installed_adapters

LEAVES: dict[str, list[Any]] = {
    "Decimal": ["1.00", "250.50"],
    "CurrencyCode": ["CNY"],
    "DateTime": ["2026-11-24T09:00:00Z"],
    "Duration": ["P1D"],
    "URL": ["https://merchant.example/a"],
    "Int": [0, 7],
    "Boolean": [True, False],
}
PUBLISHED = AssembledSchema(SandboxQuery, Mutation, (), SCALARS, {DecisionAsk: members(installed_adapters())})
FIELDS = [
    pytest.param(field, id=f"{type_.name}.{name}")
    for type_ in PUBLISHED.graphql.type_map.values()
    if isinstance(type_, GraphQLObjectType)
    for name, field in type_.fields.items()
    if field.args and "strawberry-definition" in field.extensions
]


def value_of(type_: Any, random: Random) -> Any:
    """Returns a random value that a client could send."""
    if isinstance(type_, GraphQLNonNull):
        return present_value_of(type_.of_type, random)
    return None if random.random() < 0.2 else present_value_of(type_, random)


def present_value_of(type_: Any, random: Random) -> Any:
    if isinstance(type_, GraphQLList):
        return [value_of(type_.of_type, random) for _ in range(random.randrange(3))]
    if isinstance(type_, GraphQLEnumType):
        return random.choice(list(type_.values))
    if not isinstance(type_, GraphQLInputObjectType):
        return random.choice(LEAVES.get(type_.name, ["text", ""]))
    names = [name for name, field in type_.fields.items() if isinstance(field.type, GraphQLNonNull)]
    if type_.extensions["strawberry-definition"].is_one_of:
        name = random.choice(list(type_.fields))
        return {name: present_value_of(type_.fields[name].type, random)}
    names += [name for name in type_.fields if name not in names and random.random() < 0.6]
    return {name: value_of(type_.fields[name].type, random) for name in names}


@pytest.mark.parametrize("field", FIELDS)
def test_argument_of_the_published_schema_is_converted_as_by_strawberry(field: Any) -> None:
    definition: StrawberryField = field.extensions["strawberry-definition"]
    parameters = PUBLISHED.conversions.of_field(definition)
    random = Random(repr(sorted(field.args)))
    for _ in range(50):
        present = [name for name in field.args if random.random() < 0.7]
        coerced = {
            name: coerce_input_value(value_of(field.args[name].type, random), field.args[name].type) for name in present
        }
        expected = convert_arguments(
            coerced, definition.arguments, PUBLISHED.schema_converter.scalar_registry, PUBLISHED.config
        )
        converted = {
            parameters[name][0]: convert(value) if (convert := parameters[name][1]) else value
            for name, value in coerced.items()
        }
        assert converted == expected
        assert list(converted) == list(expected)


@strawberry.enum
class Colour(Enum):
    RED = 1


@strawberry.input
class Inner:
    required: int
    renamed: str | None = strawberry.field(name="other", default="default")
    colours: list[Colour] = strawberry.field(default_factory=list)


@strawberry.input
class Outer:
    inner: Inner | None
    inners: list[Inner | None] | None = strawberry.UNSET
    unset: int | None = strawberry.UNSET


@strawberry.input
class Recursive:
    again: "Recursive | None" = None


@strawberry.input
class Built:
    value: int


Built.__strawberry_definition__.from_input = lambda cls, values, context: cls(value=context.path)  # type: ignore[attr-defined]  # added by strawberry

INNER = {"required": 1, "other": None, "colours": [Colour.RED]}


def converted(annotation: Any, value: Any) -> Any:
    """Returns the converted value, which must be that of strawberry."""
    type_ = StrawberryAnnotation(annotation).resolve()
    convert = PUBLISHED.conversions.of_type(type_)
    result = value if convert is None else convert(value)
    assert result == convert_argument(value, type_, PUBLISHED.schema_converter.scalar_registry, PUBLISHED.config)
    return result


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 1),
        (int | None, None),
        (int | None, strawberry.UNSET),
        (Colour, Colour.RED),
        (list[Colour] | None, [Colour.RED]),
        (list[list[int | None]], [[1, None], []]),
        (list[list[int]] | None, strawberry.UNSET),
        (Inner, INNER),
        (Inner | None, None),
        (list[Inner | None], [INNER, None, {"required": 2}]),
        (Outer, {}),
        (Outer, {"inner": {"required": 3}, "inners": [INNER, None]}),
        (Outer, {"inner": None, "inners": None, "unset": None}),
    ],
)
def test_value_is_converted_as_by_strawberry(annotation: Any, value: Any) -> None:
    converted(annotation, value)


def test_list_is_a_copy() -> None:
    value = [1]
    assert converted(list[int], value) is not value
    assert converted(list[int] | None, value) is not value


@strawberry.input
class Sometimes:
    value: strawberry.Maybe[int]


@pytest.mark.parametrize("annotation", [Sometimes, list[Sometimes], GlobalID, list[GlobalID], Recursive, Built])
def test_type_that_only_strawberry_converts_is_not_covered(annotation: Any) -> None:
    with pytest.raises(NotCovered):
        PUBLISHED.conversions.of_type(StrawberryAnnotation(annotation).resolve())
