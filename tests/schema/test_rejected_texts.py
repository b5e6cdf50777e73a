"""Texts that a database rejects, in each text of the API that reaches it: a typed error, never an internal error."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.kit import json
from gateway.kit.crypto import base64url
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables
from tests.support.transitions import RESPOND, TRANSITIONS, transition_input

pytestmark = pytest.mark.postgresql

UNPRINTABLE = ("\0", "a\0b", "\ud800", "a\udfffb", "a\u202eb", "a\u2067b", "a\uffffb", "a\x9bb", "\u3164")
"""Texts with a control character, a bidirectional override, half of a surrogate pair or a noncharacter, and one that
cannot be seen."""

REJECTED = ["\0", "dec_test_\0", "\ud800", "dec_test_\udfff", "dsp_test_1\0", "x" * 100_000, ""]
"""Texts with NUL, which PostgreSQL cannot search for, and with lone surrogates, which cannot be sent to a database."""
SCOPES = ("decisions:read", "decisions:write", "disputes:write", "consents:read", "sandbox")


@pytest.fixture
def each_world(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    """A GraphQLWorld on SQLite and PostgreSQL in turn."""
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": database_url}), clock)) as made:
        yield made


def user_error_of(payload: dict[str, Any]) -> tuple[str, str, list[str]]:
    """Returns type, code and field of the single error of a payload, which must be empty otherwise."""
    (error,) = payload.pop("userErrors")
    assert not any(payload.values())
    return error["__typename"], error["code"], error["field"]


def test_ids_in_mutations(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    for text in REJECTED:
        for name, move in TRANSITIONS.items():
            input_ = transition_input(name, text, amount={"amount": "1.00", "currency": "CNY"})
            (payload,) = each_world.data(move.document, {"input": input_}, by=by).values()
            assert user_error_of(payload) == ("NotFoundError", "NOT_FOUND", ["input", "decisionId"]), (name, text[:20])
        response_input = {"disputeId": text, "idempotencyKey": "k", "accept": True, "statement": "Right."}
        payload = each_world.data(RESPOND, {"input": response_input}, by=by)["disputeRespond"]
        assert payload["userErrors"] == [{"code": "NOT_FOUND", "field": ["input", "disputeId"]}], text[:20]


def test_unknown_and_malformed_ids_give_the_same_error(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    payloads = [
        each_world.data(TRANSITIONS["cancel"].document, {"input": transition_input("cancel", text)}, by=by)[
            "decisionCancel"
        ]
        for text in ("dec_test_unknown", "dec_test_\0")
    ]
    assert payloads[0] == payloads[1]


@pytest.mark.parametrize("name", ["idempotencyKey", "reason"])
def test_e9_other_texts_in_mutations(each_world: GraphQLWorld, name: str) -> None:
    decision = each_world.request()["decision"]["id"]
    for text in UNPRINTABLE:
        input_ = {**transition_input("cancel", decision), name: text}
        payload = each_world.data(TRANSITIONS["cancel"].document, {"input": input_}, by=each_world.merchant())
        assert user_error_of(payload["decisionCancel"]) == ("InvalidInputError", "INVALID", ["input", name]), text


def test_e9_texts_in_requests(each_world: GraphQLWorld) -> None:
    ride = {"bikeRide": {"deposit": {"amount": "99.00", "currency": "CNY"}, "bikeId": "bike-1"}}
    for text in UNPRINTABLE:
        for name in ("idempotencyKey", "merchantReference", "purpose"):
            variables = {"input": {**request_variables("key", "order")["input"], name: text}}
            _, code, field = user_error_of(each_world.data(REQUEST, variables)["decisionRequest"])
            assert (code, field) == ("INVALID", ["input", name]), (name, text)
        bike = {"bikeRide": {**ride["bikeRide"], "bikeId": text}}
        variables = {"input": {**request_variables("key", "order")["input"], "ask": bike}}
        _, code, field = user_error_of(each_world.data(REQUEST, variables)["decisionRequest"])
        assert (code, field) == ("INVALID", ["input", "ask", "bikeRide", "bikeId"]), text


def test_e9_references_in_any_script_are_found(each_world: GraphQLWorld) -> None:
    reference = "订单\u30001001 👩\u200d🔧"
    decision = each_world.request(reference=reference)["decision"]
    assert decision["merchantReference"] == reference
    found = each_world.data(
        "query ($b: DecisionLookup!) { decision(by: $b) { id } }",
        {"b": {"merchantReference": reference}},
        by=each_world.merchant(*SCOPES),
    )
    assert found == {"decision": {"id": decision["id"]}}


def test_ids_and_references_in_queries(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    for text in REJECTED:
        assert each_world.data("query ($i: ID!) { node(id: $i) { id } }", {"i": text}, by=by) == {"node": None}
        assert each_world.data("query ($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": [text]}, by=by)["nodes"] == [None]
        for name in ("id", "merchantReference"):
            found = each_world.data(
                "query ($b: DecisionLookup!) { decision(by: $b) { id } }", {"b": {name: text}}, by=by
            )
            assert found == {"decision": None}, (name, text[:20])


@pytest.mark.parametrize("argument", ["after", "before"])
@pytest.mark.parametrize("text", ["\0", "dec_test_\0", "", "x" * 200])
def test_cursors_with_invalid_ids(each_world: GraphQLWorld, argument: str, text: str) -> None:
    decision = each_world.request()["decision"]["id"]
    lists = {
        "CREATED_AT_DESC": "{ merchant { decisions(%s) { nodes { id } } } }",
        "DISPUTES": f'{{ decision(by: {{id: "{decision}"}}) {{ disputes(%s) {{ nodes {{ id }} }} }} }}',
        "TIMELINE": f'{{ decision(by: {{id: "{decision}"}}) {{ timeline(%s) {{ nodes {{ id }} }} }} }}',
    }
    for order, query in lists.items():
        cursor = base64url(json.encode([order, "2026-11-23T12:00:00Z", text]))
        response = each_world.run(query % f'{argument}: "{cursor}"', by=each_world.merchant(*SCOPES)).body
        assert [error["extensions"]["code"] for error in response["errors"]] == ["BAD_USER_INPUT"], order


def test_texts_in_literals_of_the_document(each_world: GraphQLWorld) -> None:
    by = each_world.merchant(*SCOPES)
    document = """mutation { decisionCancel(input: {decisionId: "%s", idempotencyKey: "k"}) {
      decision { id } userErrors { __typename code field } } }"""
    payload = each_world.data(document % r"dec_test_\u0000", by=by)["decisionCancel"]
    assert user_error_of(payload) == ("NotFoundError", "NOT_FOUND", ["input", "decisionId"])
    response = each_world.run(document % r"\uD800", by=by)
    assert (response.ran, response.body["errors"][0]["extensions"]["code"]) == (False, "GRAPHQL_PARSE_FAILED")
