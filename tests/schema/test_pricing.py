"""The arithmetic of prices, on a small schema: weights, list sizes, variables, fragments, abstract types."""

from typing import Any

import pytest
from graphql import FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, build_schema, parse, validate

from schema.compiled.kept import Data
from schema.cost.price import OperationPrice
from schema.cost.pricing import Pricer
from schema.cost.result import actual_cost
from schema.cost.weights import read_weights

SDL = """
directive @cost(weight: Int!) on FIELD_DEFINITION | OBJECT
directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!],
  requireOneSlicingArgument: Boolean = false) on FIELD_DEFINITION
type Query {
  leaf: Int dear: Int @cost(weight: 7) object: Item heavy: Heavy overridden: Heavy @cost(weight: 2)
  assumed: [Item] @listSize(assumedSize: 4) unknown: [Item] leaves: [Int] @listSize(assumedSize: 9)
  weighted: [Item] @cost(weight: 3) @listSize(assumedSize: 4)
  sliced(first: Int, last: Int): [Item] @listSize(slicingArguments: ["first", "last"])
  defaulted(first: Int = 6): [Item] @listSize(slicingArguments: ["first"])
  assumedOrSliced(first: Int): [Item] @listSize(slicingArguments: ["first"], assumedSize: 5)
  byIds(ids: [ID!]!): [Item] @listSize(slicingArguments: ["ids"])
  one(first: Int, last: Int): [Item] @listSize(slicingArguments: ["first", "last"], requireOneSlicingArgument: true)
  page(first: Int): Page @listSize(slicingArguments: ["first"], sizedFields: ["edges", "nodes"], assumedSize: 20)
  either: Either named: Named
}
type Item implements Named {
  id: ID name: String item: Item dear: Int @cost(weight: 5) list: [Item] @listSize(assumedSize: 3)
}
type Heavy implements Named @cost(weight: 10) { id: ID name: String item: Item }
type Page { edges: [Edge] nodes: [Item] count: Int @cost(weight: 5) info: Info }
type Info { more: Boolean }
type Edge { cursor: ID node: Item }
interface Named { name: String }
union Either = Item | Heavy
"""
SCHEMA = build_schema(SDL)
PRICER = Pricer(SCHEMA, read_weights(SDL, SCHEMA), largest_page=100)


def price_of(text: str, **variables: Any) -> OperationPrice:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    operation = next(each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return PRICER.price(operation, fragments, variables)


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        pytest.param("{ leaf }", 1, id="A1-the-least-is-1"),
        pytest.param("{ object { id name } }", 1, id="A1-object"),
        pytest.param("{ object { id item { id } } }", 2, id="A1-nested-object"),
        pytest.param("{ dear }", 7, id="A1-weight-of-a-leaf"),
        pytest.param("{ heavy { id } }", 10, id="A1-weight-of-an-object"),
        pytest.param("{ overridden { id } }", 2, id="A1-weight-of-a-field-replaces-the-object"),
        pytest.param("{ assumed { id } }", 4, id="A1-assumed-size"),
        pytest.param("{ assumed { id dear } }", 24, id="A1-children-of-a-list"),
        pytest.param("{ weighted { id } }", 7, id="A1-weight-of-a-list-counts-once"),
        pytest.param("{ unknown { id } }", 10, id="A1-list-of-unknown-size"),
        pytest.param("{ leaves }", 1, id="A1-list-of-leaves"),
        pytest.param("{ assumed { list { id } } }", 16, id="A1-list-in-a-list"),
        pytest.param("{ sliced(first: 7) { id } }", 7, id="A1-slicing-argument"),
        pytest.param("{ sliced(first: 7, last: 9) { id } }", 9, id="A1-largest-slicing-argument"),
        pytest.param("{ sliced(first: null, last: 9) { id } }", 9, id="A1-null-slicing-argument"),
        pytest.param("{ sliced(first: -1) { id } }", 1, id="A1-negative-slicing-argument"),
        pytest.param("{ sliced(first: 2147483647) { id } }", 100, id="A1-slicing-argument-over-the-largest-page"),
        pytest.param("{ sliced { id } }", 10, id="A1-no-slicing-argument-and-no-size"),
        pytest.param("{ defaulted { id } }", 6, id="A1-default-of-an-argument"),
        pytest.param("{ assumedOrSliced { id } }", 5, id="A1-assumed-size-without-slicing-argument"),
        pytest.param("{ assumedOrSliced(first: 2) { id } }", 2, id="A1-slicing-argument-before-assumed-size"),
        pytest.param('{ byIds(ids: ["a", "b", "c"]) { id } }', 3, id="A1-length-of-a-list-argument"),
        pytest.param('{ byIds(ids: "a") { id } }', 1, id="A1-single-value-as-a-list"),
        pytest.param("{ page(first: 7) { nodes { id } } }", 8, id="A1-connection-by-nodes"),
        pytest.param("{ page(first: 7) { edges { node { id } } } }", 15, id="A1-connection-by-edges"),
        pytest.param("{ page(first: 7) { edges { cursor } nodes { id } } }", 15, id="A1-connection-by-both"),
        pytest.param("{ page { nodes { id } } }", 21, id="A1-connection-without-arguments"),
        pytest.param("{ page(first: 7) { count info { more } } }", 7, id="A1-connection-without-items"),
        pytest.param("{ either { ... on Item { id } } }", 10, id="A1-union-is-its-dearest-type"),
        pytest.param("{ either { ... on Item { id list { list { id } } } } }", 22, id="A1-union-with-a-dear-fragment"),
        pytest.param("{ named { name } }", 10, id="A1-interface-is-its-dearest-type"),
        pytest.param(
            "{ named { ... on Item { dear } ... on Heavy { item { id } } } }", 15, id="A1-types-exclude-each-other"
        ),
        pytest.param("{ object { id } object { name } }", 1, id="A1-equal-response-keys-are-one-field"),
        pytest.param(
            "{ object { item { id } } ...F } fragment F on Query { object { item { name } dear } }", 7, id="A1-merged"
        ),
        pytest.param("{ a: object { id } b: object { id } }", 2, id="A1-aliases-count"),
        pytest.param("{ ...F ...F } fragment F on Query { object { id } }", 1, id="A1-fragment-spread-twice"),
        pytest.param("{ a: object { ...F } b: object { ...F } } fragment F on Item { dear }", 12, id="A1-fragment"),
        pytest.param("{ ... on Query { object { id } } ... { dear } }", 8, id="A1-inline-fragments"),
        pytest.param("{ object @skip(if: true) { id } dear @include(if: false) }", 1, id="A1-excluded-fields"),
        pytest.param(
            "{ ... @include(if: false) { dear } ...F @skip(if: true) } fragment F on Query { dear }",
            1,
            id="A1-excluded-fragments",
        ),
    ],
)
def test_price(text: str, cost: int) -> None:
    assert price_of(text).requested == cost


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        pytest.param("query ($n: Int) { sliced(first: $n) { id } }", {"n": 8}, 8, id="A1-variable"),
        pytest.param("query ($n: Int) { assumedOrSliced(first: $n) { id } }", {}, 5, id="A1-absent-variable"),
        pytest.param("query ($n: Int) { defaulted(first: $n) { id } }", {}, 6, id="A1-absent-variable-and-default"),
        pytest.param("query ($n: Int) { assumedOrSliced(first: $n) { id } }", {"n": None}, 5, id="A1-null-variable"),
        pytest.param("query ($i: [ID!]!) { byIds(ids: $i) { id } }", {"i": ["a", "b"]}, 2, id="A1-list-variable"),
        pytest.param("query ($i: ID!) { byIds(ids: [$i, $i]) { id } }", {"i": "a"}, 2, id="A1-list-of-variables"),
        pytest.param("query ($s: Boolean!) { dear @skip(if: $s) }", {"s": True}, 1, id="A1-skipped-by-variable"),
        pytest.param("query ($s: Boolean!) { dear @include(if: $s) }", {"s": True}, 7, id="A1-included-by-variable"),
    ],
)
def test_price_with_variables(text: str, variables: dict[str, Any], cost: int) -> None:
    assert price_of(text, **variables).requested == cost


