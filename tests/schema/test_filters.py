"""Filters and counts of the decision log: lists are sets of limited length, and counts stop."""

from typing import Any

import pytest

from gateway.store.decisions import pages
from tests.support.graphql_world import GraphQLWorld
from tests.support.statements import statements

LOG = "query ($f: DecisionFilter) { merchant { decisions(filter: $f) { nodes { id } totalCount totalCountExact } } }"


def log(world: GraphQLWorld, **filtered: Any) -> tuple[int, int, bool]:
    """The number of decisions on the page, and both members of the count."""
    page = world.data(LOG, {"f": filtered}, by=world.merchant())["merchant"]["decisions"]
    return len(page["nodes"]), page["totalCount"], page["totalCountExact"]


@pytest.mark.parametrize("name", ["statuses", "products"])
def test_e6_empty_list_matches_nothing(world: GraphQLWorld, name: str) -> None:
    world.request()
    assert log(world, **{name: []}) == (0, 0, True)
    assert log(world, **{name: None}) == (1, 1, True)
    assert log(world) == (1, 1, True)


def test_a3_repeated_values_count_once(world: GraphQLWorld) -> None:
    world.request()
    assert log(world, statuses=["APPROVED"] * 20) == (1, 1, True)
    assert log(world, statuses=["DECLINED"] * 20) == (0, 0, True)
    assert log(world, products=["DEPOSIT_WAIVER", "PAY_LATER"] * 10) == (1, 1, True)


@pytest.mark.parametrize(("name", "value"), [("statuses", "APPROVED"), ("products", "PAY_LATER")])
@pytest.mark.parametrize("length", [21, 700, 2400])
def test_a3_longer_list_is_an_input_error(world: GraphQLWorld, name: str, value: str, length: int) -> None:
    executed = world.run(LOG, {"f": {name: [value] * length}}, by=world.merchant())
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["message"] == f"filter.{name} may have at most 20 values."
    assert executed.body["data"] == {"merchant": {"decisions": None}}


def test_a3_count_stops_and_says_so(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        world.request(f"key-{number}", f"order-{number}", deposit={"amount": "10.00", "currency": "CNY"})
    monkeypatch.setattr(pages, "MAX_COUNT", 2)
    assert log(world) == (3, 2, False)
    monkeypatch.setattr(pages, "MAX_COUNT", 3)
    assert log(world) == (3, 3, True)


def test_a3_count_is_in_the_cost(world: GraphQLWorld) -> None:
    document = "{ merchant { decisions(first: 1) { totalCount totalCountExact } } }"
    extension = world.run(document, by=world.merchant()).body["extensions"]["cost"]
    assert extension["requestedQueryCost"] == 1 + 2 + 5 + 5


def test_a1_equal_counts_of_a_document_are_one_statement(world: GraphQLWorld) -> None:
    counts = " ".join(f"a{number}: decisions {{ totalCount totalCountExact }}" for number in range(5))
    with statements(world.database) as sent:
        world.data(f"{{ merchant {{ {counts} }} }}", by=world.merchant())
    assert sum("count(" in statement for statement in sent) == 1
