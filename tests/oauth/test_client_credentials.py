"""Merchant tokens (RFC 6749 section 4.4)."""

import pytest

from tests.oauth.test_code import assert_refused
from tests.support.oauth_world import MERCHANT_SCOPES, OAuthWorld


def test_missing_scope_grants_all_merchant_scopes(world: OAuthWorld) -> None:
    response = world.cars.merchant_token()
    body = response.json()
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert set(body["scope"].split()) == set(MERCHANT_SCOPES)
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}


def test_requested_scope_is_granted(world: OAuthWorld) -> None:
    body = world.cars.merchant_token(scope="decisions:read").json()
    assert body["scope"] == "decisions:read"


def test_66_merchant_token_has_no_person(world: OAuthWorld) -> None:
    called = world.cars.call(world.cars.merchant_token().json()["access_token"]).json()
    assert (called["kind"], called["subject"], called["consent"]) == ("merchant", None, None)
    assert called["merchant"] == world.cars_id


@pytest.mark.parametrize("scope", ["score:tier", "decisions:read score:tier", "webhooks:manage", "sandbox", "x", "é"])
def test_unknown_and_user_scopes_are_rejected(world: OAuthWorld, scope: str) -> None:
    assert_refused(world.cars.merchant_token(scope=scope), "invalid_scope")


def test_client_without_merchant_scopes_is_rejected(world: OAuthWorld) -> None:
    world.change_client(world.cars, scopes=["score:tier"])
    assert_refused(world.cars.merchant_token(), "invalid_scope")


def test_authorization_details_are_rejected(world: OAuthWorld) -> None:
    assert_refused(world.cars.merchant_token(authorization_details="[]"), "invalid_authorization_details")
