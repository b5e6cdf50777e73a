"""The authorization code at the token endpoint (RFC 6749 section 4.1.3)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway.domain.identity.client import BASELINE
from gateway.store.identity.users import USERS
from tests.support.clock import NOON, MovableClock
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing


def new_code(world: OAuthWorld, profile: str = BASELINE) -> tuple[str, str]:
    """A new code and its verifier."""
    back, verifier = world.own_app(profile).ask(world.browser(), "mei", PASSWORD)
    return back["code"], verifier


def assert_refused(response: Any, error: str = "invalid_grant") -> None:
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    assert response.headers["cache-control"] == "no-store"


def test_43_token_response(world: OAuthWorld) -> None:
    code, verifier = new_code(world)
    response = world.cars.redeem(code, verifier)
    body = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert code.startswith("sgw_test_ac_")
    assert body["access_token"].startswith("sgw_test_at_")
    assert body["refresh_token"].startswith("sgw_test_rt_")
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 12 * 3600)
    assert body["scope"] == "score:tier decisions:request"
    assert {detail["type"] for detail in body["authorization_details"]} == {"score", "decision"}
    assert world.cars.call(body["access_token"]).json()["kind"] == "user"


def test_36_reused_code_revokes_its_tokens(each_world: OAuthWorld, profile: str) -> None:
    app = each_world.own_app(profile)
    code, verifier = new_code(each_world, profile)
    first = app.redeem(code, verifier).json()
    second = app.refresh(first["refresh_token"]).json()
    assert_refused(app.redeem(code, verifier))
    for token in (first["access_token"], second["access_token"]):
        assert app.call(token).status_code == 401
    for tokens in (first, second):  # a fapi2 client keeps its refresh token
        if "refresh_token" in tokens:
            assert_refused(app.refresh(tokens["refresh_token"]))


@pytest.mark.parametrize("changed", [{"code_verifier": "x" * 43}, {"redirect_uri": "https://client.example/other"}])
def test_36_incomplete_replay_revokes_too(world: OAuthWorld, profile: str, changed: dict[str, str]) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    tokens = app.redeem(code, verifier).json()
    assert_refused(app.redeem(code, verifier, **changed))
    assert app.call(tokens["access_token"]).status_code == 401


def test_37_code_expires_after_60_seconds(each_world: OAuthWorld, clock: MovableClock, profile: str) -> None:
    app = each_world.own_app(profile)
    code, verifier = new_code(each_world, profile)
    clock.advance(seconds=60)
    assert_refused(app.redeem(code, verifier))


def test_37_code_is_valid_just_before_expiry(world: OAuthWorld, clock: MovableClock, profile: str) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    clock.advance(seconds=59)
    assert app.redeem(code, verifier).status_code == 200


@pytest.mark.parametrize("verifier", [None, "short", "x" * 43, "é" * 43, '"' * 50, "x" * 129])
def test_38_wrong_verifier_is_rejected(world: OAuthWorld, verifier: str | None, profile: str) -> None:
    app = world.own_app(profile)
    code, _ = new_code(world, profile)
    assert_refused(app.redeem(code, verifier))


def test_38_wrong_verifier_does_not_use_up_code(each_world: OAuthWorld, profile: str) -> None:
    app = each_world.own_app(profile)
    code, verifier = new_code(each_world, profile)
    assert_refused(app.redeem(code, pkce()[0]))
    assert app.redeem(code, verifier).status_code == 200


@pytest.mark.parametrize("redirect_uri", [None, "https://client.example/other", "http://127.0.0.1:9/cb?shop=1"])
def test_39_different_redirect_uri_is_rejected(world: OAuthWorld, redirect_uri: str | None, profile: str) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    assert_refused(app.redeem(code, verifier, redirect_uri=redirect_uri))


def test_39_foreign_client_does_not_use_up_code(each_world: OAuthWorld, profile: str) -> None:
    app, foreign = each_world.own_app(profile), each_world.foreign_app(profile)
    code, verifier = new_code(each_world, profile)
    assert_refused(foreign.redeem(code, verifier))
    tokens = app.redeem(code, verifier).json()
    assert_refused(foreign.redeem(code, verifier))  # a foreign replay of a used code revokes nothing
    assert app.call(tokens["access_token"]).status_code == 200


def test_39_other_client_of_merchant_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    sibling = world.cars if app is world.bank else world.bank
    code, verifier = new_code(world, profile)
    assert_refused(sibling.redeem(code, verifier))
    assert app.redeem(code, verifier).status_code == 200


@pytest.mark.parametrize("code", ["sgw_test_ac_unknown", "é", "x" * 5000])
def test_unknown_code_is_rejected(world: OAuthWorld, code: str, profile: str) -> None:
    app = world.own_app(profile)
    assert_refused(app.redeem(code, pkce()[0]))


def test_missing_code_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    assert_refused(app.redeem("", pkce()[0]), "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "implicit", "unknown", 'j"unk', "é", "authorization_code x"])
def test_41_unknown_grant_types_are_rejected(world: OAuthWorld, grant_type: str, profile: str) -> None:
    app = world.own_app(profile)
    assert_refused(app.post("/oauth/token", {"grant_type": grant_type}), "unsupported_grant_type")


@pytest.mark.parametrize("grant_type", [None, "", "pass\x00word", "\x7f"])
def test_41_missing_grant_type_is_rejected(world: OAuthWorld, grant_type: str | None, profile: str) -> None:
    form = {"other": "x"} if grant_type is None else {"grant_type": grant_type}
    response = world.own_app(profile).post("/oauth/token", form)
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"


def test_41_unregistered_grant_type_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    world.change_client(app, grant_types=["client_credentials"])
    assert_refused(app.redeem(code, verifier), "unauthorized_client")
    response = app.push()
    assert_refused(response, "unauthorized_client")
    assert "may not use the authorization code grant" in response.json()["error_description"]


def test_authorization_details_are_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    assert_refused(app.redeem(code, verifier, authorization_details="[]"), "invalid_authorization_details")


def test_code_of_revoked_consent_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    browser = world.browser()
    back, verifier = app.ask(browser, "mei", PASSWORD)
    page = browser.get("/account")
    action = page.text.split('action="/account/consents/')[1].split('"')[0]
    assert browser.submit(page, f"/account/consents/{action}", confirmed="yes").status_code == 303
    assert_refused(app.redeem(back["code"], verifier))


def test_56_disabled_user_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    code, verifier = new_code(world, profile)
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=NOON))
    assert_refused(app.redeem(code, verifier))


def test_token_expires_with_its_consent(world: OAuthWorld) -> None:
    details = [{"type": "score", "level": "tier", "duration": "PT90S"}]
    tokens = world.tokens(scope=None, authorization_details=details)
    assert tokens["expires_in"] == 90
    world.move_partner(timedelta(days=3))  # the consent has business time, the token wall time
    assert world.tokens(scope=None, authorization_details=details)["expires_in"] == 90


def test_redirect_uri_may_have_a_query(world: OAuthWorld) -> None:
    app = world.cars
    verifier, challenge = pkce()
    uri = "http://127.0.0.1:9/cb?shop=1"
    request_uri = app.push(challenge, redirect_uri=uri).json()["request_uri"]
    browser = world.browser()
    page = browser.open(app.address(request_uri), "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    assert location.startswith(uri + "&")
    assert app.redeem(query_of(location)["code"], verifier, redirect_uri=uri).status_code == 200
