"""Decisions and tiers in each of the cases that a partner fears, forced in a sandbox over HTTP. They are rows of the
table in test_sandbox_cases."""

import pytest

from tests.support.merchant_client import REQUEST, TIER, car, request_input
from tests.support.sandbox_partner import Order, SandboxPartner
from tests.support.transitions import RESPOND

CREATE = """mutation ($input: SandboxPersonaCreateInput!) { sandboxPersonaCreate(input: $input) {
  persona { id } userErrors { code } } }"""


@pytest.mark.parametrize(
    ("persona", "outcome", "reasons"),
    [
        ("excellent", "APPROVED", []),
        ("fair", "APPROVED", ["REDUCED_FOR_TIER"]),
        ("building", "DECLINED", ["TIER_BELOW_REQUIRED"]),
        ("unscored", "DECLINED", ["NOT_SCORED"]),
        ("overdue", "DECLINED", ["OPEN_OVERDUE_OBLIGATION"]),
    ],
)
def test_personas_have_their_outcomes(
    shared_partner: SandboxPartner, persona: str, outcome: str, reasons: list[str]
) -> None:
    cars = shared_partner.as_merchant("car_rental")
    payload = cars.data(REQUEST, cars.token(persona), input=request_input(car()))
    decision = payload["decision"]
    codes = [each["code"] for each in decision["outcome"].get("reasons", [])]
    assert (decision["status"], codes) == (outcome, reasons)


def test_outcome_is_fixed_for_a_person_of_your_own(partner: SandboxPartner) -> None:
    fixed = {"product": "PAY_LATER", "status": "DECLINED", "reasonCodes": ["OPEN_BREACH"]}
    assert partner.data(CREATE, input={"handle": "own", "tier": "EXCELLENT", "overrides": [fixed]})["userErrors"] == []
    decision = Order(partner, "own").decision
    assert (decision["status"], decision["outcome"]["reasons"][0]["code"]) == ("DECLINED", "OPEN_BREACH")


@pytest.mark.parametrize(("event", "after"), [("APPROVE_PENDING", "APPROVED"), ("DECLINE_PENDING", "DECLINED")])
def test_pending_decision_is_decided(shared_partner: SandboxPartner, event: str, after: str) -> None:
    case = Order(shared_partner, merchantReference=f"force-pending-{event}")
    assert case.decision["status"] == "PENDING"
    assert case.simulate(event) == after


def test_limit_is_full(shared_partner: SandboxPartner) -> None:
    decision = Order(shared_partner, merchantReference="force-limit-1").decision
    assert (decision["status"], decision["outcome"]["reasons"][0]["code"]) == ("DECLINED", "EXPOSURE_LIMIT_REACHED")


def test_approval_expires(partner: SandboxPartner) -> None:
    case = Order(partner)
    partner.move("P2D")
    assert (case.read()["status"], case.topics[-1]) == ("EXPIRED", "DECISION_EXPIRED")


def test_overdue_flag_comes_and_goes(partner: SandboxPartner) -> None:
    case = Order(partner)
    case.transit("activate")
    partner.move("P20D")
    assert case.read()["settlement"]["overdue"]
    partner.move("P300D")
    assert not case.read()["settlement"]["overdue"]
    assert case.topics[-2:] == ["DECISION_OVERDUE", "DECISION_LAPSED"]


def test_breach_is_written_off(partner: SandboxPartner) -> None:
    case = Order(partner)
    case.transit("activate")
    partner.move("P20D")
    assert case.transit("breach", kind="NOT_PAID") == "BREACHED"
    for _ in range(3):
        partner.move("P365D")
    assert case.topics[-1] == "DECISION_WRITTEN_OFF"


def test_obligation_is_late(partner: SandboxPartner) -> None:
    case = Order(partner)
    case.transit("activate")
    partner.move("P20D")
    assert case.transit("fulfill") == "FULFILLED"
    assert case.topics[-2:] == ["DECISION_OVERDUE", "DECISION_FULFILLED"]


def test_breach_is_cured(partner: SandboxPartner) -> None:
    case = Order(partner)
    case.transit("activate")
    partner.move("P20D")
    case.transit("breach", kind="NOT_PAID")
    assert case.transit("fulfill") == "FULFILLED"


@pytest.mark.parametrize(
    ("event", "after"), [("DISPUTE_UPHELD", "UPHELD"), ("DISPUTE_REJECTED", "REJECTED"), (None, "UPHELD")]
)
def test_dispute_ends(partner: SandboxPartner, event: str | None, after: str) -> None:
    """Without an event the merchant does not answer, and the dispute is upheld."""
    case = Order(partner)
    case.transit("activate")
    case.transit("breach", kind="OTHER")
    case.simulate("USER_DISPUTES")
    (dispute,) = case.read()["disputes"]["nodes"]
    if event is None:
        partner.move("P60D")
    else:
        answer = {"disputeId": dispute["id"], "idempotencyKey": "d", "accept": False, "statement": "It is not paid."}
        assert partner.data(RESPOND, input=answer)["userErrors"] == []
        case.simulate(event)
    assert [each["status"] for each in case.read()["disputes"]["nodes"]] == [after]


def tier_of(partner: SandboxPartner, persona: str) -> str:
    return str(partner.data(TIER, partner.token(persona))["scoreTier"]["tier"])


def test_top_tier_is_reached(partner: SandboxPartner) -> None:
    assert tier_of(partner, "just-below") == "VERY_GOOD"
    for _ in range(2):
        case = Order(partner, "just-below")
        case.transit("activate")
        case.transit("fulfill")
    assert tier_of(partner, "just-below") == "EXCELLENT"


def test_top_tier_is_lost(partner: SandboxPartner) -> None:
    assert tier_of(partner, "threshold") == "EXCELLENT"
    case = Order(partner, "threshold")
    case.transit("activate")
    case.transit("breach", kind="OTHER")
    partner.move("P60D")
    assert tier_of(partner, "threshold") not in {"EXCELLENT", "UNSCORED"}
