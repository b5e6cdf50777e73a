"""Step-up: a large consent needs a login that is fresh when the person decides."""

from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.requests import AUTHORIZATION_CODES
from tests.support.clock import MovableClock
from tests.support.oauth import form_to, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading


def decision(amount: str) -> dict[str, Any]:
    money = {"amount": amount, "currency": "CNY"}
    return {"type": "decision", "products": ["DEPOSIT_WAIVER"], "maximum_amount": money}


def consent_address(world: OAuthWorld, *details: dict[str, Any], **changed: str) -> str:
    pushed = world.cars.push(scope=None, authorization_details=list(details), **changed).json()
    return world.cars.address(str(pushed["request_uri"]))


def count_issued(world: OAuthWorld) -> int:
    with reading(world.database) as unit:
        return len(unit.connection.execute(select(AUTHORIZATION_CODES)).all()) + len(
            unit.connection.execute(select(CONSENTS)).all()
        )


def is_step_up(response: httpx2.Response, address: str) -> bool:
    """Whether the response redirects to the login page, which leads back to the consent page at `address`."""
    assert response.status_code == 303, response.text
    query = query_of(response.headers["location"])
    came_back = query_of(query.get("return_to", "")) == query_of(address)
    return response.headers["location"].startswith("/login?") and came_back and query.get("again") == "1"


def test_35_large_consent_requires_fresh_login(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=5)
    address = consent_address(both_world, decision("1000.01"))
    response = browser.get(address)
    assert is_step_up(response, address)
    login = browser.get(response.headers["location"])
    assert "a large amount" in login.text
    assert form_to(login.text, "/login").fields["username"] == "mei"
    wrong = browser.submit(login, "/login", password="wrong")
    assert (wrong.status_code, "a large amount" in wrong.text) == (400, True)
    back = browser.submit(wrong, "/login", username="mei", password=PASSWORD)
    page = browser.get(back.headers["location"])
    assert page.status_code == 200
    done = browser.submit(page, "/oauth/authorize", decision="allow")
    assert "code" in query_of(done.headers["location"])


def test_35_login_must_be_fresh_at_decision(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    assert page.status_code == 200
    clock.advance(minutes=4, seconds=59)
    assert browser.get(address).status_code == 200
    clock.advance(seconds=1)
    response = browser.submit(page, "/oauth/authorize", decision="allow")
    assert is_step_up(response, address)
    assert count_issued(both_world) == 0
    page = browser.open(response.headers["location"], "mei", PASSWORD)
    back = browser.submit(page, "/login", password=PASSWORD)
    page = browser.get(back.headers["location"])
    done = browser.submit(page, "/oauth/authorize", decision="allow")
    assert "code" in query_of(done.headers["location"])


def test_35_session_use_does_not_refresh_login(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    for _ in range(5):
        clock.advance(minutes=1)
        browser.get("/account")
    assert is_step_up(browser.submit(page, "/oauth/authorize", decision="allow"), address)


@pytest.mark.parametrize(("amount", "asks"), [("1000.00", False), ("1000.01", True)])
def test_35_granted_amount_determines_step_up(
    both_world: OAuthWorld, clock: MovableClock, amount: str, asks: bool
) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("3000.00"))
    page = browser.open(address, "mei", PASSWORD)
    clock.advance(minutes=9)
    response = browser.submit(page, "/oauth/authorize", decision="allow", amount_0=amount)
    assert ("code" in query_of(response.headers["location"])) is not asks
    if asks:
        assert is_step_up(response, address)
        assert count_issued(both_world) == 0


@pytest.mark.parametrize(("action", "asks"), [("merge", True), ("replace", False)])
def test_35_result_of_change_determines_step_up(
    both_world: OAuthWorld, clock: MovableClock, action: str, asks: bool
) -> None:
    browser = both_world.browser()
    details = [decision("800.00")]
    grant_id = both_world.cars.tokens(browser, "mei", PASSWORD, scope=None, authorization_details=details)["grant_id"]
    clock.advance(minutes=9)
    more = {**decision("300.00"), "products": ["PAY_LATER"]}
    address = consent_address(both_world, more, grant_management_action=action, grant_id=grant_id)
    response = browser.get(address)
    assert (response.status_code == 303) is asks
    if asks:
        assert is_step_up(response, address)


def test_35_denial_needs_no_fresh_login(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser, address = both_world.browser(), consent_address(both_world, decision("1000.01"))
    page = browser.open(address, "mei", PASSWORD)
    clock.advance(minutes=9)
    response = browser.submit(page, "/oauth/authorize", decision="deny")
    assert query_of(response.headers["location"])["error"] == "access_denied"


@pytest.mark.parametrize(
    ("details", "asks"),
    [
        pytest.param([decision("1000.00")], False, id="exactly-the-amount"),
        pytest.param([decision("600.00"), decision("400.01")], True, id="more-when-added-up"),
        pytest.param([{"type": "score", "level": "exact"}], False, id="a-score"),
    ],
)
def test_35_consents_that_require_fresh_login(
    both_world: OAuthWorld, clock: MovableClock, details: list[dict[str, Any]], asks: bool
) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=9)
    address = consent_address(both_world, *details)
    response = browser.get(address)
    assert (response.status_code == 200) is not asks
    if asks:
        assert is_step_up(response, address)


def test_35_login_of_other_account_switches_person(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=5)
    address = consent_address(both_world, decision("1000.01"))
    login = browser.get(browser.get(address).headers["location"])
    back = browser.submit(login, "/login", username="bo", password=PASSWORD)
    assert "Bo Wang" in browser.get(back.headers["location"]).text
