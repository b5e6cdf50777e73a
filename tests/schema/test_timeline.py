"""Pages of a timeline: each event once in both directions, and only the page is read."""

from typing import Any

import pytest

from tests.support.graphql_world import GraphQLWorld
from tests.support.statements import statements

PAGE = """query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  decision(by: {id: $id}) { timeline(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id topic } } pageInfo { hasNextPage hasPreviousPage } } } }"""
FULFILL = "mutation ($i: DecisionFulfillInput!) { decisionFulfill(input: $i) { userErrors { code } } }"
ACTIVATE = "mutation ($i: DecisionActivateInput!) { decisionActivate(input: $i) { userErrors { code } } }"


@pytest.fixture
def decision(world: GraphQLWorld) -> str:
    """A decision with twelve events."""
    decision = str(world.request()["decision"]["id"])
    world.data(ACTIVATE, {"i": {"decisionId": decision, "idempotencyKey": "a"}}, by=world.merchant())
    for number in range(10):
        part = {"settledAmount": {"amount": "1.00", "currency": "CNY"}, "idempotencyKey": f"f{number}"}
        world.data(FULFILL, {"i": {"decisionId": decision, **part}}, by=world.merchant())
    return decision


def timeline(world: GraphQLWorld, decision: str, **arguments: Any) -> Any:
    return world.data(PAGE, {"id": decision, **arguments}, by=world.merchant())["decision"]["timeline"]


def pages(world: GraphQLWorld, decision: str, size: str, bound: str, edge: int, more: str) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        page = timeline(world, decision, **{size: 5, bound: cursor})
        found.append([each["node"]["id"] for each in page["edges"]])
        if not page["pageInfo"][more]:
            return found
        cursor = page["edges"][edge]["cursor"]


def test_a1_pages_have_each_event_once(world: GraphQLWorld, decision: str) -> None:
    whole = [each["node"]["id"] for each in timeline(world, decision)["edges"]]
    assert len(whole) == len(set(whole)) == 12
    assert pages(world, decision, "first", "after", -1, "hasNextPage") == [whole[:5], whole[5:10], whole[10:]]
    assert pages(world, decision, "last", "before", 0, "hasPreviousPage") == [whole[7:], whole[2:7], whole[:2]]
    cursors = [each["cursor"] for each in timeline(world, decision)["edges"]]
    between = timeline(world, decision, after=cursors[1], before=cursors[6])
    assert [each["node"]["id"] for each in between["edges"]] == whole[2:6]


def test_a1_only_the_page_is_read(world: GraphQLWorld, decision: str) -> None:
    with statements(world.database) as sent:
        timeline(world, decision, first=1)
    assert [text for text in sent if "FROM decision_log" in text and "LIMIT" not in text] == []


@pytest.mark.parametrize("bound", ["after", "before"])
def test_a1_cursor_of_another_decision_is_an_input_error(world: GraphQLWorld, decision: str, bound: str) -> None:
    other = str(world.request("key-2", "order-2", deposit={"amount": "1.00", "currency": "CNY"})["decision"]["id"])
    cursor = timeline(world, other)["edges"][0]["cursor"]
    (error,) = world.run(PAGE, {"id": decision, bound: cursor}, by=world.merchant()).body["errors"]
    assert error["message"] == f"{bound} is not a cursor of this list."
    assert error["extensions"] == {"code": "BAD_USER_INPUT"}
