"""Sign-in, sign-out, and the lifetime of a session."""

from contextlib import closing

import pytest

from gateway.kit.crypto import digest
from gateway.settings import Settings
from gateway.store.identity.users import USERS
from gateway.web.site.redirects import local_address
from tests.support.clock import NOON, MovableClock
from tests.support.oauth import form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading, writing


def test_sign_in_and_out(world: OAuthWorld) -> None:
    browser = world.browser()
    assert browser.get("/account").headers["location"] == "/login?return_to=%2Faccount"
    response = browser.sign_in("mei", PASSWORD)
    assert (response.status_code, response.headers["location"]) == (303, "/account")
    page = browser.get("/account")
    assert "Mei Lin" in page.text
    assert browser.submit(page, "/logout").status_code == 303
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize(
    ("username", "password"),
    [("mei", "wrong"), ("nobody", PASSWORD), ("", ""), ("mei", ""), ("é" * 300, "é" * 3000), ("Mei", PASSWORD)],
)
def test_wrong_password_is_rejected(world: OAuthWorld, username: str, password: str) -> None:
    browser = world.browser()
    response = browser.sign_in(username, password)
    assert response.status_code == 400
    assert "Wrong username or password" in response.text
    assert PASSWORD not in response.text
    assert browser.get("/account").status_code == 303


def test_username_is_escaped(world: OAuthWorld) -> None:
    assert "<b>" not in world.browser().sign_in('"><b>', "wrong").text


def test_disabled_user_is_rejected(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    with writing(world.database) as unit:
        unit.connection.execute(USERS.update().where(USERS.c.username == "mei").values(disabled_at=NOON))
    assert browser.get("/account").status_code == 303
    assert world.browser().sign_in("mei", PASSWORD).status_code == 400


def test_35_login_replaces_session(world: OAuthWorld) -> None:
    browser = world.browser()
    before = form_to(browser.get("/login").text, "/login").fields["csrf_token"]
    visitor = browser.http.cookies["sesame_session"]
    browser.sign_in("mei", PASSWORD)
    secret = browser.http.cookies["sesame_session"]
    after = form_to(browser.get("/account").text, "/logout").fields["csrf_token"]
    assert visitor != secret
    assert before != after
    with reading(world.database) as unit:
        assert unit.sessions.load(digest(visitor)) is None  # visitors have no row
        assert unit.sessions.load(secret) is None  # only digests are stored
    old = world.browser()
    old.http.cookies.set("sesame_session", visitor)
    assert old.get("/account").status_code == 303


def test_35_session_cookie(world: OAuthWorld) -> None:
    cookie = world.browser().get("/login").headers["set-cookie"]
    assert cookie.startswith("sesame_session=")
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Domain" not in cookie


def test_35_session_cookie_over_https(sqlite_url: str, settings: Settings, clock: MovableClock) -> None:
    secure = settings.model_copy(update={"issuer": "https://gateway.example"})
    with closing(OAuthWorld(sqlite_url, secure, clock)) as https:
        response = https.browser().get("/login")
    assert response.headers["set-cookie"].startswith("__Host-sesame_session=")
    assert "Secure" in response.headers["set-cookie"]
    assert "strict-transport-security" in response.headers


def test_idle_session_ends(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    for _ in range(3):
        clock.advance(minutes=29)
        assert browser.get("/account").status_code == 200
    clock.advance(minutes=30)
    assert browser.get("/account").status_code == 303


def test_busy_session_ends(world: OAuthWorld, clock: MovableClock) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    for _ in range(12 * 3 - 1):
        clock.advance(minutes=20)
        assert browser.get("/account").status_code == 200
    clock.advance(minutes=20)
    assert browser.get("/account").status_code == 303


@pytest.mark.parametrize("cookie", ["x", "x" * 5000, "%00"])
def test_invalid_cookie_is_ignored(world: OAuthWorld, cookie: str) -> None:
    browser = world.browser()
    browser.http.cookies.set("sesame_session", cookie)
    assert browser.get("/account").status_code == 303
    assert browser.sign_in("mei", PASSWORD).status_code in {303, 403}


def test_login_requires_csrf_token(world: OAuthWorld) -> None:
    response = world.http().post("/login", data={"username": "mei", "password": PASSWORD})
    assert response.status_code == 403


def test_login_form_of_other_origin_is_rejected(world: OAuthWorld) -> None:
    browser = world.browser()
    form = form_to(browser.get("/login").text, "/login")
    data = {**form.fields, "username": "mei", "password": PASSWORD}
    response = browser.http.post("/login", data=data, headers={"Origin": "https://evil.example"})
    assert response.status_code == 403


def test_own_login_form_is_accepted(world: OAuthWorld) -> None:
    browser = world.browser()
    form = form_to(browser.get("/login").text, "/login")
    data = {**form.fields, "username": "mei", "password": PASSWORD}
    response = browser.http.post("/login", data=data, headers={"Origin": world.container.settings.issuer})
    assert response.status_code == 303


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_login_requires_form(world: OAuthWorld, content_type: str) -> None:
    response = world.http().post("/login", content=b"{}", headers={"Content-Type": content_type})
    assert response.status_code == 415
    assert "text/html" in response.headers["content-type"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/oauth/authorize?client_id=a&request_uri=urn%3Ab", "/oauth/authorize?client_id=a&request_uri=urn%3Ab"),
        ("/account", "/account"),
        ("https://evil.example", "/account"),
        ("//evil.example/account", "/account"),
        ("/\\evil.example", "/account"),
        ("/account\r\nX: y", "/account"),
        ("/graphql", "/account"),
        ("javascript:alert(1)", "/account"),
        ("/oauth/authorize/../../x", "/account"),
        (None, "/account"),
    ],
)
def test_login_leads_to_own_pages_only(address: str | None, expected: str) -> None:
    assert local_address(address) == expected


def test_foreign_return_address_is_ignored(world: OAuthWorld) -> None:
    browser = world.browser()
    response = browser.sign_in("mei", PASSWORD, "/login?return_to=https://evil.example/")
    assert response.headers["location"] == "/account"
