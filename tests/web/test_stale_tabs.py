"""Forms of pages that are older than the session: a second login tab, a tab that was open during a sign-out."""

import pytest

from tests.support.oauth import form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld

OWN = pytest.param(True, id="D12-origin-reported")
UNKNOWN = pytest.param(False, id="D12-no-origin")
FOREIGN = {"Origin": "https://evil.example"}


def own_origin(world: OAuthWorld, *, reported: bool) -> dict[str, str]:
    return {"Origin": world.container.settings.issuer} if reported else {}


@pytest.mark.parametrize("reported", [OWN, UNKNOWN])
def test_d12_second_login_tab_leads_to_its_page(world: OAuthWorld, reported: bool) -> None:
    browser = world.browser()
    tab = browser.get("/login?return_to=/device")
    browser.sign_in("mei", PASSWORD)
    data = {**form_to(tab.text, "/login").fields, "username": "mei", "password": PASSWORD}
    response = browser.http.post("/login", data=data, headers=own_origin(world, reported=reported))
    assert (response.status_code, response.headers["location"]) == (303, "/device")
    assert "Mei Lin" in browser.get("/account").text


def test_d12_second_login_tab_can_switch_the_person(world: OAuthWorld) -> None:
    browser = world.browser()
    tab = browser.get("/login")
    browser.sign_in("mei", PASSWORD)
    data = {**form_to(tab.text, "/login").fields, "username": "bo", "password": PASSWORD}
    browser.http.post("/login", data=data, headers=own_origin(world, reported=True))
    assert "Bo Wang" in browser.get("/account").text


def test_d12_login_of_unknown_origin_does_not_switch_the_person(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    response = browser.http.post("/login", data={"csrf_token": "x", "username": "bo", "password": PASSWORD})
    assert response.headers["location"] == "/account"
    assert "Mei Lin" in browser.get("/account").text


def test_d12_login_of_another_origin_is_refused(world: OAuthWorld) -> None:
    browser = world.browser()
    form = form_to(browser.get("/login").text, "/login")
    data = {**form.fields, "username": "bo", "password": PASSWORD}
    assert browser.http.post("/login", data=data, headers=FOREIGN).status_code == 403
    assert browser.get("/account").status_code == 303


def test_d12_login_form_without_a_session_comes_again(world: OAuthWorld) -> None:
    browser = world.browser()
    data = {"csrf_token": "x", "username": "mei", "password": PASSWORD, "return_to": "/device"}
    page = browser.http.post("/login", data=data)
    assert page.status_code == 403
    response = browser.submit(page, "/login", password=PASSWORD)
    assert response.headers["location"] == "/device"


def test_d12_login_after_the_visitor_session_has_ended_signs_in(world: OAuthWorld) -> None:
    browser = world.browser()
    form = form_to(browser.get("/login").text, "/login")
    world.execute("DELETE FROM sessions")
    data = {**form.fields, "username": "mei", "password": PASSWORD}
    response = browser.http.post("/login", data=data, headers=own_origin(world, reported=True))
    assert response.status_code == 303
    assert "Mei Lin" in browser.get("/account").text


@pytest.mark.parametrize("reported", [OWN, UNKNOWN])
def test_d12_sign_out_in_a_signed_out_tab(world: OAuthWorld, reported: bool) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    tab = browser.get("/account")
    browser.submit(tab, "/logout")
    form = form_to(tab.text, "/logout")
    response = browser.http.post("/logout", data=form.fields, headers=own_origin(world, reported=reported))
    assert (response.status_code, response.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("reported", [OWN, UNKNOWN])
def test_d12_sign_out_in_a_tab_of_an_earlier_session(world: OAuthWorld, reported: bool) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    form = form_to(browser.get("/account").text, "/logout")
    browser.sign_in("mei", PASSWORD)
    response = browser.http.post("/logout", data=form.fields, headers=own_origin(world, reported=reported))
    assert response.status_code == 303
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("headers", [FOREIGN, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}])
def test_d12_sign_out_of_another_origin_is_refused(world: OAuthWorld, headers: dict[str, str]) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    form = form_to(browser.get("/account").text, "/logout")
    assert browser.http.post("/logout", data=form.fields, headers=headers).status_code == 403
    assert browser.get("/account").status_code == 200


@pytest.mark.parametrize("path", ["sign-out-everywhere", "consents/con_1/revoke", "decisions/dec_1/contest"])
def test_d12_form_of_a_signed_out_tab_leads_to_the_login_page(world: OAuthWorld, path: str) -> None:
    headers = own_origin(world, reported=True)
    response = world.browser().http.post(f"/account/{path}", data={"csrf_token": "x"}, headers=headers)
    assert (response.status_code, response.headers["location"]) == (303, "/login?return_to=%2Faccount")


def test_d12_answer_in_a_tab_of_another_person_is_refused(world: OAuthWorld) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(world.cars.push().json()["request_uri"]), "mei", PASSWORD)
    browser.sign_in("bo", PASSWORD)
    data = {**form_to(page.text, "/oauth/authorize").fields, "decision": "allow"}
    response = browser.http.post("/oauth/authorize", data=data, headers=own_origin(world, reported=True))
    assert response.status_code == 403
