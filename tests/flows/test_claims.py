"""A claim over HTTP: the person says on the page of the agreement that it was returned, the merchant reads it in the
timeline, and after its silence the record counts, while the decision stays open."""

from collections.abc import Iterator
from contextlib import closing
from html import unescape

import pytest

from tests.support.scenario import Scenario
from tests.support.score_pages import shown_score
from tests.support.server import Sandbox

RECORD = "You said that you kept this, and the merchant did not contradict you."


@pytest.fixture
def scenario(moving_sandbox: Sandbox) -> Iterator[Scenario]:
    with closing(Scenario(moving_sandbox, "fair")) as scenario:
        yield scenario


def test_claim_counts_after_the_silence_of_the_merchant(scenario: Scenario) -> None:
    decision = scenario.rental("300.00")
    scenario.account_page()
    browser, before, address = scenario.browser, shown_score(scenario.browser), f"/account/decisions/{decision.id}"
    exposure, summary = scenario.exposure, decision.summary
    assert browser.submit(browser.get(address), f"{address}/claim").status_code == 303
    assert decision.timeline[-1] == "CLAIMED by USER: The person says that it was returned."
    assert decision.summary == summary
    assert RECORD not in unescape(browser.get("/account/records").text)

    scenario.advance(days=5)  # three days from tomorrow on, and one of grace
    scenario.wait_for(decision, "OVERDUE")
    scenario.advance(days=7)
    scenario.wait_for(decision, "CLAIM_ACCEPTED by CLOCK")
    scenario.account_page()
    assert RECORD in unescape(browser.get("/account/records").text)
    assert shown_score(browser) > before
    assert (scenario.exposure, decision.summary) == (exposure, summary._replace(overdue=True))
    scenario.assert_reconciled()
    decision.transition("fulfill", settledAt=decision.read()["settlement"]["dueAt"])
    scenario.account_page()
    assert "You kept this in time." in unescape(browser.get("/account/records").text)
    scenario.assert_reconciled()
