"""The account page: its list of consents, and the form that ends one."""

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.support.oauth import Browser, forms
from tests.support.oauth_world import PASSWORD, OAuthWorld


def revoke_actions(browser: Browser) -> list[str]:
    return [form.action for form in forms(browser.get("/account").text) if form.action.endswith("/revoke")]


def test_60_consent_is_listed_and_ended(world: OAuthWorld) -> None:
    browser = world.browser()
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    page = browser.get("/account")
    for expected in ("Green Cars", "See your credit tier", "renting a car", "ends on February 21, 2027"):
        assert expected in page.text, expected
    response = browser.submit_and_confirm(page, revoke_actions(browser)[0])
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    assert world.cars.call(tokens["access_token"]).status_code == 401
    assert world.cars.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    after = browser.get("/account").text
    assert revoke_actions(browser) == []
    assert "ended on November 23, 2026" in after


def test_ending_consent_twice_succeeds(world: OAuthWorld) -> None:
    browser = world.browser()
    world.cars.tokens(browser, "mei", PASSWORD)
    page, action = browser.get("/account"), revoke_actions(browser)[0]
    question = browser.submit(page, action)
    assert browser.submit(question, action).status_code == 303
    assert browser.submit(question, action).status_code == 303


def test_expired_consent_has_no_button(world: OAuthWorld) -> None:
    browser = world.browser()
    world.cars.tokens(browser, "mei", PASSWORD)
    world.move_partner(timedelta(days=91))
    assert revoke_actions(browser) == []
    assert "expired on February 21, 2027" in browser.get("/account").text


def test_consent_of_other_person_is_not_found(world: OAuthWorld) -> None:
    mei, bo = world.browser(), world.browser()
    tokens: Any = world.cars.tokens(mei, "mei", PASSWORD)
    world.cars.tokens(bo, "bo", PASSWORD)
    page = bo.get("/account")
    own = revoke_actions(bo)[0]
    text = page.text.replace(own, revoke_actions(mei)[0])
    foreign = next(form for form in forms(text) if form.action.endswith("/revoke"))
    for confirmed in ({}, {"confirmed": "yes"}):
        assert bo.http.post(foreign.action, data={**foreign.fields, **confirmed}).status_code == 404
    assert world.cars.call(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("identifier", ["con_test_unknown", "%00", "é", "x" * 2000])
def test_unknown_consent_is_not_found(world: OAuthWorld, identifier: str) -> None:
    browser = world.browser()
    world.cars.tokens(browser, "mei", PASSWORD)
    fields = forms(browser.get("/account").text)[0].fields
    assert browser.http.post(f"/account/consents/{identifier}/revoke", data=fields).status_code == 404


def test_ending_requires_csrf_token_and_login(world: OAuthWorld) -> None:
    browser = world.browser()
    tokens: Any = world.cars.tokens(browser, "mei", PASSWORD)
    page, action = browser.get("/account"), revoke_actions(browser)[0]
    assert browser.submit(page, action, csrf_token="wrong").status_code == 403
    assert world.http().post(action, data={"csrf_token": "x"}).status_code == 403
    assert world.cars.call(tokens["access_token"]).status_code == 200


def test_names_are_escaped(world: OAuthWorld) -> None:
    browser = world.browser()
    world.cars.tokens(browser, "mei", PASSWORD)
    world.change_merchant(name="<b>Bold</b>")
    text = browser.get("/account").text
    assert "<b>Bold" not in text
    assert re.search(r"&lt;b&gt;Bold", text)
