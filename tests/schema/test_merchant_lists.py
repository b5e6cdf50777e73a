"""The disputes and the consents of a merchant: in pages from the newest, filtered, and of this merchant only."""

from typing import Any

import pytest

from tests.support.graphql_consents import grant, revoke
from tests.support.graphql_world import GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input

DISPUTES = """query D($first: Int, $after: String, $last: Int, $before: String, $filter: DisputeFilter) {
  merchant { disputes(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    edges { cursor node { id status statement openedAt } } pageInfo { hasNextPage hasPreviousPage } } } }"""
CONSENTS = """query C($first: Int, $after: String, $last: Int, $before: String) {
  merchant { consents(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { id status scopes } } pageInfo { hasNextPage hasPreviousPage } } } }"""


def page(world: GraphQLWorld, document: str, **arguments: Any) -> Any:
    scope = "decisions:read" if document is DISPUTES else "consents:read"
    (connection,) = world.data(document, arguments, by=world.merchant(scope))["merchant"].values()
    return connection


def listed(world: GraphQLWorld, document: str, **arguments: Any) -> list[str]:
    return [each["node"]["id"] for each in page(world, document, **arguments)["edges"]]


def dispute(world: GraphQLWorld, number: int) -> str:
    """Opens a dispute of a new decision, one hour after the one before, and returns its id."""
    small = {"deposit": {"amount": "1.00", "currency": "CNY"}}
    decision = str(world.request(f"k{number}", f"r{number}", **small)["decision"]["id"])
    for move in ("activate", "breach"):
        variables = {"input": transition_input(move, decision)}
        world.data(TRANSITIONS[move].document, variables, by=world.merchant())
    world.clock.advance(hours=1)
    return world.container.disputes.open(world.consent.user_id, decision, f"Statement {number}.").id


def assert_pages(world: GraphQLWorld, document: str, newest_first: list[str]) -> None:
    """Fails unless pages in both directions have these four objects, each once."""
    edges = page(world, document)["edges"]
    assert [each["node"]["id"] for each in edges] == newest_first
    cursors = [each["cursor"] for each in edges]
    assert listed(world, document, first=2) == newest_first[:2]
    assert listed(world, document, first=2, after=cursors[1]) == newest_first[2:]
    assert listed(world, document, last=2) == newest_first[2:]
    assert listed(world, document, last=2, before=cursors[2]) == newest_first[:2]
    assert listed(world, document, after=cursors[0], before=cursors[3]) == newest_first[1:3]
    assert page(world, document, first=3)["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    assert page(world, document, last=4)["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False}


@pytest.mark.postgresql
def test_disputes_are_in_pages(each_world: GraphQLWorld) -> None:
    opened = [dispute(each_world, number) for number in range(4)]
    assert_pages(each_world, DISPUTES, opened[::-1])
    statements = [each["node"]["statement"] for each in page(each_world, DISPUTES, first=2)["edges"]]
    assert statements == ["Statement 3.", "Statement 2."]


@pytest.mark.postgresql
def test_disputes_are_filtered(each_world: GraphQLWorld) -> None:
    first, second, third = [dispute(each_world, number) for number in range(3)]
    each_world.container.disputes.withdraw(each_world.consent.user_id, second)
    for filtered, expected in (
        ({"statuses": ["WITHDRAWN"]}, [second]),
        ({"statuses": ["AWAITING_MERCHANT", "UNDER_REVIEW"]}, [third, first]),
        ({"statuses": []}, []),
        ({"statuses": None, "openedAfter": "2026-11-23T13:00:00Z"}, [third, second]),
        ({"openedBefore": "2026-11-23T15:00:00Z"}, [second, first]),
        ({"statuses": ["WITHDRAWN"], "openedBefore": "2026-11-23T14:00:00Z"}, []),
        ({}, [third, second, first]),
        (None, [third, second, first]),
    ):
        assert listed(each_world, DISPUTES, filter=filtered) == expected, filtered


@pytest.mark.postgresql
def test_consents_are_in_pages(each_world: GraphQLWorld) -> None:
    granted = [each_world.consent.id, *(grant(each_world) for _ in range(3))]
    revoke(each_world, granted[1])
    assert_pages(each_world, CONSENTS, granted[::-1])
    statuses = [each["node"]["status"] for each in page(each_world, CONSENTS)["edges"]]
    assert statuses == ["ACTIVE", "ACTIVE", "REVOKED", "ACTIVE"]


@pytest.mark.parametrize(
    ("document", "required"),
    [(DISPUTES, [["decisions:read"], ["disputes:write"]]), (CONSENTS, [["consents:read"]])],
    ids=["disputes", "consents"],
)
def test_lists_need_a_scope(world: GraphQLWorld, document: str, required: list[list[str]]) -> None:
    for token in (world.user(), world.merchant("webhooks:manage")):
        (error,) = world.run(document, by=token).body["errors"]
        assert error["extensions"] == {"code": "FORBIDDEN", "requiredScopes": required}
    for scope in required:
        assert "errors" not in world.run(document, by=world.merchant(*scope)).body


def test_cursor_of_another_list_is_an_input_error(world: GraphQLWorld) -> None:
    cursor, token = page(world, CONSENTS)["edges"][0]["cursor"], world.merchant("decisions:read", "consents:read")
    for document, text in ((DISPUTES, cursor), (CONSENTS, "x"), (DISPUTES, "\0")):
        (error,) = world.run(document, {"after": text}, by=token).body["errors"]
        assert error["extensions"] == {"code": "BAD_USER_INPUT"}
