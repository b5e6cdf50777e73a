"""Decision requests, replays, user errors and cancellations."""

from typing import Any

import pytest

from gateway.services.decisions.requests import DecisionRequester
from tests.support.graphql_world import ISSUER, REQUEST, GraphQLWorld, request_variables
from tests.support.units import used_connections

CANCEL = """mutation C($input: DecisionCancelInput!) { decisionCancel(input: $input) {
  decision { status outcome { __typename } timeline { nodes { topic ... on DecisionEvent { from to note } } } }
  userErrors { __typename code field ... on StateConflictError { currentStatus availableTransitions } } } }"""


def cancelled(world: GraphQLWorld, decision: str, key: str = "cancel-1", **more: Any) -> Any:
    variables = {"input": {"decisionId": decision, "idempotencyKey": key, **more}}
    return world.data(CANCEL, variables, by=world.merchant())["decisionCancel"]


def test_request_returns_the_complete_decision(world: GraphQLWorld) -> None:
    payload = world.request()
    assert payload["userErrors"] == []
    assert payload["replayed"] is False
    decision = payload["decision"]
    assert decision["status"] == "APPROVED"
    assert decision["availableTransitions"] == ["ACTIVATE", "CANCEL"]
    assert decision["outcome"]["terms"] == {
        "waivedAmount": {"amount": "1500.00", "currency": "CNY"},
        "returnGrace": "P1D",
    }
    assert decision["consent"] == {"id": world.consent.id, "status": "ACTIVE"}
    assert decision["provenance"]["adapter"] == "car_rental"
    assert decision["timeline"]["nodes"] == [
        {
            "topic": "DECISION_APPROVED",
            "from": None,
            "to": "APPROVED",
            "actor": "GATEWAY",
            "decision": {"id": decision["id"]},
        }
    ]


def test_same_key_returns_the_same_decision(world: GraphQLWorld) -> None:
    first, second = world.request(), world.request()
    assert second["replayed"] is True
    assert second["decision"]["id"] == first["decision"]["id"]


def test_same_key_with_another_input_fails(world: GraphQLWorld) -> None:
    world.request()
    payload = world.request(reference="order-2")
    (error,) = payload["userErrors"]
    assert payload["decision"] is None
    assert error["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert error["field"] == ["input", "idempotencyKey"]
    assert error["differingFields"] == [["input", "merchantReference"]]


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"deposit": {"amount": "1.234", "currency": "CNY"}}, "INVALID_AMOUNT", ["deposit", "amount"]),
        ({"deposit": {"amount": "-1", "currency": "CNY"}}, "INVALID_AMOUNT", ["deposit", "amount"]),
        ({"deposit": {"amount": "1", "currency": "XXX"}}, "UNSUPPORTED_CURRENCY", ["deposit", "currency"]),
        (
            {"rental": {"start": "2026-11-24T09:00:00Z", "end": "2026-11-24T09:00:00Z"}},
            "INVALID_PERIOD",
            ["rental", "end"],
        ),
        ({"vehicleValue": {"amount": "1.00", "currency": "CNY"}}, "INVALID_AMOUNT", ["vehicleValue", "amount"]),
    ],
)
def test_invalid_value_gives_a_user_error_with_its_path(
    world: GraphQLWorld, changed: dict[str, Any], code: str, field: list[str]
) -> None:
    payload = world.request(**changed)
    (error,) = payload["userErrors"]
    assert payload["decision"] is None
    assert payload["replayed"] is False
    assert (error["code"], error["field"]) == (code, ["input", "ask", "carRental", *field])
    assert error["documentation"] == f"{ISSUER}/docs/errors/{code}"


