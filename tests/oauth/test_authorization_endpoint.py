"""The authorization endpoint with requests of a fapi2 client, and the headers of its responses."""

import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx2
import pytest
from sqlalchemy import select

from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.requests import AUTHORIZATION_CODES
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp
from tests.support.oauth import Browser, form_to, pkce, query_of
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.units import reading

AUTHORIZE = "/oauth/authorize"
EVIL = "https://evil.example"


def push_request(app: FapiApp, **changed: Any) -> str:
    response = app.push(**changed)
    assert response.status_code == 201, response.text
    return str(response.json()["request_uri"])


def assert_error_page(response: httpx2.Response, status: int = 400) -> None:
    """Asserts that this is an error page without a redirect."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "location" not in response.headers
    assert "refresh" not in response.headers
    assert EVIL not in response.text
    assert "http-equiv" not in response.text


def assert_nothing_issued(world: OAuthWorld) -> None:
    with reading(world.database) as unit:
        assert unit.connection.execute(select(AUTHORIZATION_CODES)).all() == []
        assert unit.connection.execute(select(CONSENTS)).all() == []


def test_24_parameters_without_pushed_request_are_rejected(world: OAuthWorld) -> None:
    whole = world.bank.parameters(pkce()[1])
    for more in ({}, {"redirect_uri": EVIL}, {"request": world.bank.assertion()}):
        assert_error_page(world.http().get(AUTHORIZE, params={**whole, **more}))
    assert_error_page(world.http().get(AUTHORIZE))


def test_25_unusable_request_uris_are_rejected(each_world: OAuthWorld, clock: MovableClock) -> None:
    world, bank, browser = each_world, each_world.bank, each_world.browser()
    browser.sign_in("mei", PASSWORD)
    uri = push_request(bank)
    for other in (world.rival, world.cars, world.shop):
        assert_error_page(browser.get(other.address(uri)))
    for unknown in (uri + "x", uri[:-1], uri.upper(), uri.rsplit(":", 1)[1], " " + uri, "urn:x", "javascript:alert(1)"):
        assert_error_page(browser.get(bank.address(unknown)))
    clock.advance(seconds=90)
    assert_error_page(browser.get(bank.address(uri)))
    used = push_request(bank)
    assert browser.submit(browser.get(bank.address(used)), AUTHORIZE, decision="deny").status_code == 303
    assert_error_page(browser.get(bank.address(used)))
    assert_nothing_issued(world)


def test_25_code_is_rejected_as_request_uri(world: OAuthWorld) -> None:
    back, _ = world.bank.ask(world.browser(), "mei", PASSWORD)
    assert_error_page(world.browser().get(world.bank.address(back["code"])))


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.setblocking(False)
        yield listening


def test_26_request_uri_is_never_fetched(world: OAuthWorld, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    browser = world.browser()
    browser.sign_in("mei", PASSWORD)
    for scheme in ("http", "https", "file", "ftp"):
        assert_error_page(browser.get(world.bank.address(f"{scheme}://127.0.0.1:{port}/request")))
        world.bank.push(request_uri=f"{scheme}://127.0.0.1:{port}/request")
        world.bank.push(redirect_uri=f"{scheme}://127.0.0.1:{port}/callback")
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_27_parameters_outside_pushed_request_are_ignored(world: OAuthWorld) -> None:
    changed = {"redirect_uri": EVIL, "scope": "score:exact", "state": "x", "code_challenge": "x", "dpop_jkt": "x"}
    browser = world.browser()
    verifier, challenge = pkce()
    uri = push_request(world.bank, challenge=challenge)
    address = str(httpx2.URL(world.bank.address(uri)).copy_merge_params({**changed, "prompt": "none"}))
    page = browser.open(address, "mei", PASSWORD)
    form = form_to(page.text, AUTHORIZE)
    response = browser.http.post(form.action, params=changed, data={**form.fields, **changed, "decision": "allow"})
    location = response.headers["location"]
    assert location.startswith(CALLBACK + "?")
    assert query_of(location)["state"] == "a state"
    tokens = world.bank.redeem(query_of(location)["code"], verifier).json()
    assert tokens["scope"] == "score:tier decisions:request"


def test_28_request_can_be_opened_twice_and_decided_once(each_world: OAuthWorld) -> None:
    browser, bank = each_world.browser(), each_world.bank
    uri = push_request(bank)
    first = browser.open(bank.address(uri), "mei", PASSWORD)
    second = browser.get(bank.address(uri))
    assert second.status_code == 200
    allowed = browser.submit(first, AUTHORIZE, decision="allow")
    assert allowed.status_code == 303
    assert browser.submit(second, AUTHORIZE, decision="deny").headers["location"] == allowed.headers["location"]
    assert_error_page(browser.get(bank.address(uri)))


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_29_30_decision_redirects_with_303(world: OAuthWorld, decision: str) -> None:
    browser, bank = world.browser(), world.bank
    page = browser.open(bank.address(push_request(bank)), "mei", PASSWORD)
    response = browser.submit(page, AUTHORIZE, decision=decision)
    assert response.status_code == 303
    assert response.headers["location"].startswith(CALLBACK + "?")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    back = query_of(response.headers["location"])
    assert (back["iss"], back["state"]) == (bank.issuer, "a state")
    if decision == "deny":
        assert set(back) - {"error_description"} == {"error", "state", "iss"}
        assert back["error"] == "access_denied"
        assert_nothing_issued(world)
    else:
        assert set(back) == {"code", "state", "iss"}


def test_31_foreign_form_is_rejected(world: OAuthWorld) -> None:
    browser, bank = world.browser(), world.bank
    page = browser.open(bank.address(push_request(bank)), "mei", PASSWORD)
    form = form_to(page.text, AUTHORIZE)
    other = world.browser()
    other.sign_in("bo", PASSWORD)
    foreign = form_to(other.get("/account").text, "/logout").fields["csrf_token"]
    without = {name: value for name, value in form.fields.items() if name != "csrf_token"}
    for fields in (without, {**without, "csrf_token": foreign}, {**without, "csrf_token": ""}):
        assert_error_page(browser.http.post(form.action, data={**fields, "decision": "allow"}), 403)
    assert_error_page(
        other.http.post(form.action, data={**form.fields, "decision": "allow"}), 403
    )  # the session of another person
    assert_error_page(world.http().post(form.action, data={**form.fields, "decision": "allow"}), 403)  # no session
    assert_nothing_issued(world)
    assert browser.submit(page, AUTHORIZE, decision="allow").status_code == 303


def pages(world: OAuthWorld) -> dict[str, httpx2.Response]:
    """One page of each kind: login, consent and error pages."""
    bank, browser = world.bank, world.browser()
    shown = {"login": browser.get("/login"), "consent": browser.open(bank.address(push_request(bank)), "mei", PASSWORD)}
    for name, address in (("account", "/account"), ("device", "/device"), ("error", AUTHORIZE), ("none", "/device/x")):
        shown[name] = browser.get(address, headers={"Accept": "text/html"})
    shown["wrong password"] = Browser(world.http()).sign_in("mei", "wrong")
    return shown


def test_32_pages_have_security_headers(world: OAuthWorld) -> None:
    for name, page in pages(world).items():
        policy = page.headers["content-security-policy"]
        assert "text/html" in page.headers["content-type"], name
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "base-uri 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert "*" not in policy, name
        assert page.headers["cache-control"] == "no-store", name
        assert page.headers["x-content-type-options"] == "nosniff", name
        # With no-referrer browsers would send "Origin: null" with our own forms.
        assert page.headers["referrer-policy"] in {"no-referrer", "same-origin"}, name
        assert "<script" not in page.text, name
        for attribute in ('src="http', 'src="//', 'action="http', 'style="', 'href="http'):
            assert attribute not in page.text, name


PATHS = (
    *("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/login", "/device"),
    *(f"/oauth/{name}" for name in ("authorize", "par", "token", "revoke", "introspect", "device_authorization")),
    *(f"/oauth/{name}" for name in ("register", "register/x", "jwks", "grants/x")),
)


@pytest.mark.parametrize("path", PATHS)
def test_33_endpoints_send_no_cors_headers(world: OAuthWorld, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"}
    for method in ("GET", "POST", "OPTIONS"):
        response = world.http().request(
            method, path, headers={"Origin": EVIL, **(asked if method == "OPTIONS" else {})}
        )
        assert response.status_code != 404
        assert [name for name in response.headers if name.startswith("access-control-")] == []


def test_33_successful_responses_have_no_cors_headers(world: OAuthWorld) -> None:
    bank = world.bank
    bank.http.headers["Origin"] = EVIL
    for response in (bank.push(), bank.merchant_token(), bank.revoke("x")):
        assert response.status_code in {200, 201}
        assert [name for name in response.headers if name.startswith("access-control-")] == []
