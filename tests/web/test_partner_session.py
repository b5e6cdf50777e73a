"""The sign-in link of a partner and its session."""

from contextlib import closing
from datetime import timedelta

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.services.sandbox.partner_sessions import LINK_LIFE
from gateway.settings import EnvironmentName, Settings
from tests.support.clock import MovableClock
from tests.support.oauth import Browser
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.partner_pages import SIGN_IN, make_sign_in_token, signed_in_partner

COMMAND = "gateway sandbox partner link"


def link(world: OAuthWorld) -> str:
    return f"{SIGN_IN}?token={make_sign_in_token(world.container, world.partner_id)}"


def is_signed_in(browser: Browser) -> bool:
    return "/partners/sign-out" in browser.get("/").text


def test_link_signs_in_and_leads_to_the_first_page(world: OAuthWorld) -> None:
    browser = world.browser()
    response = browser.get(link(world))
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    (cookie,) = response.headers.get_list("set-cookie")
    assert cookie.startswith("sesame_partner=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert is_signed_in(browser)


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("/partners", "/partners"),
        ("/", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/account", "/"),
        ("", "/"),
    ],
)
def test_link_leads_to_pages_of_partners_only(world: OAuthWorld, wanted: str, place: str) -> None:
    assert world.browser().get(f"{link(world)}&next={wanted}").headers["location"] == place


def test_used_link_says_which_command_prints_a_new_one(world: OAuthWorld) -> None:
    address = link(world)
    world.browser().get(address)
    other = world.browser()
    response = other.get(address)
    assert response.status_code == 410
    assert "It works only once" in response.text
    assert COMMAND in response.text
    assert not is_signed_in(other)


def test_used_link_works_in_the_browser_that_has_its_session(world: OAuthWorld) -> None:
    browser, address = world.browser(), link(world)
    browser.get(address)
    assert browser.get(address).headers["location"] == "/"
    browser.http.cookies.clear()
    assert browser.get(address).status_code == 410


def test_expired_link_says_which_command_prints_a_new_one(world: OAuthWorld, clock: MovableClock) -> None:
    address = link(world)
    clock.advance(LINK_LIFE)
    response = world.browser().get(address)
    assert response.status_code == 410
    assert "The link has expired" in response.text
    assert COMMAND in response.text


@pytest.mark.parametrize("token", ["x", "sgw_test_pl_" + "a" * 43, "x" * 5000, "%00", "%ff"])
def test_unknown_token_is_not_found(world: OAuthWorld, token: str) -> None:
    response = world.browser().get(f"{SIGN_IN}?token={token}")
    assert response.status_code == 404
    assert COMMAND in response.text


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Purpose": "prefetch;prerender"}])
def test_link_that_a_person_did_not_open_asks_first(world: OAuthWorld, headers: dict[str, str]) -> None:
    browser = world.browser()
    page = browser.get(f"{link(world)}&next=/partners", headers=headers)
    assert page.status_code == 200
    assert not is_signed_in(browser)
    assert browser.submit(page, SIGN_IN).headers["location"] == "/partners"
    assert is_signed_in(browser)


def test_other_website_cannot_sign_in(world: OAuthWorld) -> None:
    token = make_sign_in_token(world.container, world.partner_id)
    browser = world.browser()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}):
        assert browser.http.post(SIGN_IN, data={"token": token}, headers=headers).status_code == 403
    assert not is_signed_in(browser)


def test_head_does_not_use_the_link_up(world: OAuthWorld) -> None:
    browser, address = world.browser(), link(world)
    assert browser.http.head(address).status_code == 200
    assert browser.get(address).status_code == 303


def test_session_is_stored_without_its_secrets(world: OAuthWorld) -> None:
    browser, token = world.browser(), make_sign_in_token(world.container, world.partner_id)
    with capture_logs() as logs:
        browser.get(f"{SIGN_IN}?token={token}")
        browser.get(f"{SIGN_IN}?token={token}")
    stored = str(world.rows("SELECT * FROM sign_in_links") + world.rows("SELECT * FROM partner_sessions"))
    for secret in (token, browser.http.cookies["sesame_partner"]):
        assert secret not in stored
        assert secret not in str(logs)


def test_sign_out_ends_the_session(world: OAuthWorld) -> None:
    browser = signed_in_partner(world)
    cookie = browser.http.cookies["sesame_partner"]
    response = browser.submit(browser.get("/"), "/partners/sign-out")
    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert "sesame_partner" not in browser.http.cookies
    browser.http.cookies.set("sesame_partner", cookie)
    assert not is_signed_in(browser)


def test_sign_out_needs_the_csrf_token(world: OAuthWorld) -> None:
    browser = signed_in_partner(world)
    assert browser.http.post("/partners/sign-out", data={"csrf_token": "x"}).status_code == 403
    assert is_signed_in(browser)


def test_form_without_a_session_leads_to_the_page_about_signing_in(world: OAuthWorld) -> None:
    response = world.http().post("/partners/sign-out", data={"csrf_token": "x"})
    assert (response.status_code, response.headers["location"]) == (303, SIGN_IN)


def test_session_ends_after_its_life(world: OAuthWorld, clock: MovableClock) -> None:
    browser = signed_in_partner(world)
    clock.advance(world.container.settings.session_life - timedelta(seconds=1))
    assert is_signed_in(browser)
    clock.advance(timedelta(seconds=1))
    assert not is_signed_in(browser)


def test_new_link_ends_the_session_before_it(world: OAuthWorld) -> None:
    browser = signed_in_partner(world)
    cookie = browser.http.cookies["sesame_partner"]
    browser.get(link(world))
    other = world.browser()
    other.http.cookies.set("sesame_partner", cookie)
    assert not is_signed_in(other)
    assert is_signed_in(browser)


def test_sessions_of_persons_and_partners_are_separate(world: OAuthWorld) -> None:
    browser = signed_in_partner(world)
    assert browser.get("/account").status_code == 303
    browser.sign_in("mei", PASSWORD)
    assert browser.get("/account").status_code == 200
    browser.http.cookies.delete("sesame_partner")
    assert not is_signed_in(browser)


def test_page_about_signing_in_names_the_partner_of_the_session(world: OAuthWorld) -> None:
    assert COMMAND in world.browser().get(SIGN_IN).text
    name = world.rows(f"SELECT name FROM partners WHERE id = '{world.partner_id}'")[0][0]
    assert name in signed_in_partner(world).get(SIGN_IN).text


def test_cookie_of_a_sandbox_with_tls_is_bound_to_the_host(settings: Settings, sqlite_url: str) -> None:
    changed = settings.model_copy(update={"issuer": "https://sandbox.example"})
    with closing(OAuthWorld(sqlite_url, changed, MovableClock())) as world:
        (cookie,) = world.browser().get(link(world)).headers.get_list("set-cookie")
    assert cookie.startswith("__Host-sesame_partner=")
    assert "Secure" in cookie.split("; ")


def test_live_deployment_has_no_sessions_of_partners(settings: Settings, sqlite_url: str) -> None:
    live = {"environment": EnvironmentName.LIVE, "issuer": "https://gateway.example", "database_url": sqlite_url}
    with closing(build(settings.model_copy(update=live))) as container:
        client = TestClient(create_app(container))
        for path in (SIGN_IN, "/partners", "/partners/sign-out"):
            assert client.get(path).status_code == 404
        assert "For the operator" in client.get("/").text
        assert "gateway sandbox" not in client.get("/").text
