"""The page of an agreement lets a person say that it was kept, says what happens then, and lets the person withdraw
it."""

from datetime import timedelta
from html import unescape
from typing import Any

import httpx2
import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON, MovableClock
from tests.support.factories import make_decision
from tests.support.oauth import Browser, forms
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

DAY = timedelta(days=1)
DUE = BusinessTime(BUSINESS_NOON + 3 * DAY)
COUNTS_AS_KEPT = "counts as kept for your score"


def make(world: OAuthWorld, **fields: Any) -> str:
    """The id of an active decision about Mei, due in three days without grace."""
    tokens: Any = world.cars.tokens(world.browser(), "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        more = {"status": Status.ACTIVE, "activated_at": BUSINESS_NOON, "due_at": DUE, **fields}
        return make_decision(unit, consent, **more)


@pytest.fixture
def decision(world: OAuthWorld) -> str:
    return make(world)


@pytest.fixture
def browser(world: OAuthWorld) -> Browser:
    """Mei's browser."""
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def page_of(browser: Browser, decision: str) -> httpx2.Response:
    return browser.get(f"/account/decisions/{decision}")


def text_of(browser: Browser, decision: str) -> str:
    return unescape(page_of(browser, decision).text)


def actions(browser: Browser, decision: str) -> list[str]:
    """The last parts of the addresses of the page's forms."""
    addresses = [form.action for form in forms(page_of(browser, decision).text)]
    return [address.rpartition(decision)[2] for address in addresses if decision in address]


def claim(browser: Browser, decision: str, **fields: str) -> httpx2.Response:
    return browser.submit(page_of(browser, decision), f"/account/decisions/{decision}/claim", **fields)


def test_page_says_what_happens_before_the_person_says_anything(browser: Browser, decision: str) -> None:
    text = text_of(browser, decision)
    assert "I have returned it" in text
    assert "If it does not contradict you by December 3, 2026, this counts as kept for your score." in text
    assert "You can say it once." in text
    assert "The agreement stays open until the merchant confirms this" in text
    assert actions(browser, decision) == ["/claim"]


def test_account_page_leads_to_the_form(browser: Browser, decision: str) -> None:
    link = f'<a href="/account/decisions/{decision}#claim">I have returned it</a>'
    assert link in browser.get("/account").text
    assert 'id="claim"' in page_of(browser, decision).text
    claim(browser, decision)
    assert link not in browser.get("/account").text


@pytest.mark.parametrize("product", [Product.PAY_LATER, Product.CREDIT_OFFER, Product.EXPRESS_CHECK_IN])
def test_other_products_are_paid(world: OAuthWorld, browser: Browser, product: Product) -> None:
    decision = make(world, product=product)
    assert ">I have paid</button>" in text_of(browser, decision)
    assert claim(browser, decision).status_code == 303
    assert "On November 23, 2026 you said that you have paid." in text_of(browser, decision)


def test_claim_is_shown_with_its_date(browser: Browser, decision: str) -> None:
    response = claim(browser, decision)
    assert (response.status_code, response.headers["location"]) == (303, f"/account/decisions/{decision}")
    text = text_of(browser, decision)
    assert "On November 23, 2026 you said that you have returned it." in text
    assert "If the merchant does not contradict you by December 3, 2026, this counts as kept for your score." in text
    assert "You said that you have kept it." in text, "in the history"
    assert actions(browser, decision) == ["/claim/withdraw"]


def test_page_is_in_chinese(browser: Browser, decision: str) -> None:
    assert ">我已归还</button>" in browser.get(f"/account/decisions/{decision}?lang=zh").text
    claim(browser, decision)
    assert "您于2026年11月23日说明已归还。" in page_of(browser, decision).text


def test_claim_sent_twice_is_one_claim(world: OAuthWorld, browser: Browser, decision: str) -> None:
    page, action = page_of(browser, decision), f"/account/decisions/{decision}/claim"
    assert [browser.submit(page, action).status_code for _ in range(2)] == [303, 303]
    assert len(world.rows("SELECT id FROM outbox WHERE topic = 'DECISION_CLAIMED'")) == 1


def test_accepted_claim_is_shown(world: OAuthWorld, browser: Browser, decision: str, clock: MovableClock) -> None:
    action = f"/account/decisions/{decision}/claim"
    claim(browser, decision)
    clock.advance(10 * DAY)
    world.container.scheduler.apply_due()
    browser.sign_in("mei", PASSWORD)
    text = text_of(browser, decision)
    assert "The merchant did not contradict you, so it counts as kept for your score." in text
    assert "The agreement stays open until the merchant confirms this" in text
    assert actions(browser, decision) == ["/contest"], "the overdue flag"
    older_tab = {"csrf_token": forms(page_of(browser, decision).text)[0].fields["csrf_token"], "kind": "RETURNED"}
    assert browser.http.post(action, data=older_tab, follow_redirects=False).status_code == 303
    records = unescape(browser.get("/account/records").text)
    assert "You said that you kept this, and the merchant did not contradict you." in records
    assert "It counts for your score." in records


def test_withdrawal_asks_first_and_works_twice(browser: Browser, decision: str) -> None:
    claim(browser, decision)
    action = f"/account/decisions/{decision}/claim/withdraw"
    question = browser.submit(page_of(browser, decision), action)
    assert (question.status_code, "you cannot say it again" in question.text) == (200, True)
    assert "you said that you have returned it." in question.text
    assert "You withdrew" not in text_of(browser, decision)
    assert [browser.submit(question, action).status_code for _ in range(2)] == [303, 303]
    text = text_of(browser, decision)
    assert "You withdrew this." in text
    assert COUNTS_AS_KEPT not in text
    assert actions(browser, decision) == []


def test_withdrawn_claim_cannot_be_made_again(browser: Browser, decision: str) -> None:
    page, action = page_of(browser, decision), f"/account/decisions/{decision}/claim"
    browser.submit(page, action)
    browser.submit_and_confirm(page_of(browser, decision), f"{action}/withdraw")
    assert browser.submit(page, action).status_code == 409
    assert browser.get(f"{action}/withdraw").status_code == 409


def test_contradicted_claim_is_shown(world: OAuthWorld, browser: Browser, decision: str) -> None:
    claim(browser, decision)
    world.execute("UPDATE decisions SET claim_contradicted_at = claimed_at")
    text = text_of(browser, decision)
    assert "This was contradicted, so it does not count as kept for your score." in text
    assert actions(browser, decision) == []


@pytest.mark.parametrize(
    "fields",
    [{"status": Status.APPROVED}, {"status": Status.FULFILLED}, {"overdue_at": BUSINESS_NOON}],
    ids=["approved", "fulfilled", "overdue"],
)
def test_nothing_can_be_said_about_another_agreement(
    world: OAuthWorld, browser: Browser, decision: str, fields: dict[str, Any]
) -> None:
    other = make(world, **fields)
    assert "/claim" not in actions(browser, other)
    form = {"csrf_token": forms(page_of(browser, decision).text)[0].fields["csrf_token"], "kind": "RETURNED"}
    address = f"/account/decisions/{other}/claim"
    assert browser.http.post(address, data=form, follow_redirects=False).status_code == 409
    assert browser.get(f"{address}/withdraw").status_code == 409


@pytest.mark.parametrize("kind", ["PAID", "", "x", "returned", "RETURNED\x00"])
def test_unusable_kind_is_refused(browser: Browser, decision: str, kind: str) -> None:
    assert claim(browser, decision, kind=kind).status_code in {400, 422}
    assert actions(browser, decision) == ["/claim"]


def test_person_can_only_speak_about_own_agreements(world: OAuthWorld, browser: Browser, decision: str) -> None:
    other = world.browser()
    page = other.open("/account", "bo", PASSWORD)
    form = {"csrf_token": forms(page.text)[0].fields["csrf_token"], "kind": "RETURNED", "confirmed": "yes"}
    for each in (decision, "dec_test_none", "%00", "x" * 500):
        address = f"/account/decisions/{each}/claim"
        for path in (address, f"{address}/withdraw"):
            assert other.http.post(path, data=form, follow_redirects=False).status_code == 404
        assert other.get(f"{address}/withdraw").status_code == 404
    assert actions(browser, decision) == ["/claim"]


def test_claim_needs_the_form_of_the_session(world: OAuthWorld, browser: Browser, decision: str) -> None:
    address = f"/account/decisions/{decision}/claim"
    for path in (address, f"{address}/withdraw"):
        response = browser.http.post(path, data={"csrf_token": "x", "kind": "RETURNED"}, follow_redirects=False)
        assert response.status_code == 403
    visitor = world.browser().get(f"{address}/withdraw")
    assert (visitor.status_code, visitor.headers["location"].startswith("/login")) == (303, True)
    assert actions(browser, decision) == ["/claim"]
