"""The page of an agreement over HTTP: the person sees what the merchant has written about it."""

from collections.abc import Iterator
from contextlib import closing
from html import unescape

import pytest

from tests.support.merchant_client import car, yuan
from tests.support.scenario import Scenario
from tests.support.server import Sandbox


@pytest.fixture
def scenario(moving_sandbox: Sandbox) -> Iterator[Scenario]:
    with closing(Scenario(moving_sandbox, "excellent")) as scenario:
        yield scenario


def agreement_page(scenario: Scenario, decision_id: str) -> str:
    assert f'href="/account/decisions/{decision_id}"' in scenario.account_page().text
    return unescape(scenario.browser.get(f"/account/decisions/{decision_id}").text)


def test_e5_reason_of_an_extension_and_note_of_a_breach_are_shown(scenario: Scenario) -> None:
    decision = scenario.rental("500.00")
    decision.transition("extend", reason="The ferry was <late>.")
    decision.transition("breach", note="A scratch on the left side.")
    page = agreement_page(scenario, decision.id)
    assert "The ferry was <late>." in page
    assert "A scratch on the left side." in page
    assert "The merchant reported that you broke it." in page
    decision.transition("fulfill")


def test_reason_of_a_reduction_is_shown(scenario: Scenario) -> None:
    decision = scenario.rental("500.00")
    decision.transition("reduce", amount=yuan("300.00"), reason="A <discount> for the rain.")
    page = agreement_page(scenario, decision.id)
    assert "The merchant lowered its amount." in page
    assert "A <discount> for the rain." in page
    assert "CN¥300 open, due on" in unescape(scenario.account_page().text)
    decision.transition("fulfill")


def test_e5_reason_of_a_cancellation_is_shown(scenario: Scenario) -> None:
    decision = scenario.request(car("500.00", scenario.time.now))
    decision.transition("cancel", reason="The car broke down.")
    page = agreement_page(scenario, decision.id)
    assert "The car broke down." in page
    assert "The merchant cancelled it." in page


def test_amount_and_last_date_of_an_open_agreement_are_shown(scenario: Scenario) -> None:
    decision = scenario.rental("500.00")
    assert "CN¥500 open, due on" in agreement_page(scenario, decision.id)
    decision.transition("fulfill")
    page = unescape(scenario.browser.get(f"/account/decisions/{decision.id}").text)
    assert "Approved: CN¥500. It has been settled." in page
    assert "open, due on" not in page


def test_dispute_is_described_above_the_form_that_withdraws_it(scenario: Scenario) -> None:
    decision = scenario.rental("500.00")
    decision.transition("breach")
    scenario.contest(decision, "I did not.")
    page = agreement_page(scenario, decision.id)
    sentence = "You disputed this. It does not count against you for now."
    assert page.count(sentence) == 1
    assert page.index(sentence) < page.index("Withdraw dispute") < page.index("I did not.")
    decision.transition("fulfill")


def test_upheld_dispute_about_a_breach_is_not_shown_as_one_about_another_breach(scenario: Scenario) -> None:
    decision = scenario.rental("500.00")
    decision.transition("breach")
    scenario.respond(scenario.contest(decision, "I did not."), accept=True)
    assert "Your dispute was upheld." in scenario.agreement()
    scenario.advance(days=5)
    scenario.wait_for(decision, "OVERDUE")
    agreement = scenario.agreement(decision)
    assert "Overdue since" in agreement
    assert "Your dispute was upheld." not in agreement
    assert agreement_page(scenario, decision.id).count("Your dispute was upheld.") == 1
    decision.transition("fulfill")


def test_score_and_its_reasons_are_shown_to_the_person(moving_sandbox: Sandbox) -> None:
    """Also after the score has changed: they are those with which the agreement was decided."""
    with closing(Scenario(moving_sandbox, "good")) as scenario:
        decision = scenario.rental("500.00")
        decision.transition("fulfill")
        page = agreement_page(scenario, decision.id)
    assert "Your score was 640 as of" in page
    assert "You have made few payments on time so far." in page
    assert "Pay what is due by its date." in page
