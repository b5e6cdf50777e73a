"""Disputes over HTTP: the person contests a breach on the account page, the merchant responds, the operator decides.
Nobody else can see or change the dispute."""

import re
from collections.abc import Iterator
from contextlib import closing

import httpx2
import pytest

from tests.support.merchant_decision import MerchantDecision
from tests.support.oauth import Browser
from tests.support.scenario import Scenario
from tests.support.server import Sandbox

STATEMENT = "I brought it back on Tuesday.\nAsk your colleague at the <desk>."


@pytest.fixture
def scenario(moving_sandbox: Sandbox) -> Iterator[Scenario]:
    with closing(Scenario(moving_sandbox, "excellent")) as scenario:
        yield scenario


def report_breach(scenario: Scenario) -> MerchantDecision:
    decision = scenario.rental("500.00")
    decision.transition("breach")
    return decision


def test_dispute_goes_from_the_account_page_to_the_operator(scenario: Scenario) -> None:
    operator, decision = scenario.operator, report_breach(scenario)
    page = scenario.account_page().text
    assert scenario.dispute_forms() == [f"/account/decisions/{decision.id}/contest"]
    assert "reported that you broke the agreement" in page
    assert "damaged" in page
    assert "CN¥500 open, due on" in page

    dispute = scenario.contest(decision, STATEMENT)
    assert "It does not count against you" in scenario.account_page().text
    assert scenario.dispute_forms() == [f"/account/disputes/{dispute}/withdraw"]

    assert scenario.respond(dispute, accept=False)["dispute"]["statement"] == STATEMENT
    page = scenario.account_page().text
    assert "does not agree" in page
    assert "We have a photo." in page
    assert dispute in operator.output("disputes", "list")
    assert "Ask your colleague at the <desk>." in operator.output("disputes", "show", dispute)
    assert "Choose --uphold or --reject" in operator.error_line("disputes", "resolve", dispute, "--note", "x")
    resolved = operator.output("disputes", "resolve", dispute, "--reject", "--note", "The photo is clear.")
    assert resolved == f"{dispute} is REJECTED."
    assert dispute not in operator.output("disputes", "list")

    page = scenario.account_page().text
    assert "rejected your dispute" in page
    assert "The photo is clear." in page
    assert scenario.dispute_forms() == []
    assert scenario.shop_decline_reasons("100.00") == ["OPEN_BREACH"]
    decision.transition("fulfill")
    assert scenario.shop_decline_reasons("100.00") == []
    assert decision.timeline == [
        "APPROVED by GATEWAY",
        "ACTIVATED by MERCHANT",
        "BREACHED by MERCHANT",
        "DISPUTE_OPENED",
        "DISPUTE_ANSWERED",
        "DISPUTE_RESOLVED",
        "FULFILLED by MERCHANT",
    ]
    scenario.assert_reconciled()


def test_unusable_statement_opens_no_dispute(scenario: Scenario) -> None:
    decision = report_breach(scenario)
    too_long = scenario.submit_contest(decision, "x" * 2001)
    assert (too_long.status_code, "2000 characters" in too_long.text) == (422, True)
    assert scenario.submit_contest(decision, " \r\n ").status_code == 422
    assert scenario.disputes(decision) == []
    decision.transition("fulfill")


def test_accepted_dispute_voids_the_breach(scenario: Scenario) -> None:
    decision = report_breach(scenario)
    dispute = scenario.contest(decision, STATEMENT)
    assert scenario.respond(dispute, accept=True)["dispute"]["status"] == "UPHELD"
    assert decision.summary[:2] == ("ACTIVE", ["EXTEND", "REDUCE", "FULFILL"])
    decision.transition("fulfill")


def test_withdrawn_dispute_is_final(scenario: Scenario) -> None:
    decision = report_breach(scenario)
    dispute = scenario.contest(decision, STATEMENT)
    page = scenario.account_page()
    assert "this counts against you, and you cannot dispute it again" in page.text
    assert scenario.browser.submit_and_confirm(page, f"/account/disputes/{dispute}/withdraw").status_code == 303
    assert "You withdrew your dispute." in scenario.account_page().text
    assert scenario.dispute_forms() == []
    token = csrf_token(scenario.account_page())
    contest, withdraw = f"/account/decisions/{decision.id}/contest", f"/account/disputes/{dispute}/withdraw"
    assert post(scenario.browser, contest, {"csrf_token": token, "statement": "again"}) == 409
    assert post(scenario.browser, withdraw, {"csrf_token": token}) == 409
    assert post(scenario.browser, withdraw, {"csrf_token": "x"}) == 403
    decision.transition("fulfill")


def test_other_persons_cannot_change_a_dispute(scenario: Scenario) -> None:
    decision = report_breach(scenario)
    dispute = scenario.contest(decision, STATEMENT)
    browser, person = scenario.merchant.browser(), scenario.merchant.persona("good")
    page = browser.open("/account", person["username"], person["password"])
    assert "Your open agreements" not in page.text
    form = {"csrf_token": csrf_token(page), "statement": "mine"}
    for path in (
        f"/account/decisions/{decision.id}/contest",
        "/account/decisions/dec_test_none/contest",
        "/account/decisions/%00/contest",
        f"/account/disputes/{dispute}/withdraw",
        "/account/disputes/%00/withdraw",
    ):
        assert post(browser, path, form) == 404
    browser.http.close()
    assert [each["status"] for each in scenario.disputes(decision)] == ["AWAITING_MERCHANT"]
    decision.transition("fulfill")


def csrf_token(page: httpx2.Response) -> str:
    return str(re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0])


def post(browser: Browser, path: str, form: dict[str, str]) -> int:
    return browser.http.post(path, data=form, follow_redirects=False).status_code
