"""Due transitions over HTTP: their effect for the merchant, for the person, and for decisions of another merchant.

Each test uses a different persona. The tests share the partner's business time, which only moves forward. The credit
limits are 2400.00 (FAIR) and 3000.00 (GOOD and higher). An order of 400.00, 1500.00 or 1600.00 at the shop
shows whether exposure at the car rental is still reserved: from 600.01 to 1500.00 it counts as 1500.00 there, above
that as the whole limit.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.merchant_client import TIER, car
from tests.support.merchant_decision import DecisionSummary, MerchantDecision
from tests.support.scenario import Scenario
from tests.support.server import Sandbox
from tests.support.transitions import transition_input

OVERDUE, BREACH_COUNTS = ["OPEN_OVERDUE_OBLIGATION"], ["OPEN_BREACH"]
LIMIT_REACHED = ["EXPOSURE_LIMIT_REACHED"]
ACTIVATED = ["APPROVED by GATEWAY", "ACTIVATED by MERCHANT"]
ALL_TRANSITIONS = ["EXTEND", "REDUCE", "FULFILL", "REPORT_BREACH"]
AFTER_LAPSE, ONLY_FULFILL = ["REDUCE", "FULFILL"], ["FULFILL"]
BREACH = """mutation ($input: DecisionReportBreachInput!) { decisionReportBreach(input: $input) {
  decision { id } userErrors { code ... on StateConflictError { currentStatus availableTransitions } } } }"""


@pytest.fixture
def open_scenario(moving_sandbox: Sandbox) -> Iterator[Callable[[str], Scenario]]:
    """Opens the scenario of a persona. After the test, asserts that decisions, totals, logs and messages agree."""
    scenarios: list[Scenario] = []

    def open_scenario(handle: str) -> Scenario:
        scenarios.append(Scenario(moving_sandbox, handle))
        return scenarios[-1]

    yield open_scenario
    for scenario in scenarios:
        scenario.assert_reconciled()
        scenario.close()


def breach_error(scenario: Scenario, decision: MerchantDecision) -> dict[str, Any]:
    """Reports a breach and returns the user error."""
    merchant, command = scenario.merchant, transition_input("breach", decision.id)
    payload = merchant.graphql(merchant.merchant_token, BREACH, input=command).data["decisionReportBreach"]
    assert payload["decision"] is None
    error: dict[str, Any] = payload["userErrors"][0]
    return error


def test_unused_approval_expires(open_scenario: Callable[[str], Scenario]) -> None:
    scenario = open_scenario("fair")
    decision = scenario.request(car("10000.00", scenario.time.now))
    assert decision.summary == DecisionSummary("APPROVED", ["ACTIVATE", "CANCEL"], "2000.00", "0.00", "2000.00")
    assert "CN¥2,000, not used yet. It expires on " in scenario.agreement()
    assert scenario.shop_decline_reasons("400.00") == LIMIT_REACHED

    scenario.advance(days=4)
    assert scenario.wait_for(decision, "EXPIRED") == ["APPROVED by GATEWAY", "EXPIRED by CLOCK"]
    assert decision.summary == DecisionSummary("EXPIRED", [], "2000.00", "0.00", "0.00")
    for move in ("activate", "cancel"):
        assert decision.user_error(move) == ("DECISION_EXPIRED", None)
    assert scenario.agreement() == ""
    assert "Approved: CN¥2,000 of CN¥10,000. It was not used in time." in scenario.history_entry("Demo Car Rental")
    assert scenario.receipt(decision) == ("DECISION_EXPIRED", "EXPIRED", "0.00")
    assert scenario.shop_decline_reasons("400.00") == []


def test_unanswered_dispute_ends_the_overdue_flag(open_scenario: Callable[[str], Scenario]) -> None:
    scenario = open_scenario("excellent")
    decision = scenario.rental("1500.00")
    scenario.advance(days=5)
    assert scenario.wait_for(decision, "OVERDUE") == [*ACTIVATED, "OVERDUE by CLOCK"]
    assert decision.summary == DecisionSummary("ACTIVE", ALL_TRANSITIONS, "1500.00", "0.00", "1500.00", overdue=True)
    assert "Overdue since " in scenario.agreement(decision)
    assert scenario.receipt(decision) == ("DECISION_OVERDUE", "ACTIVE", "1500.00")
    assert scenario.shop_decline_reasons("400.00") == OVERDUE

    dispute = scenario.contest(decision, "I brought it back on Tuesday.")
    page = scenario.agreement()
    assert "It does not count against you for now. If the merchant does not answer by " in page
    assert "your dispute is upheld" in page
    assert "Overdue since" not in page
    assert decision.summary == DecisionSummary("ACTIVE", ["EXTEND", "REDUCE", "FULFILL"], "1500.00", "0.00", "1500.00")
    assert breach_error(scenario, decision)["availableTransitions"] == ["EXTEND", "REDUCE", "FULFILL"]
    assert (scenario.shop_decline_reasons("400.00"), scenario.shop_decline_reasons("1600.00")) == ([], LIMIT_REACHED)

    scenario.advance(days=7)
    assert scenario.wait_for(decision, "DISPUTE_RESOLVED") == [
        *ACTIVATED,
        "OVERDUE by CLOCK",
        "DISPUTE_OPENED",
        "LAPSED by CLOCK: A dispute about it was upheld.",
        "DISPUTE_RESOLVED",
    ]
    assert scenario.disputes(decision) == [{"id": dispute, "status": "UPHELD", "subject": "OVERDUE"}]
    assert decision.summary == DecisionSummary("ACTIVE", AFTER_LAPSE, "1500.00", "0.00", "1500.00")
    assert breach_error(scenario, decision) == {
        "code": "INVALID_TRANSITION",
        "currentStatus": "ACTIVE",
        "availableTransitions": AFTER_LAPSE,
    }
    late = scenario.respond(dispute, accept=False)
    assert late == {"dispute": None, "userErrors": [{"code": "INVALID_TRANSITION", "field": None}]}
    page = scenario.agreement()
    assert "CN¥1,500 open, due on " in page
    assert "Your dispute was upheld." in page
    assert "Overdue since" not in page
    assert scenario.receipt(decision) == ("DISPUTE_RESOLVED", "ACTIVE", "1500.00")
    assert scenario.shop_decline_reasons("1600.00") == []
    assert decision.transition("fulfill") == DecisionSummary("FULFILLED", [], "1500.00", "1500.00", "0.00")


def test_overdue_flag_expires_without_a_breach_report(open_scenario: Callable[[str], Scenario]) -> None:
    scenario = open_scenario("threshold")
    decision = scenario.rental("2000.00")
    scenario.advance(days=5)
    scenario.wait_for(decision, "OVERDUE")
    assert scenario.shop_decline_reasons("400.00") == OVERDUE

    scenario.advance(days=14)
    assert scenario.wait_for(decision, "LAPSED") == [
        *ACTIVATED,
        "OVERDUE by CLOCK",
        "LAPSED by CLOCK: The overdue flag expired, because no breach was reported in time.",
    ]
    assert decision.summary == DecisionSummary("ACTIVE", AFTER_LAPSE, "2000.00", "0.00", "2000.00")
    assert breach_error(scenario, decision) == {
        "code": "INVALID_TRANSITION",
        "currentStatus": "ACTIVE",
        "availableTransitions": AFTER_LAPSE,
    }
    assert decision.user_error("extend") == ("INVALID_TRANSITION", None)
    page = scenario.agreement()
    assert "CN¥2,000 open, due on " in page
    assert "Overdue since" not in page
    assert scenario.receipt(decision) == ("DECISION_LAPSED", "ACTIVE", "2000.00")
    assert scenario.shop_decline_reasons("1500.00") == []
    assert decision.transition("fulfill") == DecisionSummary("FULFILLED", [], "2000.00", "2000.00", "0.00")
    assert scenario.receipt(decision) == ("DECISION_FULFILLED", "FULFILLED", "0.00")


def test_breach_after_overdue_flag_counts_at_once_until_cured(open_scenario: Callable[[str], Scenario]) -> None:
    scenario = open_scenario("just-below")
    decision = scenario.rental("3000.00")
    scenario.advance(days=5)
    scenario.wait_for(decision, "OVERDUE")
    scenario.advance(days=13)
    assert scenario.shop_decline_reasons("400.00") == OVERDUE
    assert decision.transition("breach", kind="NOT_PAID") == DecisionSummary(
        "BREACHED", ONLY_FULFILL, "2100.00", "0.00", "2100.00", overdue=True
    )
    assert scenario.shop_decline_reasons("400.00") == OVERDUE
    page = scenario.agreement(decision)
    assert "the merchant reported that you broke the agreement: not paid." in page

    scenario.advance(days=15)
    assert scenario.shop_decline_reasons("400.00") == BREACH_COUNTS
    assert "that you broke the agreement: not paid." in scenario.agreement(), "it can no longer be contested"
    assert decision.transition("fulfill") == DecisionSummary("FULFILLED", [], "2100.00", "2100.00", "0.00")
    assert decision.timeline == [*ACTIVATED, "OVERDUE by CLOCK", "BREACHED by MERCHANT", "FULFILLED by MERCHANT"]
    assert scenario.agreement() == ""
    assert scenario.shop_decline_reasons("1500.00") == []


def test_written_off_breach_counts_until_cured(open_scenario: Callable[[str], Scenario]) -> None:
    scenario = open_scenario("good")
    decision = scenario.rental("3000.00")
    assert decision.transition("breach") == DecisionSummary("BREACHED", ONLY_FULFILL, "1500.00", "0.00", "1500.00")
    # During the dispute window of 14 days the breach uses the credit limit and does not count.
    assert (scenario.shop_decline_reasons("400.00"), scenario.shop_decline_reasons("1600.00")) == ([], LIMIT_REACHED)
    scenario.advance(days=14)
    assert scenario.shop_decline_reasons("400.00") == BREACH_COUNTS
    assert scenario.exposure == "1500.00"

    scenario.advance(days=351)
    assert scenario.wait_for(decision, "WRITTEN_OFF") == [
        *ACTIVATED,
        "BREACHED by MERCHANT",
        "WRITTEN_OFF by CLOCK: Written off: it no longer uses the credit limit.",
    ]
    assert decision.summary == DecisionSummary("BREACHED", ONLY_FULFILL, "1500.00", "0.00", "1500.00")
    assert scenario.receipt(decision) == ("DECISION_WRITTEN_OFF", "BREACHED", "1500.00")
    assert "that you broke the agreement: damaged." in scenario.agreement()
    assert scenario.exposure == "0.00"
    assert scenario.shop_decline_reasons("400.00") == BREACH_COUNTS

    assert decision.transition("fulfill") == DecisionSummary("FULFILLED", [], "1500.00", "1500.00", "0.00")
    assert scenario.receipt(decision) == ("DECISION_FULFILLED", "FULFILLED", "0.00")
    assert scenario.shop_decline_reasons("1600.00") == []
    assert scenario.exposure == "0.00"


def test_business_time_ends_a_consent_and_its_token_but_no_merchant_token(
    open_scenario: Callable[[str], Scenario],
) -> None:
    scenario = open_scenario("building")
    merchant = scenario.merchant
    token = merchant.token("building", browser=scenario.browser)
    scenario.advance(days=89)
    assert merchant.graphql(token, TIER).status == 200
    scenario.advance(days=2)
    assert merchant.graphql(token, TIER).status == 401
    assert merchant.graphql(merchant.merchant_token, "{ merchant { id } }").status == 200
