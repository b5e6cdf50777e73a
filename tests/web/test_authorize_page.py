"""The consent page (RFC 6749 section 3.1, RFC 9126 section 4, RFC 9207, RFC 9700 section 4)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gateway.domain.money import Money
from gateway.store.consents.consents import CONSENTS
from gateway.store.oauth.requests import AUTHORIZATION_CODES
from gateway.store.outbox import OUTBOX
from tests.support.clock import MovableClock
from tests.support.factories import make_client
from tests.support.oauth import form_to, pkce, query_of
from tests.support.oauth_world import CALLBACK, PASSWORD, USER_SCOPES, OAuthWorld
from tests.support.units import reading, writing


def request_uri(world: OAuthWorld, **changed: Any) -> str:
    return str(world.cars.push(**changed).json()["request_uri"])


def assert_nothing_issued(world: OAuthWorld) -> None:
    with reading(world.database) as unit:
        assert unit.connection.execute(select(AUTHORIZATION_CODES)).all() == []
        assert unit.connection.execute(select(CONSENTS)).all() == []


def test_24_parameters_without_pushed_request_are_rejected(world: OAuthWorld) -> None:
    response = world.http().get("/oauth/authorize", params=world.cars.parameters(pkce()[1]))
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.parametrize(
    "uri", ["urn:ietf:params:oauth:request_uri:unknown", "https://evil.example/request", "", "é", "\x00"]
)
def test_25_26_unknown_request_uri_is_rejected(world: OAuthWorld, uri: str) -> None:
    response = world.browser().open(world.cars.address(uri), "mei", PASSWORD)
    assert response.status_code == 400
    assert "text/html" in response.headers["content-type"]


def test_25_foreign_request_is_rejected(world: OAuthWorld) -> None:
    response = world.browser().get(world.shop.address(request_uri(world)))
    assert response.status_code == 400


def test_25_request_of_other_client_of_merchant_is_rejected(world: OAuthWorld) -> None:
    with writing(world.database) as unit:
        sibling = make_client(unit, world.cars_id, redirect_uris=[CALLBACK], scopes=USER_SCOPES)
    address = world.cars.address(request_uri(world)).replace(world.cars.client_id, sibling)
    assert world.browser().get(address).status_code == 400


def test_25_repeated_parameters_are_rejected(world: OAuthWorld) -> None:
    uri = request_uri(world)
    assert world.browser().get(f"{world.cars.address(uri)}&request_uri={uri}").status_code == 400


def test_25_unopened_request_expires_after_90_seconds(world: OAuthWorld, clock: MovableClock) -> None:
    uri = request_uri(world)
    clock.advance(seconds=90)
    assert world.browser().get(world.cars.address(uri)).status_code == 400


def test_25_opened_request_is_valid_for_ten_minutes(world: OAuthWorld, clock: MovableClock) -> None:
    uri, browser = request_uri(world), world.browser()
    page = browser.open(world.cars.address(uri), "mei", PASSWORD)
    clock.advance(minutes=9)
    assert browser.get(world.cars.address(uri)).status_code == 200
    clock.advance(seconds=50)
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 303


def test_25_opened_request_expires_after_ten_minutes(world: OAuthWorld, clock: MovableClock) -> None:
    uri, browser = request_uri(world), world.browser()
    page = browser.open(world.cars.address(uri), "mei", PASSWORD)
    clock.advance(minutes=10)
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 400
    assert_nothing_issued(world)


def test_27_other_parameters_are_ignored(world: OAuthWorld) -> None:
    address = f"{world.cars.address(request_uri(world))}&redirect_uri=https://evil.example&scope=score:exact&state=x"
    browser = world.browser()
    page = browser.open(address, "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    assert location.startswith(CALLBACK + "?")
    assert query_of(location)["state"] == "a state"


def test_28_request_can_be_opened_twice_and_decided_once(world: OAuthWorld) -> None:
    uri, browser = request_uri(world), world.browser()
    first = browser.open(world.cars.address(uri), "mei", PASSWORD)
    second = browser.get(world.cars.address(uri))
    assert second.status_code == 200
    assert browser.submit(first, "/oauth/authorize", decision="deny").status_code == 303
    assert query_of(browser.submit(second, "/oauth/authorize", decision="allow").headers["location"])["error"]
    assert browser.get(world.cars.address(uri)).status_code == 400
    assert_nothing_issued(world)


@pytest.mark.parametrize("state", ["a state", "s" * 3000, "a&b=c+d%20\"'<>", None])
def test_29_allowed_request_redirects_with_code(world: OAuthWorld, state: str | None) -> None:
    back, verifier = world.cars.ask(world.browser(), "mei", PASSWORD, state=state)
    assert back["iss"] == world.container.settings.issuer
    assert back.get("state") == state
    assert set(back) == {"code", "iss"} | ({"state"} if state else set())
    assert world.cars.redeem(back["code"], verifier).status_code == 200


def test_30_denied_request_redirects_with_error(world: OAuthWorld) -> None:
    back, _ = world.cars.ask(world.browser(), "mei", PASSWORD, decision="deny")
    assert back["error"] == "access_denied"
    assert (back["state"], back["iss"]) == ("a state", world.container.settings.issuer)
    assert "code" not in back
    assert_nothing_issued(world)


@pytest.mark.parametrize("token", ["", "wrong", "é", "other session"])
def test_31_csrf_token_is_required(world: OAuthWorld, token: str) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    if token == "other session":
        token = form_to(world.browser().get("/login").text, "/login").fields["csrf_token"]
    response = browser.submit(page, "/oauth/authorize", decision="allow", csrf_token=token)
    assert response.status_code == 403
    assert_nothing_issued(world)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_31_form_of_other_origin_is_rejected(world: OAuthWorld, headers: dict[str, str]) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    form = form_to(page.text, "/oauth/authorize")
    response = browser.http.post(form.action, data={**form.fields, "decision": "allow"}, headers=headers)
    assert response.status_code == 403
    assert_nothing_issued(world)


def test_31_visitor_cannot_decide(world: OAuthWorld) -> None:
    browser = world.browser()
    token = form_to(browser.get("/login").text, "/login").fields["csrf_token"]
    data = {"csrf_token": token, "client_id": world.cars.client_id, "request_uri": request_uri(world)}
    assert browser.http.post("/oauth/authorize", data={**data, "decision": "allow"}).status_code == 403
    assert_nothing_issued(world)


@pytest.mark.parametrize("decision", ["", "ALLOW", "maybe"])
def test_unknown_decision_is_rejected(world: OAuthWorld, decision: str) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    assert browser.submit(page, "/oauth/authorize", decision=decision).status_code == 400
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 303


def test_32_page_has_security_headers(world: OAuthWorld) -> None:
    page = world.browser().open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "same-origin"
    assert "<script" not in page.text
    assert 'src="http' not in page.text
    assert 'style="' not in page.text


def test_34_page_shows_merchant_parts_purpose_and_duration(world: OAuthWorld) -> None:
    details = [
        {"type": "score", "level": "tier"},
        {
            "type": "decision",
            "products": ["DEPOSIT_WAIVER"],
            "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
            "duration": "P30D",
        },
    ]
    uri = request_uri(world, scope=None, authorization_details=details)
    text = world.browser().open(world.cars.address(uri), "mei", PASSWORD).text
    for expected in (
        "Green Cars</bdi> asks for your permission",
        "Green Cars app",
        "See your credit tier, not the number",
        "no deposit or a smaller one",
        "CN¥3,000",
        "decide on the deposit for renting a car",
        "The terms of a decision can reveal your tier to the merchant.",
        "December 23, 2026 (30 days)",
        "February 21, 2027 (90 days)",
        "at any time on your account page",
        "Mei Lin",
    ):
        assert expected in text, expected


def test_34_preview_is_shown_as_preview(world: OAuthWorld) -> None:
    text = world.browser().open(world.cars.address(request_uri(world, scope="decisions:preview")), "mei", PASSWORD).text
    assert "without deciding anything" in text
    assert "Ask for decisions about you" not in text


def test_34_names_are_escaped(world: OAuthWorld) -> None:
    world.change_merchant(name="<script>alert(1)</script> %(n)s")
    text = world.browser().open(world.cars.address(request_uri(world)), "mei", PASSWORD).text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "%(n)s" in text


def test_34_shown_request_is_granted(world: OAuthWorld) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    world.change_merchant(ceiling_minor=Money(100, "CNY").minor)
    assert browser.submit(page, "/oauth/authorize", decision="allow").status_code == 400
    assert_nothing_issued(world)


def test_every_request_is_shown(world: OAuthWorld) -> None:
    browser = world.browser()
    world.cars.ask(browser, "mei", PASSWORD)
    page = browser.get(world.cars.address(request_uri(world)))
    assert page.status_code == 200
    assert "asks for your permission" in page.text


def test_user_of_other_partner_is_rejected(world: OAuthWorld) -> None:
    browser = world.browser()
    page = browser.open(world.cars.address(request_uri(world)), "otto", PASSWORD)
    assert page.status_code == 403
    assert form_to(page.text, "/logout").fields["csrf_token"]
    assert_nothing_issued(world)


def test_form_of_user_of_other_partner_is_rejected(world: OAuthWorld) -> None:
    browser = world.browser()
    browser.sign_in("otto", PASSWORD)
    token = form_to(browser.get("/account").text, "/logout").fields["csrf_token"]
    data = {"csrf_token": token, "client_id": world.cars.client_id, "request_uri": request_uri(world)}
    assert browser.http.post("/oauth/authorize", data={**data, "decision": "allow"}).status_code == 403
    assert_nothing_issued(world)


def test_merchant_gets_event(world: OAuthWorld) -> None:
    world.cars.ask(world.browser(), "mei", PASSWORD)
    with reading(world.database) as unit:
        message = unit.connection.execute(select(OUTBOX)).one()
        consent = unit.connection.execute(select(CONSENTS)).one()
        assert (message.topic, message.aggregate_id) == ("CONSENT_GRANTED", consent.id)
        assert consent.user_id not in str(message.payload)
        assert consent.expires_at == consent.granted_at + timedelta(days=90)


def test_d2_pages_before_a_redirect_have_no_form_action(world: OAuthWorld) -> None:
    browser = world.browser()
    login = browser.get("/login")
    consent = browser.open(world.cars.address(request_uri(world)), "mei", PASSWORD)
    again = browser.submit(consent, "/oauth/authorize", decision="allow", amount_1="junk")
    assert again.status_code == 422
    for page in (login, consent, again, browser.get("/device")):
        assert "form-action" not in page.headers["content-security-policy"]
    assert "form-action 'self'" in browser.get("/account").headers["content-security-policy"]
