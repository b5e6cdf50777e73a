"""Values at and beyond their limits: each is accepted or fails with a typed error, never with an internal error."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.graphql_world import REQUEST, GraphQLWorld, request_variables
from tests.support.transitions import TRANSITIONS, transition_input

TYPED = {"INVALID", "INVALID_AMOUNT", "INVALID_PERIOD", "UNSUPPORTED_CURRENCY", "CONSENT_AMOUNT_EXCEEDED"}


def money(amount: str, currency: str = "CNY") -> dict[str, str]:
    return {"amount": amount, "currency": currency}


def outcome(world: GraphQLWorld, document: str, given: dict[str, Any], *, merchant: bool = False) -> str:
    """Returns the status of the decision, or the code of the single error."""
    executed = world.run(document, given, by=world.merchant() if merchant else None)
    if "errors" in executed.body:
        (code,) = {error["extensions"]["code"] for error in executed.body["errors"]}
        return str(code)
    (payload,) = executed.body["data"].values()
    if payload["userErrors"]:
        assert payload["decision"] is None
        return str(payload["userErrors"][0]["code"])
    return str(payload["decision"]["status"])


@pytest.mark.parametrize(
    ("deposit", "expected"),
    [
        (money("0.02"), "APPROVED"),
        (money("0.01"), "DECLINED"),  # this tier gets half: less than the smallest unit
        (money("10000000000.00"), "INVALID_AMOUNT"),  # ten billion: more than the vehicle value
        (money("10000000000.01"), "INVALID_AMOUNT"),
        (money("99999999999999999999.00"), "INVALID_AMOUNT"),
        (money("0.00"), "INVALID_AMOUNT"),
        (money("-1.00"), "INVALID_AMOUNT"),
        (money("3000.001"), "INVALID_AMOUNT"),
        (money("3000", "JPY"), "UNSUPPORTED_CURRENCY"),
        (money("3000.5", "JPY"), "INVALID_AMOUNT"),
        (money("3000.123", "KWD"), "UNSUPPORTED_CURRENCY"),
        (money("1.00", "XXQ"), "UNSUPPORTED_CURRENCY"),
        (money("1.00", "cny"), "UNSUPPORTED_CURRENCY"),
        (money("1e3"), "BAD_USER_INPUT"),
        (money("１００"), "BAD_USER_INPUT"),
        (money(""), "BAD_USER_INPUT"),
        (money("1.00", "CN"), "BAD_USER_INPUT"),
    ],
)
def test_amounts_at_their_limits(world: GraphQLWorld, deposit: dict[str, str], expected: str) -> None:
    assert outcome(world, REQUEST, request_variables("k", "r", deposit=deposit)) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-11-24T09:00:00+14:00", "2026-11-24T09:00:00-12:00", "APPROVED"),  # the largest difference of offsets
        (
            "2027-03-28T01:59:59+01:00",
            "2027-03-28T03:00:00+02:00",
            "APPROVED",
        ),  # the skipped hour in spring: one second
        ("2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00", "APPROVED"),  # the repeated hour in autumn
        ("2027-10-31T02:30:00+01:00", "2027-10-31T02:30:00+02:00", "INVALID_PERIOD"),
        ("2027-02-27T00:00:00Z", "2027-03-01T00:00:00Z", "APPROVED"),
        ("2027-02-28T00:00:00Z", "2027-02-29T00:00:00Z", "BAD_USER_INPUT"),  # not a leap year
        ("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", "INVALID_PERIOD"),  # a leap day, but too far off
        pytest.param("2026-11-30T23:59:60Z", "2026-12-01T00:00:01Z", "APPROVED", id="E8-leap-second"),
        pytest.param("2026-11-24T23:59:60Z", "2027-01-02T00:00:00Z", "BAD_USER_INPUT", id="E8-no-leap-second"),
        pytest.param("2026-11-24T09:00:00+08:60", "2027-01-02T00:00:00Z", "BAD_USER_INPUT", id="E8-offset"),
        ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z", "INVALID_PERIOD"),
        ("2026-11-24T09:00:00Z", "2026-11-24T09:00:00Z", "INVALID_PERIOD"),
        ("0001-01-01T00:00:00+14:00", "2027-01-01T00:00:00Z", "BAD_USER_INPUT"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00", "BAD_USER_INPUT"),
        ("2026-11-24T09:00:00", "2026-11-27T09:00:00", "BAD_USER_INPUT"),
        ("2026-11-24", "2026-11-27", "BAD_USER_INPUT"),
    ],
)
def test_periods_at_their_limits(world: GraphQLWorld, start: str, end: str, expected: str) -> None:
    assert outcome(world, REQUEST, request_variables("k", "r", rental={"start": start, "end": end})) == expected


@pytest.mark.parametrize("text", ["x" * 255, "订单" * 120, "😀" * 100])
def test_texts_at_their_limits_are_accepted(world: GraphQLWorld, text: str) -> None:
    assert outcome(world, REQUEST, request_variables(text, text)) == "APPROVED"


@pytest.mark.parametrize("text", ["", " ", "x" * 256, "a\nb", "a\x00b", "\u202eb", " x"])
def test_texts_beyond_their_limits_are_invalid(world: GraphQLWorld, text: str) -> None:
    assert outcome(world, REQUEST, request_variables(text, "r")) == "INVALID"
    assert outcome(world, REQUEST, request_variables("k", text)) == "INVALID"


@pytest.fixture
def active(world: GraphQLWorld) -> str:
    decision = world.request()["decision"]["id"]
    assert (
        outcome(
            world, TRANSITIONS["activate"].document, {"input": transition_input("activate", decision)}, merchant=True
        )
        == "ACTIVE"
    )
    return str(decision)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        pytest.param("0001-01-01T00:00:00Z", "INVALID_PERIOD", id="E7-year-1"),
        pytest.param("9999-12-31T23:59:59.999999Z", "INVALID_PERIOD", id="E7-year-9999"),
        pytest.param("2025-11-23T12:00:00Z", "INVALID_PERIOD", id="E7-a-year-before-the-approval"),
        pytest.param("2026-11-23T11:59:45Z", "ACTIVE", id="E7-15-s-before-the-approval"),
        pytest.param("2026-11-23T12:00:15Z", "ACTIVE", id="E7-15-s-ahead"),
    ],
)
def test_handed_over_at_lies_between_approval_and_now(world: GraphQLWorld, moment: str, expected: str) -> None:
    decision = world.request()["decision"]["id"]
    variables = {"input": transition_input("activate", decision, handedOverAt=moment)}
    assert outcome(world, TRANSITIONS["activate"].document, variables, merchant=True) == expected


def test_e1_too_early_error_has_its_field_and_moment(world: GraphQLWorld, active: str) -> None:
    document = """mutation ($input: DecisionReportBreachInput!) { decisionReportBreach(input: $input) {
      decision { id } userErrors { __typename code field message ... on TooEarlyError { possibleFrom } } } }"""
    variables = {"input": transition_input("breach", active, kind="NOT_RETURNED")}
    payload = world.data(document, variables, by=world.merchant())["decisionReportBreach"]
    assert payload == {
        "decision": None,
        "userErrors": [
            {
                "__typename": "TooEarlyError",
                "code": "TOO_EARLY",
                "field": ["input", "kind"],
                "message": "A breach of the kind NOT_RETURNED cannot be reported yet."
                " It is possible from 2026-11-28T09:00:00Z.",
                "possibleFrom": "2026-11-28T09:00:00Z",
            }
        ],
    }


@pytest.mark.parametrize(
    ("move", "given", "expected"),
    [
        ("part", {"settledAmount": money("1500.00")}, "FULFILLED"),  # this tier gets half of 3,000
        ("part", {"settledAmount": money("1500.01")}, "INVALID_AMOUNT"),
        ("part", {"settledAmount": money("0.00")}, "INVALID_AMOUNT"),
        ("part", {"settledAmount": money("1", "JPY")}, "UNSUPPORTED_CURRENCY"),
        ("part", {"settledAmount": money("1.000", "KWD")}, "UNSUPPORTED_CURRENCY"),
        pytest.param("fulfill", {"settledAt": "2026-11-23T12:00:15Z"}, "FULFILLED", id="E7-settled-in-15-s"),
        pytest.param("fulfill", {"settledAt": "2026-11-23T12:00:15.000001Z"}, "INVALID_PERIOD", id="E7-settled-later"),
        pytest.param("fulfill", {"settledAt": "2026-11-23T11:59:45Z"}, "FULFILLED", id="E7-settled-15-s-ago"),
        pytest.param("fulfill", {"settledAt": "2026-11-23T11:59:44Z"}, "INVALID_PERIOD", id="E7-settled-too-early"),
        pytest.param("part", {"settledAt": "0001-01-01T00:00:00Z"}, "INVALID_PERIOD", id="E7-settled-in-year-1"),
        pytest.param("part", {"settledAt": "9999-12-31T23:59:59Z"}, "INVALID_PERIOD", id="E7-settled-in-year-9999"),
        pytest.param("extend", {"dueAt": "0001-01-01T00:00:00Z"}, "INVALID_PERIOD", id="E7-due-in-year-1"),
        ("extend", {"dueAt": "2027-11-28T09:00:00Z"}, "ACTIVE"),  # 366 days after the due date
        ("extend", {"dueAt": "2027-11-28T09:00:00.000001Z"}, "INVALID_PERIOD"),
        ("extend", {"dueAt": "9999-12-31T23:59:59Z"}, "INVALID_PERIOD"),
        ("extend", {"dueAt": "2026-11-27T09:00:00Z"}, "INVALID_PERIOD"),
        ("extend", {"reason": "x" * 256}, "INVALID"),
        ("extend", {"reason": ""}, "INVALID"),
        ("reduce", {"newAmount": money("1499.99")}, "ACTIVE"),
        ("reduce", {"newAmount": money("1500.00")}, "INVALID_AMOUNT"),
        ("reduce", {"newAmount": money("0.00")}, "FULFILLED"),
        ("reduce", {"newAmount": money("-0.01")}, "INVALID_AMOUNT"),
        ("reduce", {"newAmount": money("1", "JPY")}, "UNSUPPORTED_CURRENCY"),
        ("reduce", {"newAmount": None}, "BAD_USER_INPUT"),
        ("reduce", {"reason": "x" * 256}, "INVALID"),
        ("reduce", {"reason": ""}, "INVALID"),
        ("breach", {"amountOutstanding": money("1500.00")}, "BREACHED"),
        ("breach", {"amountOutstanding": money("1500.01")}, "INVALID_AMOUNT"),
        ("breach", {"kind": "BORED"}, "BAD_USER_INPUT"),
        pytest.param("breach", {"kind": "NOT_RETURNED"}, "TOO_EARLY", id="E1-not-returned"),
        pytest.param("breach", {"kind": "NOT_PAID"}, "TOO_EARLY", id="E1-not-paid"),
        pytest.param("breach", {"kind": "NO_SHOW"}, "TOO_EARLY", id="E1-no-show"),
        pytest.param("breach", {"kind": "OTHER"}, "BREACHED", id="E1-other"),
        ("breach", {"evidence": ["https://a.example/" + "x" * 1900]}, "BREACHED"),
        ("breach", {"evidence": ["https://a.example/"] * 10}, "BREACHED"),
        ("breach", {"evidence": ["https://a.example/"] * 11}, "INVALID"),
        ("breach", {"evidence": ["https://[/"]}, "INVALID"),
        ("breach", {"evidence": ["http://a.example/"]}, "BAD_USER_INPUT"),
        ("breach", {"note": "x" * 256}, "INVALID"),
        ("breach", {"idempotencyKey": "x" * 256}, "INVALID"),
    ],
)
def test_inputs_of_transitions_at_their_limits(
    world: GraphQLWorld, active: str, move: str, given: dict[str, Any], expected: str
) -> None:
    variables = {"input": {**transition_input(move, active, amount=money("1.00")), **given}}
    assert outcome(world, TRANSITIONS[move].document, variables, merchant=True) == expected


ANY_AMOUNT = st.builds(
    money, st.text("0123456789.-e", max_size=24), st.sampled_from(["CNY", "JPY", "KWD", "XXQ", "cny"])
)
ANY_MOMENT = st.one_of(
    st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"), st.text("0123456789-:TZ+.", max_size=30)
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ANY_AMOUNT, ANY_MOMENT, ANY_MOMENT, st.text(max_size=300), st.integers(0, 10**9))
def test_any_input_gives_a_typed_result(
    world: GraphQLWorld, deposit: dict[str, str], start: str, end: str, reference: str, number: int
) -> None:
    variables = request_variables(f"key-{number}", reference, deposit=deposit, rental={"start": start, "end": end})
    known = {*TYPED, "APPROVED", "DECLINED", "BAD_USER_INPUT", "DUPLICATE_REFERENCE", "IDEMPOTENCY_KEY_REUSED"}
    assert outcome(world, REQUEST, variables) in known
