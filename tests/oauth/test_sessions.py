"""Browser sessions: cookies, protection against session fixation, and the end of a session."""

from http.cookies import Morsel, SimpleCookie

import httpx2
import pytest
from sqlalchemy import select

from gateway.kit.crypto import digest
from gateway.store.identity.sessions import SESSIONS
from tests.support.clock import MovableClock
from tests.support.oauth import Browser, form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading


def cookies(response: httpx2.Response) -> dict[str, Morsel[str]]:
    """The cookies that a response sets, with their attributes."""
    found: dict[str, Morsel[str]] = {}
    for header in response.headers.get_list("set-cookie"):
        found.update(SimpleCookie(header))
    return found


def test_35_cookies_over_http(world: OAuthWorld) -> None:
    found = cookies(world.browser().sign_in("mei", PASSWORD))
    assert set(found) == {"sesame_session", "sesame_device"}
    for cookie in found.values():
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "lax", "/")
        assert (cookie["secure"], cookie["domain"]) == ("", "")
    assert found["sesame_session"]["max-age"] == ""  # ends with the browser
    assert int(found["sesame_device"]["max-age"]) >= 180 * 86400


def test_35_cookies_over_https(https_world: OAuthWorld) -> None:
    found = cookies(https_world.browser().sign_in("mei", PASSWORD))
    assert set(found) == {"__Host-sesame_session", "__Host-sesame_device"}
    for cookie in found.values():  # a browser requires this for the prefix (RFC 6265bis section 4.1.3.2)
        assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
        assert (cookie["httponly"], cookie["samesite"]) == (True, "lax")


def test_35_cookie_without_prefix_is_ignored_over_https(https_world: OAuthWorld) -> None:
    browser = https_world.browser()
    browser.sign_in("mei", PASSWORD)
    assert browser.get("/account").status_code == 200
    secret = browser.http.cookies["__Host-sesame_session"]
    other = https_world.http()
    assert other.get("/account", headers={"Cookie": f"sesame_session={secret}"}).status_code == 303


def test_35_cookies_do_not_identify_person(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    with reading(world.database) as unit:
        user_id = unit.connection.execute(select(SESSIONS.c.user_id).where(SESSIONS.c.user_id != None)).scalar_one()  # noqa: E711
    for value in browser.http.cookies.values():
        assert "mei" not in value.lower()
        assert str(user_id) not in value


def test_35_session_from_before_login_is_invalid_after_login(both_world: OAuthWorld) -> None:
    attacker, victim = both_world.browser(), both_world.browser()
    attacker.get("/login")
    planted = attacker.http.cookies["sesame_session"]
    victim.http.cookies.set("sesame_session", planted, domain="127.0.0.1", path="/")
    page = victim.get("/login")
    assert victim.http.cookies["sesame_session"] == planted
    victim.submit(page, "/login", username="mei", password=PASSWORD)
    assert victim.http.cookies["sesame_session"] != planted
    assert victim.get("/account").status_code == 200
    assert attacker.get("/account").status_code == 303


def test_35_unknown_session_is_not_adopted(both_world: OAuthWorld) -> None:
    browser = both_world.browser()
    browser.http.cookies.set("sesame_session", "chosen-by-an-attacker", domain="127.0.0.1", path="/")
    browser.sign_in("mei", PASSWORD)
    assert browser.http.cookies["sesame_session"] != "chosen-by-an-attacker"
    with reading(both_world.database) as unit:
        assert unit.sessions.load(digest("chosen-by-an-attacker")) is None


def test_35_csrf_tokens_change_at_login_and_end_with_session(both_world: OAuthWorld) -> None:
    browser = both_world.browser()
    tokens = [form_to(browser.get("/login").text, "/login").fields["csrf_token"]]
    for _ in range(2):
        browser.sign_in("mei", PASSWORD)
        tokens.append(form_to(browser.get("/account").text, "/logout").fields["csrf_token"])
    assert len(set(tokens)) == 3
    for old in tokens[:2]:
        assert browser.http.post("/account/sign-out-everywhere", data={"csrf_token": old}).status_code == 403
    assert browser.get("/account").status_code == 200
    assert browser.http.post("/logout", data={"csrf_token": tokens[2]}).status_code == 303


def test_35_idle_and_absolute_limits(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=29, seconds=59)
    assert browser.get("/account").status_code == 200
    clock.advance(minutes=29, seconds=59)
    assert browser.get("/account").status_code == 200  # the visit extended the limit
    for _ in range(22):
        clock.advance(minutes=29, seconds=59)
        assert browser.get("/account").status_code == 200
    clock.advance(seconds=23)  # 11:59:59 after the login
    assert browser.get("/account").status_code == 200
    clock.advance(seconds=1)
    assert browser.get("/account").status_code == 303


def test_35_idle_session_ends(both_world: OAuthWorld, clock: MovableClock) -> None:
    browser = both_world.browser()
    browser.sign_in("mei", PASSWORD)
    clock.advance(minutes=30)
    assert browser.get("/account").status_code == 303


def test_35_sign_out_everywhere_ends_all_sessions(both_world: OAuthWorld, clock: MovableClock) -> None:
    idle, other, own, strangers = (both_world.browser() for _ in range(4))
    idle.sign_in("mei", PASSWORD)
    clock.advance(minutes=30)
    for browser, username in ((other, "mei"), (own, "mei"), (strangers, "bo")):
        browser.sign_in(username, PASSWORD)
    page = own.get("/account")
    response = own.submit(page, "/account/sign-out-everywhere")
    assert response.status_code == 303
    assert own.get(response.headers["location"]).text.count("Sessions ended: 2.") == 1
    assert [browser.get("/account").status_code for browser in (own, other, strangers)] == [303, 303, 200]
    assert own.http.post("/account/sign-out-everywhere", data={"csrf_token": "x"}).status_code == 403
    assert own.sign_in("mei", PASSWORD).status_code == 303
    assert own.get("/account").status_code == 200


def test_35_sign_out_everywhere_requires_csrf_token(world: OAuthWorld) -> None:
    browser: Browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    assert browser.http.post("/account/sign-out-everywhere", data={"csrf_token": ""}).status_code == 403
    assert browser.get("/account").status_code == 200
    visitor = world.browser()
    token = form_to(visitor.get("/login").text, "/login").fields["csrf_token"]
    assert visitor.http.post("/account/sign-out-everywhere", data={"csrf_token": token}).status_code == 403


@pytest.mark.parametrize("ended", ["x", "-1", "1" * 30, "<b>"])
def test_invalid_count_of_ended_sessions_is_ignored(world: OAuthWorld, ended: str) -> None:
    page = world.http().get("/login", params={"ended": ended})
    assert page.status_code == 200
    assert "Sessions ended" not in page.text
