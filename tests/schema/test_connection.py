"""Connections: page sizes, cursors, both directions, all orders."""

from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.transitions import Status
from schema.connection import cursor
from tests.support import factories
from tests.support.clock import NOON
from tests.support.graphql_world import GraphQLWorld
from tests.support.units import writing

PAGE = """query P($first: Int, $after: String, $last: Int, $before: String, $filter: DecisionFilter,
                  $order: DecisionOrder) {
  merchant { decisions(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $order) {
    nodes { merchantReference } edges { cursor } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
MANY = 25


@pytest.fixture
def filled(world: GraphQLWorld) -> GraphQLWorld:
    """25 decisions, two per timestamp so that the id breaks ties, updated in reverse order."""
    with writing(world.database) as unit:
        for number in range(MANY):
            factories.make_decision(
                unit,
                world.consent,
                merchant_reference=f"r{number:02}",
                created_at=NOON + timedelta(seconds=number // 2),
                updated_at=NOON + timedelta(minutes=MANY - number),
                status=Status.DECLINED if number % 5 == 0 else Status.APPROVED,
            )
    return world


def page(world: GraphQLWorld, **variables: Any) -> Any:
    return world.data(PAGE, variables, by=world.merchant())["merchant"]["decisions"]


def references(result: Any) -> list[str]:
    return [node["merchantReference"] for node in result["nodes"]]


def all_references(*, newest_first: bool) -> list[str]:
    return [f"r{number:02}" for number in (range(MANY - 1, -1, -1) if newest_first else range(MANY))]


def test_first_page_needs_no_arguments(filled: GraphQLWorld) -> None:
    result = page(filled)
    assert references(result) == all_references(newest_first=True)[:20]
    assert result["totalCount"] == MANY
    assert result["pageInfo"]["hasNextPage"] is True
    assert result["pageInfo"]["hasPreviousPage"] is False
    assert result["pageInfo"]["endCursor"] == result["edges"][-1]["cursor"]


@pytest.mark.parametrize("order", ["CREATED_AT_DESC", "CREATED_AT_ASC", "UPDATED_AT_DESC"])
@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_paging_in_both_directions_returns_each_item_once(filled: GraphQLWorld, order: str, size: int) -> None:
    expected = all_references(newest_first=order == "CREATED_AT_DESC")
    forward: list[str] = []
    after = None
    while True:
        result = page(filled, first=size, after=after, order=order)
        forward += references(result)
        after = result["pageInfo"]["endCursor"]
        if not result["pageInfo"]["hasNextPage"]:
            break
    assert forward == expected
    backward: list[str] = []
    before = None
    while True:
        result = page(filled, last=size, before=before, order=order)
        backward = references(result) + backward
        before = result["pageInfo"]["startCursor"]
        if not result["pageInfo"]["hasPreviousPage"]:
            break
    assert backward == expected


def test_after_and_before_can_be_combined(filled: GraphQLWorld) -> None:
    edges = page(filled, first=10)["edges"]
    result = page(filled, first=100, after=edges[2]["cursor"], before=edges[6]["cursor"])
    assert references(result) == all_references(newest_first=True)[3:6]


def test_total_count_respects_the_filter(filled: GraphQLWorld) -> None:
    result = page(filled, filter={"statuses": ["DECLINED"]})
    assert (len(result["nodes"]), result["totalCount"]) == (5, 5)
    assert page(filled, filter={"products": ["PAY_LATER"]})["totalCount"] == 0
    late = (NOON + timedelta(seconds=10)).isoformat()
    assert page(filled, filter={"createdAfter": late, "statuses": None})["totalCount"] < MANY


@pytest.mark.parametrize(
    "arguments",
    [
        {"first": 0},
        {"first": -1},
        {"first": 101},
        {"first": 2147483647},
        {"last": 0},
        {"last": 101},
        {"first": 1, "last": 1},
        {"after": "nonsense"},
        {"after": "AAAA\x00"},
        {"after": "é"},
        {"after": "x" * 10_000},
        {"before": urlsafe_b64encode(b'["CREATED_AT_DESC"]').decode()},
        {"before": urlsafe_b64encode(b'{"a": 1}').decode()},
        {"after": cursor("CREATED_AT_ASC", (NOON, "dec_1"))},
        {"after": cursor("TIMELINE", (NOON, "evt_1"))},
        {"after": cursor("UPDATED_AT_DESC", (NOON, "dec_1"))},
    ],
)
def test_invalid_page_arguments_are_bad_user_input(filled: GraphQLWorld, arguments: dict[str, Any]) -> None:
    executed = filled.run(PAGE, arguments, by=filled.merchant())
    assert executed.ran
    assert executed.body["data"] == {"merchant": {"decisions": None}}
    (error,) = executed.body["errors"]
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
    assert error["path"] == ["merchant", "decisions"]


def test_timeline_has_pages(world: GraphQLWorld) -> None:
    first, second = (world.request(f"k{n}", f"order-{n}")["decision"]["id"] for n in (1, 2))
    cancel = (
        'mutation C($id: ID!) { decisionCancel(input: {decisionId: $id, idempotencyKey: "c"}) { decision { id } } }'
    )
    world.data(cancel, {"id": first}, by=world.merchant())
    document = """query T($id: ID!, $first: Int, $after: String, $last: Int) { node(id: $id) { ... on Decision {
        timeline(first: $first, after: $after, last: $last) { edges { cursor node { topic } }
                                                              pageInfo { hasNextPage hasPreviousPage } } } } }"""

    def timeline(**variables: Any) -> Any:
        return world.data(document, variables)["node"]["timeline"]

    start = timeline(id=first, first=1)
    assert start["edges"][0]["node"]["topic"] == "DECISION_APPROVED"
    assert start["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    rest = timeline(id=first, after=start["edges"][0]["cursor"])
    assert [edge["node"]["topic"] for edge in rest["edges"]] == ["DECISION_CANCELLED"]
    assert timeline(id=first, last=1)["edges"] == rest["edges"]
    foreign = world.run(document, {"id": second, "after": start["edges"][0]["cursor"]})
    assert foreign.body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
