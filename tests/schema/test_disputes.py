"""Disputes in the API: what a merchant reads, and how it responds."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.graphql_world import ISSUER, GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input

RESPOND = """mutation R($input: DisputeRespondInput!) { disputeRespond(input: $input) {
  dispute { id status statement response evidence resolvedAt resolution decision { id status availableTransitions } }
  userErrors { __typename code field documentation
    ... on StateConflictError { currentStatus availableTransitions }
    ... on IdempotencyError { differingFields } } } }"""
DISPUTES = """query D($id: ID!, $first: Int, $after: String) { decision(by: {id: $id}) { status
  disputes(first: $first, after: $after) { nodes { id subject openedBy status openedAt respondBy }
    pageInfo { hasNextPage endCursor } }
  timeline { nodes { __typename topic ... on DisputeEvent { dispute { id status } } } } } }"""
NODE = "query N($id: ID!) { node(id: $id) { id __typename ... on Dispute { statement } } }"
WORDS = "It came back on time."
SCOPES = ("decisions:read", "decisions:write", "disputes:write")


def make_transitions(world: GraphQLWorld, decision: str, *moves: str) -> str:
    for move in moves:
        (payload,) = world.data(
            TRANSITIONS[move].document, {"input": transition_input(move, decision)}, by=world.merchant()
        ).values()
        assert payload["userErrors"] == []
    return decision


@pytest.fixture
def breached(world: GraphQLWorld) -> str:
    """The id of a decision whose breach has been reported."""
    return make_transitions(world, world.request()["decision"]["id"], "activate", "breach")


def open_dispute(world: GraphQLWorld, decision: str) -> str:
    dispute = world.container.disputes.open(world.consent.user_id, decision, WORDS)
    return dispute.id


def respond(world: GraphQLWorld, dispute: str, *scopes: str, **changes: Any) -> Any:
    variables = {"disputeId": dispute, "idempotencyKey": "k", "accept": False, "statement": "No.", **changes}
    return world.data(RESPOND, {"input": variables}, by=world.merchant(*(scopes or SCOPES)))["disputeRespond"]


def test_merchant_reads_an_open_dispute(world: GraphQLWorld, breached: str) -> None:
    dispute = open_dispute(world, breached)
    found = world.data(DISPUTES, {"id": breached}, by=world.merchant(*SCOPES))["decision"]
    (node,) = found["disputes"]["nodes"]
    assert node == {
        "id": dispute,
        "subject": "BREACH",
        "openedBy": "USER",
        "status": "AWAITING_MERCHANT",
        "openedAt": "2026-11-23T12:00:00Z",
        "respondBy": "2026-11-30T12:00:00Z",
    }
    assert found["timeline"]["nodes"][-1] == {
        "__typename": "DisputeEvent",
        "topic": "DISPUTE_OPENED",
        "dispute": {"id": dispute, "status": "AWAITING_MERCHANT"},
    }
    assert world.data(NODE, {"id": dispute}, by=world.merchant(*SCOPES))["node"] == {
        "id": dispute,
        "__typename": "Dispute",
        "statement": WORDS,
    }


def test_accepting_upholds_the_dispute(world: GraphQLWorld, breached: str) -> None:
    dispute = open_dispute(world, breached)
    payload = respond(world, dispute, accept=True, statement="Sorry.", evidence=["https://cars.example/1"])
    assert payload["userErrors"] == []
    assert payload["dispute"] == {
        "id": dispute,
        "status": "UPHELD",
        "statement": WORDS,
        "response": "Sorry.",
        "evidence": ["https://cars.example/1"],
        "resolvedAt": "2026-11-23T12:00:00Z",
        "resolution": None,
        "decision": {
            "id": breached,
            "status": "ACTIVE",
            "availableTransitions": ["EXTEND", "REDUCE", "FULFILL"],
        },
    }


def test_user_errors_of_a_response(world: GraphQLWorld, breached: str) -> None:
    dispute = open_dispute(world, breached)
    (error,) = respond(world, "dsp_test_none")["userErrors"]
    assert (error["__typename"], error["code"], error["field"]) == (
        "NotFoundError",
        "NOT_FOUND",
        ["input", "disputeId"],
    )
    (error,) = respond(world, dispute, statement=" ")["userErrors"]
    assert (error["code"], error["field"], error["documentation"]) == (
        "INVALID",
        ["input", "statement"],
        f"{ISSUER}/docs/errors/INVALID",
    )
    assert respond(world, dispute)["dispute"]["status"] == "UNDER_REVIEW"
    assert respond(world, dispute)["dispute"]["status"] == "UNDER_REVIEW", "a replay"
    (error,) = respond(world, dispute, accept=True)["userErrors"]
    assert error["differingFields"] == [["input", "accept"]]
    (error,) = respond(world, dispute, idempotencyKey="other")["userErrors"]
    assert (error["__typename"], error["currentStatus"], error["availableTransitions"]) == (
        "StateConflictError",
        "BREACHED",
        ["FULFILL"],
    )


def test_disputes_have_pages(world: GraphQLWorld) -> None:
    breached = make_transitions(world, world.request()["decision"]["id"], "activate")
    world.clock.advance(timedelta(days=6))
    assert world.container.scheduler.apply_due() == 2, "the stranger's approval expires, too"
    first = open_dispute(world, breached)
    world.container.disputes.withdraw(world.consent.user_id, first)
    second = open_dispute(world, make_transitions(world, breached, "breach"))
    by = world.merchant(*SCOPES)
    page = world.data(DISPUTES, {"id": breached, "first": 1}, by=by)["decision"]["disputes"]
    assert [(node["id"], node["status"]) for node in page["nodes"]] == [(first, "WITHDRAWN")]
    assert page["pageInfo"]["hasNextPage"] is True
    rest = {"id": breached, "first": 5, "after": page["pageInfo"]["endCursor"]}
    assert [node["id"] for node in world.data(DISPUTES, rest, by=by)["decision"]["disputes"]["nodes"]] == [second]
    other = world.run(DISPUTES, {"id": breached, "after": "junk"}, by=by)
    assert other.body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_dispute_needs_a_merchant_token_with_the_scope(world: GraphQLWorld, breached: str) -> None:
    dispute = open_dispute(world, breached)
    assert world.data(NODE, {"id": dispute}, by=world.user())["node"] is None, "a user token cannot read disputes"
    refused = world.run(
        RESPOND,
        {"input": {"disputeId": dispute, "idempotencyKey": "k", "accept": True, "statement": "x"}},
        by=world.merchant("decisions:read", "decisions:write"),
    )
    assert refused.body["data"] == {"disputeRespond": None}
    assert refused.body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    without = world.run(DISPUTES, {"id": breached}, by=world.user())
    assert without.body["data"]["decision"]["disputes"] is None
    assert without.body["errors"][0]["extensions"]["code"] == "FORBIDDEN"