def test_null_characters_never_reach_the_database(world: GraphQLWorld) -> None:
    ask = {"onlineOrder": {"amount": {"amount": "10.00", "currency": "CNY"}, "payWithin": "P7D", "category": "a\x00b"}}
    arguments = {"idempotencyKey": "k", "merchantReference": "r", "ask": ask, "purpose": "CAR_RENTAL"}
    (error,) = world.data(REQUEST, {"input": arguments})["decisionRequest"]["userErrors"]
    assert error["field"] == ["input", "ask", "onlineOrder", "category"]
    for name in ("idempotencyKey", "merchantReference", "purpose"):
        changed = {**arguments, "ask": request_variables("", "")["input"]["ask"], name: "a\x00b"}
        (error,) = world.data(REQUEST, {"input": changed})["decisionRequest"]["userErrors"]
        assert error["field"] == ["input", name]


def test_decline_has_reasons_and_a_notice(world: GraphQLWorld) -> None:
    payload = world.request(acceptReduction=False)
    outcome = payload["decision"]["outcome"]
    assert payload["decision"]["status"] == "DECLINED"
    assert [reason["code"] for reason in outcome["reasons"]] == ["REDUCTION_NOT_ACCEPTED"]
    assert outcome["noticeText"].startswith("您的申请未获批准，原因如下：只能批准其中一部分")


def test_cancel_and_a_second_cancel(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    payload = cancelled(world, decision, reason="The car broke down.")
    assert payload["userErrors"] == []
    assert payload["decision"]["status"] == "CANCELLED"
    assert payload["decision"]["timeline"]["nodes"][1] == {
        "topic": "DECISION_CANCELLED",
        "from": "APPROVED",
        "to": "CANCELLED",
        "note": "The car broke down.",
    }
    again = cancelled(world, decision, "cancel-2", reason="Again.")
    assert again["decision"] is None
    assert again["userErrors"] == [
        {
            "__typename": "StateConflictError",
            "code": "INVALID_TRANSITION",
            "field": None,
            "currentStatus": "CANCELLED",
            "availableTransitions": [],
        }
    ]


def test_cancel_without_a_reason(world: GraphQLWorld) -> None:
    decision = world.request()["decision"]["id"]
    assert cancelled(world, decision)["decision"]["status"] == "CANCELLED"


def test_foreign_decision_cannot_be_cancelled(world: GraphQLWorld) -> None:
    payload = cancelled(world, world.foreign_decision, reason="Why not.")
    assert payload["userErrors"][0]["code"] == "NOT_FOUND"
    assert payload["userErrors"][0]["field"] == ["input", "decisionId"]


def test_mutations_of_one_document_are_independent(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    original, calls = DecisionRequester.request, []

    def second_breaks(self: DecisionRequester, *arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("broken")
        return original(self, *arguments)

    monkeypatch.setattr(DecisionRequester, "request", second_breaks)
    document = """mutation M($a: DecisionRequestInput!, $b: DecisionRequestInput!) {
        first: decisionRequest(input: $a) { decision { timeline { nodes { id } } } }
        second: decisionRequest(input: $b) { decision { id } } }"""
    variables = {"a": request_variables("a", "order-a")["input"], "b": request_variables("b", "order-b")["input"]}
    executed = world.run(document, variables)
    assert len(executed.body["data"]["first"]["decision"]["timeline"]["nodes"]) == 1
    assert executed.body["data"]["second"] is None
    assert [error["path"] for error in executed.body["errors"]] == [["second"]]
    assert executed.body["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


def test_no_connection_is_held_while_a_mutation_writes(world: GraphQLWorld) -> None:
    held: list[int] = []
    original = DecisionRequester.request

    def record_connections(self: DecisionRequester, *arguments: Any) -> Any:
        held.append(used_connections(world.database))
        return original(self, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DecisionRequester, "request", record_connections)
        document = """mutation M($a: DecisionRequestInput!, $b: DecisionRequestInput!) {
            first: decisionRequest(input: $a) { decision { consent { id } } }
            second: decisionRequest(input: $b) { decision { consent { id } } } }"""
        world.data(
            document, {"a": request_variables("a", "order-a")["input"], "b": request_variables("b", "order-b")["input"]}
        )
    assert held == [0, 0]
