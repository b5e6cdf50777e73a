"""Manual reviews over HTTP and at the operator's command line: approved, declined, expired, cancelled, and with a
consent that ends meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.merchant_decision import MerchantDecision, approved, fulfilled
from tests.support.operators import Gateway
from tests.support.referring import BOATS, boat
from tests.support.scenario import Scenario
from tests.support.server import Sandbox

MERCHANT = "Demo Harbour Boats"
OUTCOME = """query ($id: ID!) { decision(by: {id: $id}) { status availableTransitions settlement { dueAt }
  outcome { __typename ... on Approval { reasons { code } terms { ... on DepositTerms { waivedAmount { amount } } } }
    ... on Decline { reasons { code } alternatives } } } }"""


@pytest.fixture
def scenario(moving_sandbox: Sandbox) -> Iterator[Scenario]:
    """The scenario of a person in tier FAIR, whose asks for a boat go to manual review."""
    with closing(Scenario(moving_sandbox, "fair", BOATS)) as scenario:
        yield scenario


@pytest.fixture
def operator(moving_sandbox: Sandbox) -> Iterator[Gateway]:
    """The operator. After the test no decision is pending, and everything is reconciled."""
    operator = Gateway(moving_sandbox.database_url, moving_sandbox.folder, **moving_sandbox.packages)
    yield operator
    assert operator.output("decisions", "list", "--status", "PENDING") == ""
    assert "agree with each other" in operator.output("database", "check", "--deep")


def read_outcome(scenario: Scenario, decision: MerchantDecision) -> dict[str, Any]:
    decision_data: dict[str, Any] = scenario.merchant.graphql(
        scenario.merchant.merchant_token, OUTCOME, id=decision.id
    ).data["decision"]
    return decision_data


def request_review(scenario: Scenario, token: str | None = None) -> MerchantDecision:
    decision = scenario.request(boat(), token)
    pending = {"status": "PENDING", "availableTransitions": ["CANCEL"], "settlement": None, "outcome": None}
    assert read_outcome(scenario, decision) == pending
    assert decision.timeline == ["PENDING by GATEWAY"]
    assert scenario.receipt(decision) == ("DECISION_PENDING", "PENDING", None)
    assert "CN¥1,000: in manual review, until " in scenario.history_entry(MERCHANT)
    assert scenario.agreement() == ""
    return decision


def test_operator_approves_with_reduced_terms(scenario: Scenario, operator: Gateway) -> None:
    decision = request_review(scenario)
    assert decision.user_error("activate") == ("INVALID_TRANSITION", None)
    assert decision.id in operator.output("decisions", "list", "--status", "PENDING")
    assert "rules that approve  excellent very-good good" in operator.output("decisions", "show", decision.id)
    output = operator.output("decisions", "review", decision.id, "--approve")
    assert "is APPROVED. 500.00 CNY until " in output

    assert read_outcome(scenario, decision)["outcome"] == {
        "__typename": "Approval",
        "reasons": [{"code": "REDUCED_FOR_TIER"}],
        "terms": {"waivedAmount": {"amount": "500.00"}},
    }
    assert decision.summary == approved("500.00")
    assert "Approved: CN¥500 of CN¥1,000." in scenario.history_entry(MERCHANT)
    assert "CN¥500, not used yet. It expires on " in scenario.agreement()
    assert scenario.receipt(decision) == ("DECISION_APPROVED", "APPROVED", "500.00")
    assert "is APPROVED does not allow" in operator.error_line("decisions", "review", decision.id, "--decline")
    decision.transition("activate")
    assert decision.transition("fulfill") == fulfilled("500.00")
    assert decision.timeline == [
        "PENDING by GATEWAY",
        "APPROVED by OPERATOR",
        "ACTIVATED by MERCHANT",
        "FULFILLED by MERCHANT",
    ]


def test_operator_declines_with_reasons(scenario: Scenario, operator: Gateway) -> None:
    decision = request_review(scenario)
    operator.output("decisions", "review", decision.id, "--decline", "--reason", "TIER_BELOW_REQUIRED")
    reasons = [{"code": "TIER_BELOW_REQUIRED"}]
    assert read_outcome(scenario, decision) == {
        "status": "DECLINED",
        "availableTransitions": [],
        "settlement": None,
        "outcome": {"__typename": "Decline", "reasons": reasons, "alternatives": []},
    }
    assert decision.timeline == ["PENDING by GATEWAY", "DECLINED by OPERATOR"]
    assert scenario.receipt(decision) == ("DECISION_DECLINED", "DECLINED", None)
    page = scenario.history_entry(MERCHANT)
    assert "Declined: CN¥1,000." in page
    assert "Your score tier is below the one that this request requires." in page


def test_review_expires(scenario: Scenario, operator: Gateway) -> None:
    decision = request_review(scenario)
    scenario.advance(days=1)
    assert scenario.wait_for(decision, "EXPIRED") == ["PENDING by GATEWAY", "EXPIRED by CLOCK"]
    assert decision.user_error("cancel") == ("DECISION_EXPIRED", None)
    for option in ("--approve", "--decline"):
        assert "is EXPIRED does not allow" in operator.error_line("decisions", "review", decision.id, option)
    assert "CN¥1,000: closed without a decision." in scenario.history_entry(MERCHANT)
    assert scenario.receipt(decision) == ("DECISION_EXPIRED", "EXPIRED", None)


def test_merchant_cancels_during_review(scenario: Scenario, operator: Gateway) -> None:
    decision = request_review(scenario)
    payload = decision.send("cancel", reason="Sold out")
    assert (payload["userErrors"], payload["decision"]["status"]) == ([], "CANCELLED")
    assert decision.timeline == ["PENDING by GATEWAY", "CANCELLED by MERCHANT: Sold out"]
    for option in ("--approve", "--decline"):
        assert "is CANCELLED does not allow" in operator.error_line("decisions", "review", decision.id, option)
    assert "CN¥1,000: closed without a decision." in scenario.history_entry(MERCHANT)


def test_consent_ends_during_review(scenario: Scenario, operator: Gateway) -> None:
    tokens = scenario.merchant.tokens("fair", scenario.browser)
    decision = request_review(scenario, tokens["access_token"])
    action = f"/account/consents/{tokens['grant_id']}/revoke"
    ended = scenario.browser.submit_and_confirm(scenario.account_page(), action)
    assert ended.status_code == 303
    assert "The consent is revoked." in operator.error_line("decisions", "review", decision.id, "--approve")
    assert read_outcome(scenario, decision)["status"] == "PENDING"
    operator.output("decisions", "review", decision.id, "--decline")
    assert read_outcome(scenario, decision)["outcome"]["reasons"] == [{"code": "REDUCED_FOR_TIER"}]
