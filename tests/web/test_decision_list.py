"""The list of all decisions about a person, in pages."""

import re

import pytest

from gateway.services.decisions.obligations import LISTED
from tests.support.factories import make_consent, make_decision
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing


@pytest.fixture
def decisions(world: OAuthWorld) -> list[str]:
    """The ids of two pages of decisions about Mei and one more, newest first."""
    with writing(world.database) as unit:
        user = unit.users.load_by_username("mei")
        assert user is not None
        consent = make_consent(unit, world.cars.client_id, user.id)
        return [make_decision(unit, consent) for _ in range(2 * LISTED + 1)][::-1]


def listed(browser: Browser, address: str) -> tuple[list[str], str]:
    """The ids of the decisions on a page, and the address of the next one, "" if there is none."""
    text = browser.get(address).text
    following = re.search(r'<a href="([^"]+)"[^>]*>Older</a>', text)
    return re.findall(r'href="/account/decisions/([^"?]+)"', text), following[1] if following else ""


def test_e3_each_decision_is_on_a_page(world: OAuthWorld, decisions: list[str]) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    found, address = listed(browser, "/account/decisions")
    while address:
        more, address = listed(browser, address)
        found += more
    assert found == decisions


def test_e3_account_page_leads_to_older_decisions(world: OAuthWorld, decisions: list[str]) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    _, address = listed(browser, "/account")
    assert listed(browser, address)[0] == decisions[LISTED : 2 * LISTED]


def test_decisions_need_a_login(world: OAuthWorld) -> None:
    response = world.browser().get("/account/decisions?after=dec_1")
    assert (response.status_code, response.headers["location"]) == (
        303,
        "/login?return_to=%2Faccount%2Fdecisions%3Fafter%3Ddec_1",
    )
