"""The same form sent twice: a double click, a reload, or a second tab. The first answer stands and is repeated."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.requests import AUTHORIZATION_CODES, PUSHED_REQUESTS
from gateway.web.pages.device.page import WRONG_CODES
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, form_to, pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.point_of_sale import decide, open_confirmation, poll
from tests.support.units import reading

AUTHORIZE = "/oauth/authorize"


def open_page(world: OAuthWorld, browser: Browser) -> tuple[httpx2.Response, str]:
    """Mei's consent page for a new request, and the code_verifier."""
    verifier, challenge = pkce()
    pushed = world.cars.push(challenge)
    return browser.open(world.cars.address(pushed.json()["request_uri"]), "mei", PASSWORD), verifier


def stored_rows(world: OAuthWorld, table: Any) -> list[Any]:
    with reading(world.database) as unit:
        return list(unit.connection.execute(select(table)).all())


@pytest.mark.parametrize("second", ["allow", "deny"])
@pytest.mark.parametrize("first", ["allow", "deny"])
def test_d1_first_answer_is_repeated(world: OAuthWorld, first: str, second: str) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser)
    answers = [browser.submit(page, AUTHORIZE, decision=decision) for decision in (first, second, second)]
    assert [answer.status_code for answer in answers] == [303] * 3
    (location,) = {answer.headers["location"] for answer in answers}
    assert ("code" in query_of(location)) == (first == "allow")
    assert len(stored_rows(world, CONSENTS)) == len(stored_rows(world, AUTHORIZATION_CODES)) == (first == "allow")


def test_d1_repeated_code_can_be_redeemed(world: OAuthWorld) -> None:
    browser = world.browser()
    page, verifier = open_page(world, browser)
    browser.submit(page, AUTHORIZE, decision="allow")
    code = query_of(browser.submit(page, AUTHORIZE, decision="allow").headers["location"])["code"]
    assert world.cars.redeem(code, verifier).status_code == 200


def test_d1_invalid_second_answer_repeats_the_first(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser)
    first = browser.submit(page, AUTHORIZE, decision="deny")
    second = browser.submit(page, AUTHORIZE, decision="allow", amount_1="junk", include_9="yes")
    assert second.headers["location"] == first.headers["location"]


def test_d1_answer_after_redemption_gets_a_page(world: OAuthWorld) -> None:
    browser = world.browser()
    page, verifier = open_page(world, browser)
    code = query_of(browser.submit(page, AUTHORIZE, decision="allow").headers["location"])["code"]
    tokens = world.cars.redeem(code, verifier).json()
    again = browser.submit(page, AUTHORIZE, decision="allow")
    assert again.status_code == 200
    assert "You have answered" in again.text
    assert code not in again.text
    assert world.cars.call(tokens["access_token"]).status_code == 200


def test_d1_answer_after_the_code_has_expired_gets_a_page(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser)
    browser.submit(page, AUTHORIZE, decision="allow")
    clock.advance(seconds=60)
    assert "You have answered" in browser.submit(page, AUTHORIZE, decision="deny").text


def test_d1_answer_of_another_person_is_not_repeated(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser)
    bo = world.browser()
    bo.sign_in("bo", PASSWORD)
    token = form_to(bo.get("/account").text, "/logout").fields["csrf_token"]
    browser.submit(page, AUTHORIZE, decision="allow")
    assert bo.submit(page, AUTHORIZE, decision="allow", csrf_token=token).status_code == 400


def test_d1_code_and_request_are_stored_as_digests(world: OAuthWorld) -> None:
    browser = world.browser()
    page, _ = open_page(world, browser)
    code = query_of(browser.submit(page, AUTHORIZE, decision="allow").headers["location"])["code"]
    stored = f"{stored_rows(world, PUSHED_REQUESTS)}{stored_rows(world, AUTHORIZATION_CODES)}"
    assert code not in stored
    assert form_to(page.text, AUTHORIZE).fields["request_uri"] not in stored


@pytest.mark.parametrize("second", ["allow", "deny"])
@pytest.mark.parametrize("first", ["allow", "deny"])
def test_d1_first_answer_at_checkout_is_repeated(
    world: OAuthWorld, device: dict[str, Any], first: str, second: str
) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    answers = [browser.submit(page, "/device", decision=decision) for decision in (first, second)]
    assert {answer.headers["location"] for answer in answers} == {f"/device/done?decision={first}"}
    assert len(stored_rows(world, CONSENTS)) == (first == "allow")


def test_d1_answer_at_checkout_is_repeated_after_its_poll(world: OAuthWorld, device: dict[str, Any]) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    browser.submit(page, "/device", decision="allow")
    assert poll(world.bank, device["device_code"]).status_code == 200
    assert browser.submit(page, "/device", decision="allow").headers["location"] == "/device/done?decision=allow"


@pytest.mark.parametrize("fields", [{"decision": "allow"}, {}], ids=["answer", "code"])
def test_d1_repeated_press_at_checkout_is_no_guess(
    world: OAuthWorld, device: dict[str, Any], clock: MovableClock, fields: dict[str, str]
) -> None:
    browser = world.browser()
    page = open_confirmation(browser, device["user_code"])
    browser.submit(page, "/device", decision="allow")
    for _ in range(WRONG_CODES.amount + 2):
        assert browser.submit(page, "/device", **fields).status_code == (303 if fields else 400)
    clock.advance(seconds=timedelta(minutes=1).total_seconds() - 1)
    assert open_confirmation(browser, "BCDF-GHJK").status_code == 400


def test_d1_answer_of_another_person_at_checkout_is_a_guess(world: OAuthWorld, device: dict[str, Any]) -> None:
    bo = world.browser()
    page = open_confirmation(bo, device["user_code"], "bo")
    decide(world.browser(), device["user_code"], "deny")
    statuses = [bo.submit(page, "/device", decision="deny").status_code for _ in range(WRONG_CODES.amount + 1)]
    assert statuses == [400] * WRONG_CODES.amount + [429]
