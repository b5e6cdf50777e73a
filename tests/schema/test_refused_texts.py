"""Texts that a database refuses, wherever the API takes a text that reaches one: an answer of the caller's kind."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.kit import json
from gateway.kit.crypto import base64url
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, GraphQLWorld, asked
from tests.support.life import MOVES, RESPOND, moving

REFUSED = ["\0", "dec_test_\0", "\ud800", "dec_test_\udfff", "dsp_test_1\0", "x" * 100_000, ""]
"""A NUL, which PostgreSQL cannot even look for, and halves of surrogate pairs, which no database can be sent."""
SCOPES = ("decisions:read", "decisions:write", "disputes:write", "consents:read", "sandbox")


@pytest.fixture
def each_world(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """The engine over real services, on both databases in turn."""
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": database_url}), clock)) as made:
        yield made


def refusal(payload: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Type, code and field of the one error of a payload that holds nothing else."""
    (error,) = payload.pop("userErrors")
    assert not any(payload.values())
    return error["__typename"], error["code"], error["field"]


def test_ids_in_mutations(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    for text in REFUSED:
        for name, move in MOVES.items():
            given = moving(name, text, amount={"amount": "1.00", "currency": "CNY"})
            (payload,) = each_world.data(move.document, {"input": given}, by=by).values()
            assert refusal(payload) == ("NotFoundError", "NOT_FOUND", ["input", "decisionId"]), (name, text[:20])
        answer = {"disputeId": text, "idempotencyKey": "k", "accept": True, "statement": "Right."}
        payload = each_world.data(RESPOND, {"input": answer}, by=by)["disputeRespond"]
        assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["input", "disputeId"]}], text[:20]


def test_an_unknown_id_and_one_that_could_be_none_are_not_told_apart(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    told = [
        each_world.data(MOVES["cancel"].document, {"input": moving("cancel", text)}, by=by)["decisionCancel"]
        for text in ("dec_test_unknown", "dec_test_\0")
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("name", ["idempotencyKey", "reason"])
def test_other_texts_in_mutations(each_world: GraphQLWorld, name: str) -> None:
    decision = each_world.request()["decision"]["id"]
    for text in ("\0", "a\0b", "\ud800", "a\udfffb"):
        given = {**moving("cancel", decision), name: text}
        payload = each_world.data(MOVES["cancel"].document, {"input": given}, by=each_world.merchant())
        assert refusal(payload["decisionCancel"]) == ("InvalidInputError", "INVALID", ["input", name]), text


def test_texts_in_requests(each_world: GraphQLWorld) -> None:
    ride = {"bikeRide": {"deposit": {"amount": "99.00", "currency": "CNY"}, "bikeId": "bike-1"}}
    for text in ("\0", "a\0b", "\ud800", "a\udfffb"):
        for name in ("idempotencyKey", "merchantReference", "purpose"):
            variables = {"input": {**asked("key", "order")["input"], name: text}}
            _, code, field = refusal(each_world.data(REQUEST, variables)["decisionRequest"])
            assert (code, field) == ("INVALID", ["input", name]), (name, text)
        bike = {"bikeRide": {**ride["bikeRide"], "bikeId": text}}
        variables = {"input": {**asked("key", "order")["input"], "ask": bike}}
        _, code, field = refusal(each_world.data(REQUEST, variables)["decisionRequest"])
        assert (code, field) == ("INVALID", ["input", "ask", "bikeRide", "bikeId"]), text


def test_ids_and_references_in_queries(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    for text in REFUSED:
        assert each_world.data("query ($i: ID!) { node(id: $i) { id } }", {"i": text}, by=by) == {"node": None}
        assert each_world.data("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": [text]}, by=by)["nodes"] == [None]
        for name in ("id", "merchantReference"):
            found = each_world.data(
                "query ($b: DecisionLookup!) { decision(by: $b) { id } }", {"b": {name: text}}, by=by
            )
            assert found == {"decision": None}, (name, text[:20])


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("text", ["\0", "dec_test_\0", "", "x" * 200])
def test_cursors_whose_id_is_none(each_world: GraphQLWorld, argument: str, text: str) -> None:
    decision = each_world.request()["decision"]["id"]
    lists = {
        "CREATED_AT_DESC": "{ merchant { decisions(%s) { nodes { id } } } }",
        "DISPUTES": f'{{ decision(by: {{id: "{decision}"}}) {{ disputes(%s) {{ nodes {{ id }} }} }} }}',
        "TIMELINE": f'{{ decision(by: {{id: "{decision}"}}) {{ timeline(%s) {{ nodes {{ id }} }} }} }}',
    }
    for order, query in lists.items():
        cursor = base64url(json.encode([order, "2026-11-23T12:00:00Z", text]))
        answer = each_world.run(query % f'{argument}: "{cursor}"', by=each_world.merchant(*SCOPES)).body
        assert [error["extensions"]["code"] for error in answer["errors"]] == ["BAD_USER_INPUT"], order


def test_texts_written_into_the_document(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    document = """mutation { decisionCancel(input: {decisionId: "%s", idempotencyKey: "k"}) {
      decision { id } userErrors { __typename code field } } }"""
    payload = each_world.data(document % r"dec_test_\u0000", by=by)["decisionCancel"]
    assert refusal(payload) == ("NotFoundError", "NOT_FOUND", ["input", "decisionId"])
    answer = each_world.run(document % r"\uD800", by=by)
    assert (answer.ran, answer.body["errors"][0]["extensions"]["code"]) == (False, "GRAPHQL_PARSE_FAILED")
