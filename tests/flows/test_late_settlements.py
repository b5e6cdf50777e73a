"""Late settlements over HTTP: the person contests one on the account page or the page of the agreement."""

from collections.abc import Iterator
from contextlib import closing
from html import unescape

import pytest

from tests.support.merchant_decision import MerchantDecision
from tests.support.oauth import forms
from tests.support.scenario import Scenario
from tests.support.server import Sandbox

STATEMENT = "I paid on Monday."
HEADING = "Agreements that you settled late"


@pytest.fixture
def scenario(moving_sandbox: Sandbox) -> Iterator[Scenario]:
    with closing(Scenario(moving_sandbox, "excellent")) as scenario:
        yield scenario


def settle_late(scenario: Scenario) -> MerchantDecision:
    """An agreement that is settled while its overdue flag counts."""
    decision = scenario.rental("500.00")
    scenario.advance(days=5)
    scenario.wait_for(decision, "OVERDUE")
    decision.transition("fulfill")
    return decision


def agreement_page(scenario: Scenario, decision: MerchantDecision) -> str:
    return unescape(scenario.browser.get(f"/account/decisions/{decision.id}").text)


def test_late_settlement_counts_after_a_rejected_dispute(scenario: Scenario) -> None:
    decision = settle_late(scenario)
    assert (decision.summary.status, decision.summary.overdue) == ("FULFILLED", False)
    assert scenario.shop_decline_reasons("400.00") == [], "it is no overdue obligation"
    page = scenario.agreement(decision)
    assert HEADING in page
    assert "Your open agreements" not in page
    assert "You settled this late. From " in page

    dispute = scenario.contest(decision, STATEMENT)
    assert scenario.disputes(decision) == [{"id": dispute, "status": "AWAITING_MERCHANT", "subject": "OVERDUE"}]
    assert decision.summary.status == "FULFILLED"
    assert "It does not count against you for now." in scenario.agreement()
    assert scenario.dispute_forms() == [f"/account/disputes/{dispute}/withdraw"]
    scenario.respond(dispute, accept=False)
    scenario.operator.output("disputes", "resolve", dispute, "--reject", "--note", "It came on Friday.")

    assert scenario.agreement() == ""
    page = agreement_page(scenario, decision)
    assert "You settled this late. It counts against you." in page
    assert "It came on Friday." in page
    assert decision.timeline[-4:] == [
        "FULFILLED by MERCHANT",
        "DISPUTE_OPENED",
        "DISPUTE_ANSWERED",
        "DISPUTE_RESOLVED",
    ]
    scenario.assert_reconciled()


def test_accepted_dispute_voids_a_late_settlement(scenario: Scenario) -> None:
    decision = settle_late(scenario)
    address = f"/account/decisions/{decision.id}"
    scenario.account_page()
    page = scenario.browser.get(address)
    assert "You settled this late. From " in page.text
    assert scenario.browser.submit(page, f"{address}/contest", statement=STATEMENT).status_code == 303
    (dispute,) = scenario.disputes(decision)
    page = scenario.browser.get(address)
    assert [form.action for form in forms(page.text) if "disputes" in form.action] == [
        f"/account/disputes/{dispute['id']}/withdraw"
    ]
    scenario.respond(dispute["id"], accept=True)

    page_text = agreement_page(scenario, decision)
    assert "You settled this late" not in page_text
    assert "Your dispute was upheld." in page_text
    assert "It no longer counts as overdue." in page_text
    assert "The merchant wrote:" not in page_text, "the note of the gateway is not the merchant's"
    assert decision.timeline[-1] == "DISPUTE_RESOLVED"
    assert decision.timeline[-2].startswith("LAPSED by MERCHANT")
    assert scenario.agreement() == ""
    scenario.assert_reconciled()


def test_withdrawn_dispute_makes_a_late_settlement_count(scenario: Scenario) -> None:
    decision = settle_late(scenario)
    dispute = scenario.contest(decision, STATEMENT)
    page = scenario.account_page()
    assert scenario.browser.submit_and_confirm(page, f"/account/disputes/{dispute}/withdraw").status_code == 303
    assert "You settled this late. It counts against you." in agreement_page(scenario, decision)
    assert scenario.dispute_forms() == []
