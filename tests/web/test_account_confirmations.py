"""What cannot be undone on the account page asks first, and works when it is sent twice."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.transitions import BreachKind, Status
from tests.support.factories import make_decision
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing


def end_form(world: OAuthWorld, browser: Browser) -> tuple[str, str]:
    """A token of Mei's consent, and the address of the form that ends it."""
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    return tokens["access_token"], f"/account/consents/{tokens['grant_id']}/revoke"


def test_g4_ending_a_consent_asks_first(world: OAuthWorld) -> None:
    browser = world.browser()
    token, action = end_form(world, browser)
    question = browser.submit(browser.get("/account"), action)
    assert (question.status_code, "This cannot be undone." in question.text) == (200, True)
    assert "Green Cars" in question.text
    assert world.cars.call(token).status_code == 200
    assert browser.submit(question, action).status_code == 303
    assert world.cars.call(token).status_code == 401


@pytest.mark.parametrize("confirmed", ["", "no", "1"])
def test_g4_another_value_does_not_confirm(world: OAuthWorld, confirmed: str) -> None:
    browser = world.browser()
    token, action = end_form(world, browser)
    assert browser.submit(browser.get("/account"), action, confirmed=confirmed).status_code == 200
    assert world.cars.call(token).status_code == 200


def test_g4_question_can_be_opened_in_another_language(world: OAuthWorld) -> None:
    browser = world.browser()
    _, action = end_form(world, browser)
    page = browser.submit(browser.get("/account"), action)
    link = page.text.split('hreflang="zh" href="')[1].split('"')[0]
    assert "此操作无法撤销" in browser.get(link).text


def test_g4_question_needs_a_login(world: OAuthWorld) -> None:
    _, action = end_form(world, world.browser())
    browser = world.browser()
    assert browser.open(action, "mei", PASSWORD).status_code == 200
    assert world.browser().open(action, "bo", PASSWORD).status_code == 404


def report(world: OAuthWorld, kind: BreachKind, due_in: timedelta) -> str:
    """The id of a decision about Mei that its merchant has reported as breached."""
    browser = world.browser()
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        now = unit.business_time(consent.merchant_id)
        more = {"activated_at": now, "breached_at": now, "breach_kind": kind, "due_at": now + due_in}
        return make_decision(unit, consent, status=Status.BREACHED, **more)


@pytest.fixture
def breached(world: OAuthWorld) -> str:
    return report(world, BreachKind.DAMAGED, timedelta(days=5))


EARLY = "counts against you, but not before November 28, 2026"


@pytest.mark.parametrize(
    ("kind", "due_in", "early"),
    [
        pytest.param(BreachKind.OTHER, timedelta(days=5), True, id="E1-other-before-the-due-date"),
        pytest.param(BreachKind.OTHER, timedelta(days=-5), False, id="E1-other-after-the-due-date"),
        pytest.param(BreachKind.DAMAGED, timedelta(days=5), False, id="E1-damaged"),
    ],
)
def test_withdrawal_says_from_when_the_breach_counts(
    world: OAuthWorld, kind: BreachKind, due_in: timedelta, early: bool
) -> None:
    browser, decision = world.browser(), report(world, kind, due_in)
    page = browser.open("/account", "mei", PASSWORD)
    browser.submit(page, f"/account/decisions/{decision}/contest", statement="No.")
    page = browser.get("/account")
    (action,) = [part for part in page.text.split('"') if part.endswith("/withdraw")]
    for text in (page.text, browser.get(action).text):
        assert ("counts against you, and you" in text, EARLY in text) == (not early, early)


def test_g4_withdrawing_a_dispute_asks_first(world: OAuthWorld, breached: str) -> None:
    browser = world.browser()
    page = browser.open("/account", "mei", PASSWORD)
    contest = f"/account/decisions/{breached}/contest"
    assert browser.submit(page, contest, statement="No.").status_code == 303
    page = browser.get("/account")
    (action,) = [part for part in page.text.split('"') if part.endswith("/withdraw")]
    question = browser.submit(page, action)
    assert (question.status_code, "you cannot dispute it again" in question.text) == (200, True)
    assert "You withdrew" not in browser.get("/account").text
    assert [browser.submit(question, action).status_code for _ in range(2)] == [303, 303]  # also a double click
    assert "You withdrew your dispute." in browser.get("/account").text


def test_d1_dispute_sent_twice_is_one_dispute(world: OAuthWorld, breached: str) -> None:
    browser = world.browser()
    page, action = browser.open("/account", "mei", PASSWORD), f"/account/decisions/{breached}/contest"
    assert [browser.submit(page, action, statement="No.").status_code for _ in range(2)] == [303, 303]
    assert browser.submit(page, action, statement="Something else.").status_code == 409


def test_e5_own_statement_is_shown(world: OAuthWorld, breached: str) -> None:
    browser = world.browser()
    page = browser.open("/account", "mei", PASSWORD)
    browser.submit(page, f"/account/decisions/{breached}/contest", statement="I brought it <back>.")
    for address in ("/account", f"/account/decisions/{breached}"):
        assert "I brought it &lt;back&gt;." in browser.get(address).text


@pytest.mark.parametrize("decision", ["dec_test_none", "%00", "x" * 500])
def test_e5_unknown_agreement_is_not_found(world: OAuthWorld, decision: str) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    assert browser.get(f"/account/decisions/{decision}").status_code == 404


def test_e5_agreement_of_another_person_is_not_found(world: OAuthWorld, breached: str) -> None:
    assert world.browser().open(f"/account/decisions/{breached}", "bo", PASSWORD).status_code == 404
    assert world.browser().open(f"/account/decisions/{breached}", "mei", PASSWORD).status_code == 200