@pytest.mark.parametrize("arguments", ["", "(first: 1, last: 1)", "(first: null)"])
def test_a1_missing_slicing_argument_is_refused_where_one_is_required(arguments: str) -> None:
    with pytest.raises(GraphQLError, match="exactly one"):
        price_of(f"{{ one{arguments} {{ id }} }}")
    assert price_of("{ one(last: 3) { id } }").requested == 3


def test_a1_doubled_fragments_are_priced_once_each() -> None:
    levels = 40
    fragments = " ".join(
        f"fragment F{n} on Item {{ a: item {{ ...F{n + 1} }} b: item {{ ...F{n + 1} }} }}" for n in range(levels)
    )
    price = price_of(f"{{ object {{ ...F0 }} }} {fragments} fragment F{levels} on Item {{ id }}")
    assert price.requested == 2 ** (levels + 1) - 1


def test_a1_dearest_path_leads_to_the_dearest_field() -> None:
    price = price_of("{ dear page(first: 50) { n: nodes { id dear } info { more } } }")
    assert price.dearest_path() == ["page", "n", "dear"]


@pytest.mark.parametrize(
    ("text", "data", "cost"),
    [
        pytest.param("{ assumed { id } }", {"assumed": [{"id": 1}]}, 1, id="A2-short-list"),
        pytest.param("{ assumed { dear } }", {"assumed": [{"dear": 1}, None]}, 7, id="A2-null-in-a-list"),
        pytest.param("{ heavy { item { id } } }", {"heavy": None}, 10, id="A2-null-object"),
        pytest.param("{ page { nodes { id } count } }", {"page": {"nodes": [{}, {}], "count": 2}}, 8, id="A2-page"),
        pytest.param("{ either { ... on Heavy { item { id } } } }", {"either": {}}, 10, id="A2-other-type"),
        pytest.param("{ assumed { id } }", {"assumed": [{}] * 9}, 4, id="A2-never-more-than-requested"),
    ],
)
def test_actual_cost(text: str, data: dict[str, Any], cost: int) -> None:
    assert actual_cost(price_of(text), data, failed=False) == cost


def test_cost_of_kept_data_is_calculated_for_each_price() -> None:
    kept = Data()
    kept["dear"] = 1
    dear, cheap = price_of("{ assumed { dear } }"), price_of("{ assumed { id } }")
    costs = [actual_cost(price, {"assumed": [kept, {"dear": 1}]}, failed=False) for price in (dear, cheap, dear, dear)]
    assert costs == [
        actual_cost(price, {"assumed": [{"dear": 1}] * 2}, failed=False) for price in (dear, cheap, dear, dear)
    ]
    assert costs[0] > costs[1]


def test_a2_what_failed_costs_what_was_requested() -> None:
    price = price_of("{ assumed { dear } object { id } }")
    assert actual_cost(price, {"assumed": None, "object": {}}, failed=True) == price.requested == 25
    assert actual_cost(price, None, failed=True) == 25
