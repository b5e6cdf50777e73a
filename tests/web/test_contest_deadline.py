"""The pages of a person say until when a breach can be disputed, also before its dispute window has started."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest

from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.notices.notice import NoticeKind
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON, MovableClock
from tests.support.factories import make_decision
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

pytestmark = pytest.mark.usefixtures("clock")
DAY = timedelta(days=1)
RUNS = "You can dispute this until Dec 7, 2026, 12:00:00\u202fPM UTC."
NOT_STARTED = (
    "You can dispute this until Dec 7, 2026, 12:00:00\u202fPM UTC at least. The 14 days for this begin when a notice"
    " about it has been sent to you, and on Nov 30, 2026, 12:00:00\u202fPM UTC at the latest."
)
ENDED = "You could dispute this until Dec 7, 2026, 12:00:00\u202fPM UTC."
DEADLINE = "can dispute this"


@pytest.fixture
def browser(world: OAuthWorld) -> Browser:
    """Mei's browser."""
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


def report(world: OAuthWorld, **fields: Any) -> str:
    """The id of a decision about Mei of which a breach was reported at noon, with a notice in her inbox."""
    tokens: Any = world.cars.tokens(world.browser(), "mei", PASSWORD)
    with writing(world.database) as unit:
        consent = unit.consents.load(tokens["grant_id"])
        assert consent is not None
        more = {
            "activated_at": BUSINESS_NOON,
            "breached_at": BUSINESS_NOON,
            "breach_kind": BreachKind.DAMAGED,
            **fields,
        }
        decision = make_decision(unit, consent, **{"status": Status.BREACHED, **more})
        about: dict[str, Any] = {
            "merchant_id": consent.merchant_id,
            "subject_id": decision,
            "business_at": BUSINESS_NOON,
        }
        unit.notices.add(consent.user_id, NoticeKind.BREACH_REPORTED, **about)
    return decision


def pages(browser: Browser, decision: str, language: str = "en") -> dict[str, str]:
    """The pages that say something about the breach."""
    paths = ("/account", f"/account/decisions/{decision}", "/account/inbox")
    return {path: unescape(browser.get(f"{path}?lang={language}").text) for path in paths}


def require_on_all(browser: Browser, decision: str, sentence: str) -> None:
    assert {path: text.count(sentence) for path, text in pages(browser, decision).items()} == dict.fromkeys(
        pages(browser, decision), 1
    )


def test_running_window_has_its_end(world: OAuthWorld, browser: Browser, clock: MovableClock) -> None:
    decision = report(world, contest_starts_at=BUSINESS_NOON)
    require_on_all(browser, decision, RUNS)
    clock.advance(13 * DAY)
    browser.sign_in("mei", PASSWORD)
    require_on_all(browser, decision, RUNS)


def test_window_from_the_report_on_has_its_end(world: OAuthWorld, browser: Browser) -> None:
    require_on_all(browser, report(world), RUNS)


def test_window_that_has_not_started_has_its_earliest_end(world: OAuthWorld, browser: Browser) -> None:
    require_on_all(browser, report(world, contest_starts_at=BusinessTime(BUSINESS_NOON + 7 * DAY)), NOT_STARTED)


def test_ended_window_has_its_end_and_no_form(world: OAuthWorld, browser: Browser, clock: MovableClock) -> None:
    decision = report(world)
    clock.advance(14 * DAY)
    browser.sign_in("mei", PASSWORD)
    require_on_all(browser, decision, ENDED)
    assert not [text for text in pages(browser, decision).values() if "/contest" in text or DEADLINE in text]


@pytest.mark.parametrize(
    "fields",
    [
        {"contested_at": BUSINESS_NOON},
        {"dispute_rejected_at": BUSINESS_NOON},
        {"status": Status.FULFILLED},
        {"status": Status.ACTIVE, "breached_at": None, "breach_kind": None},
    ],
    ids=["contested", "rejected", "cured", "voided"],
)
def test_breach_that_cannot_be_disputed_has_no_deadline(
    world: OAuthWorld, browser: Browser, fields: dict[str, Any]
) -> None:
    decision = report(world, **fields)
    for text in pages(browser, decision).values():
        assert DEADLINE not in text
        assert "You could dispute" not in text


def test_notice_about_an_earlier_breach_has_no_deadline(world: OAuthWorld, browser: Browser) -> None:
    decision = report(world, breached_at=BusinessTime(BUSINESS_NOON - DAY))
    assert DEADLINE not in pages(browser, decision)["/account/inbox"]
    assert DEADLINE in pages(browser, decision)["/account"]


def test_deadline_is_in_the_business_time_of_the_partner(world: OAuthWorld, browser: Browser) -> None:
    decision = report(world, contest_starts_at=BusinessTime(BUSINESS_NOON + 7 * DAY))
    world.move_partner(2 * DAY)
    assert "until Dec 9, 2026" in pages(browser, decision)["/account/inbox"]
    world.move_partner(7 * DAY)
    assert "until Dec 14, 2026, 12:00:00\u202fPM UTC." in pages(browser, decision)["/account/inbox"]


def test_deadline_is_in_the_language_of_the_person(world: OAuthWorld, browser: Browser) -> None:
    decision = report(world, contest_starts_at=BusinessTime(BUSINESS_NOON + 7 * DAY))
    for text in pages(browser, decision, "zh").values():
        assert "您至少可以在 2026年12月7日 12:00:00 UTC 之前提出异议" in text
        assert "14 天的期限自向您发送相关通知时起算，最迟自 2026年11月30日 12:00:00 UTC 起算" in text
