"""Refresh tokens: rotation, reuse, retry, narrower scopes, and the end of a grant (RFC 6749 section 6)."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway.store.identity.users import USERS
from tests.oauth.test_code import assert_refused
from tests.support.clock import NOON, MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.units import writing


def test_53_refresh_returns_new_token(world: OAuthWorld) -> None:
    first: Any = world.tokens()
    second = world.cars.refresh(first["refresh_token"]).json()
    third = world.cars.refresh(second["refresh_token"]).json()
    assert len({first["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert second["scope"] == first["scope"]
    assert second["authorization_details"] == first["authorization_details"]
    assert world.cars.call(third["access_token"]).status_code == 200


def test_53_reuse_after_use_of_successor_revokes_family(world: OAuthWorld) -> None:
    first: Any = world.tokens()
    second = world.cars.refresh(first["refresh_token"]).json()
    third = world.cars.refresh(second["refresh_token"]).json()
    assert_refused(world.cars.refresh(first["refresh_token"]))
    assert_refused(world.cars.refresh(third["refresh_token"]))
    for tokens in (first, second, third):
        assert world.cars.call(tokens["access_token"]).status_code == 401


def test_53_reuse_after_retry_window_revokes_family(world: OAuthWorld, clock: MovableClock) -> None:
    first: Any = world.tokens()
    second = world.cars.refresh(first["refresh_token"]).json()
    clock.advance(seconds=61)
    assert_refused(world.cars.refresh(first["refresh_token"]))
    assert_refused(world.cars.refresh(second["refresh_token"]))


def test_53_retry_replaces_unused_successor(world: OAuthWorld, clock: MovableClock) -> None:
    first: Any = world.tokens()
    lost = world.cars.refresh(first["refresh_token"]).json()
    clock.advance(seconds=30)
    again = world.cars.refresh(first["refresh_token"])
    assert again.status_code == 200
    assert world.cars.refresh(again.json()["refresh_token"]).status_code == 200
    assert_refused(world.cars.refresh(lost["refresh_token"]))  # a replaced token counts as reused
    assert world.cars.call(again.json()["access_token"]).status_code == 401


def test_51_authentication_is_required(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert world.cars.post("/oauth/token", data, headers={}).status_code == 401
    assert world.cars.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("used", [False, True])
def test_51_foreign_client_has_no_effect(world: OAuthWorld, used: bool) -> None:
    tokens: Any = world.tokens()
    alive = tokens
    if used:
        alive = world.cars.refresh(tokens["refresh_token"]).json()
        alive = world.cars.refresh(alive["refresh_token"]).json()
    assert_refused(world.shop.refresh(tokens["refresh_token"]))
    assert world.cars.refresh(alive["refresh_token"]).status_code == 200


@pytest.mark.parametrize("scope", ["score:exact", "score:tier decisions:read", "score:palm", "score:tier é"])
def test_54_wider_scope_is_rejected(world: OAuthWorld, scope: str) -> None:
    tokens: Any = world.tokens()
    assert_refused(world.cars.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert world.cars.refresh(tokens["refresh_token"]).status_code == 200


def test_54_narrower_scope_does_not_change_grant(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    narrow = world.cars.refresh(tokens["refresh_token"], scope="score:threshold").json()
    assert narrow["scope"] == "score:threshold"
    assert [(d["type"], d["level"]) for d in narrow["authorization_details"]] == [("score", "threshold")]
    assert world.cars.call(narrow["access_token"]).json()["allowed"] == ["score:threshold"]
    assert world.cars.refresh(narrow["refresh_token"]).json()["scope"] == tokens["scope"]


def test_54_authorization_details_are_rejected(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    response = world.cars.refresh(tokens["refresh_token"], authorization_details="[]")
    assert_refused(response, "invalid_authorization_details")


def test_56_consent_expires_in_business_time(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    world.move_partner(timedelta(days=90))
    assert_refused(world.cars.refresh(tokens["refresh_token"]))
    assert world.cars.call(tokens["access_token"]).status_code == 401


def test_56_longest_lifetime(world: OAuthWorld) -> None:
    tokens: Any = world.tokens(
        scope=None, authorization_details=[{"type": "score", "level": "tier", "duration": "P2D"}]
    )
    world.move_partner(timedelta(days=1))
    again = world.cars.refresh(tokens["refresh_token"]).json()
    assert again["expires_in"] == 12 * 3600
    world.move_partner(timedelta(hours=20))
    assert world.cars.refresh(again["refresh_token"]).json()["expires_in"] == 4 * 3600


def test_56_disabled_user_is_rejected(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=NOON))
    assert_refused(world.cars.refresh(tokens["refresh_token"]))


@pytest.mark.parametrize("token", ["unknown", "é", "x" * 3000])
def test_unknown_token_is_rejected(world: OAuthWorld, token: str) -> None:
    assert_refused(world.cars.refresh(token))


def test_missing_token_is_rejected(world: OAuthWorld) -> None:
    assert_refused(world.cars.refresh(""), "invalid_request")


def test_access_token_is_rejected(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    assert_refused(world.cars.refresh(tokens["access_token"]))
