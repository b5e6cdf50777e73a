"""The accesses on the account page and in their list: none of them can be hidden by others."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.domain.identity.principal import Principal
from gateway.domain.scope import TokenKind
from gateway.kit.clock import BusinessTime, WallTime
from gateway.services.access_log import LISTED
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.factories import make_consent
from tests.support.oauth import Browser, PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

TIER: tuple[str, dict[str, Any]] = ("SCORE_TIER", {"tier": "GOOD"})
THRESHOLD: tuple[str, dict[str, Any]] = ("SCORE_THRESHOLD", {"minimum": "FAIR", "answer": "YES"})
EXACT: tuple[str, dict[str, Any]] = ("SCORE_EXACT", {"score": 712})


@pytest.fixture
def any_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(database_url, settings, clock)) as opened:
        yield opened


def log(world: OAuthWorld, app: PartnerApp, *accesses: tuple[str, dict[str, Any]]) -> None:
    """Logs accesses of the app's merchant to Mei's data."""
    with writing(world.database) as unit:
        user = unit.users.load_by_username("mei")
        assert user is not None
        consent = make_consent(unit, app.client_id, user.id)
        principal = Principal(
            kind=TokenKind.USER,
            partner_id=world.partner_id,
            merchant_id=consent.merchant_id,
            client_id=app.client_id,
            client_name="x",
            scopes=(),
            allowed=frozenset(),
            token_expires_at=WallTime(unit.wall),
            now=BusinessTime(unit.wall),
            consent=consent,
        )
        for kind, answered in accesses:
            world.container.access_log.record(unit, principal, kind, "CAR_RENTAL", answered)


def items(browser: Browser, address: str) -> list[str]:
    """The texts of the accesses on a page, without markup."""
    section = browser.get(address).text.partition("Who asked about you</h")[2]
    found = re.findall(r"<li><p><strong>(.*?)</li>", section, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", " ", item).split()) for item in found]


def signed_in(world: OAuthWorld) -> Browser:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    return browser


@pytest.mark.postgresql
def test_e3_read_of_the_score_cannot_be_pushed_out_of_sight(any_world: OAuthWorld, clock: MovableClock) -> None:
    log(any_world, any_world.shop, EXACT)
    for _ in range(3):
        clock.advance(minutes=1)
        log(any_world, any_world.cars, *[TIER, EXACT, THRESHOLD] * 60)
    shown = items(signed_in(any_world), "/account")
    assert [text.split(":")[0] for text in shown] == [
        "Green Cars saw your score",
        "Moon Shop saw your score",
        "Green Cars saw your tier",
        "Green Cars asked whether your tier is at least “fair”",
    ]
    assert "180 times between Nov 23, 2026, 12:01:00" in shown[0].replace("\u202f", " ")


@pytest.mark.postgresql
def test_e3_list_has_pages_with_every_access(any_world: OAuthWorld, clock: MovableClock) -> None:
    for number in range(LISTED + 5):
        clock.advance(seconds=1)
        log(any_world, any_world.cars, ("SCORE_EXACT", {"score": 500 + number}))
    browser = signed_in(any_world)
    first = items(browser, "/account/accesses")
    address = re.search(r'href="([^"]+)" rel="next"', browser.get("/account/accesses").text)
    assert address is not None
    second = items(browser, address[1].replace("&amp;", "&"))
    scores = [int(re.search(r"score: (\d+)", text)[1]) for text in first + second]  # type: ignore[index]
    assert scores == list(range(500 + LISTED + 4, 499, -1))
    assert len(first) == LISTED


def test_e3_equal_accesses_are_one_group(world: OAuthWorld, clock: MovableClock) -> None:
    for _ in range(60):
        clock.advance(seconds=1)
        log(world, world.cars, TIER, ("SCORE_TIER", {"tier": "FAIR"}))
    shown = items(signed_in(world), "/account/accesses")
    assert len(shown) == 2
    assert all("50 times between" in text for text in shown)


@pytest.mark.postgresql
def test_e3_list_can_be_filtered(any_world: OAuthWorld) -> None:
    log(any_world, any_world.cars, TIER, EXACT)
    log(any_world, any_world.shop, TIER)
    browser = signed_in(any_world)
    assert len(items(browser, "/account/accesses?kind=SCORE_TIER")) == 2
    assert len(items(browser, f"/account/accesses?kind=SCORE_TIER&merchant={any_world.cars_id}")) == 1
    assert len(items(browser, "/account/accesses?kind=SCORE_EXACT")) == 1


@pytest.mark.parametrize(
    "query", ["kind=x", "kind=%00", "merchant=%00", "merchant=%25", "after=%00", "after=x", "after="]
)
def test_e3_junk_in_the_address_is_no_error(world: OAuthWorld, query: str) -> None:
    log(world, world.cars, TIER)
    assert signed_in(world).get(f"/account/accesses?{query}").status_code == 200


def test_e3_accesses_of_others_are_not_listed(world: OAuthWorld) -> None:
    log(world, world.cars, EXACT)
    browser = world.browser()
    browser.sign_in("bo", PASSWORD)
    assert items(browser, "/account/accesses") == items(browser, "/account") == []


def test_e3_list_needs_a_login_and_comes_back(world: OAuthWorld) -> None:
    browser = world.browser()
    response = browser.get("/account/accesses?kind=SCORE_EXACT&junk=1")
    back = browser.sign_in("mei", PASSWORD, response.headers["location"])
    assert back.headers["location"] == "/account/accesses?kind=SCORE_EXACT"
