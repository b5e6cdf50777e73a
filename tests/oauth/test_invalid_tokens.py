"""Access tokens that the API rejects even with a valid proof: unknown, expired, revoked, of another environment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from gateway.domain.environment import LIVE
from gateway.oauth.token_check import TokenCheck
from gateway.store.identity.users import USERS
from tests.support.bound_calls import API, assert_refused, call_api, headers
from tests.support.clock import NOON, MovableClock
from tests.support.oauth_world import PASSWORD, OAuthWorld, probe
from tests.support.units import writing


@pytest.fixture
def user_token(world: OAuthWorld) -> Any:
    return world.bank.tokens(world.browser(), "mei", PASSWORD)


def assert_invalid(world: OAuthWorld, token: str) -> None:
    response = call_api(world, headers(world.bank, token))
    assert_refused(response, "invalid_token")
    assert "consent" not in response.json()


@pytest.mark.parametrize("junk", ["x", "sgw_test_at_unknown", "sgw_at_live", "x" * 600, "a b"])
def test_65_unknown_token_is_rejected(world: OAuthWorld, token: str, junk: str) -> None:
    assert_invalid(world, junk)


def test_65_expired_token_is_rejected(world: OAuthWorld, user_token: Any, clock: MovableClock) -> None:
    clock.advance(seconds=299)
    world.bank.nonce = world.nonces.current(clock())
    assert call_api(world, headers(world.bank, user_token["access_token"])).status_code == 200
    clock.advance(seconds=1)
    assert_invalid(world, user_token["access_token"])


def test_65_business_time_ends_consents_and_not_merchant_tokens(world: OAuthWorld, user_token: Any, token: str) -> None:
    world.move_partner(timedelta(days=90, seconds=-1))  # far beyond the five minutes of the token
    assert call_api(world, headers(world.bank, user_token["access_token"])).status_code == 200
    world.move_partner(timedelta(seconds=1))
    assert_invalid(world, user_token["access_token"])
    assert call_api(world, headers(world.bank, token)).status_code == 200  # a merchant token has no consent


def test_65_revoked_token_is_rejected(world: OAuthWorld, user_token: Any) -> None:
    world.bank.revoke(user_token["access_token"])
    assert_invalid(world, user_token["access_token"])
    again = world.bank.refresh(user_token["refresh_token"]).json()
    world.bank.revoke(user_token["refresh_token"])
    assert_invalid(world, again["access_token"])


def test_65_token_of_revoked_consent_is_rejected(world: OAuthWorld, user_token: Any) -> None:
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, user_token["grant_id"], None)
    assert_invalid(world, user_token["access_token"])


def test_65_disabled_client_or_user_is_rejected(world: OAuthWorld, user_token: Any, token: str) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=NOON))
    assert_invalid(world, user_token["access_token"])
    assert call_api(world, headers(world.bank, token)).status_code == 200
    world.change_client(world.bank, disabled_at=NOON)
    assert_invalid(world, token)


def test_65_refresh_tokens_and_codes_are_rejected(world: OAuthWorld, user_token: Any) -> None:
    back, _ = world.bank.ask(world.browser(), "mei", PASSWORD)
    for text in (user_token["refresh_token"], back["code"]):
        assert_invalid(world, text)


def test_67_token_of_other_environment_is_rejected(world: OAuthWorld, token: str) -> None:
    live = TestClient(TokenCheck(probe, replace(world.container, environment=LIVE)), "http://127.0.0.1:8000")
    assert_refused(live.post(API, headers=headers(world.bank, token)), "invalid_token")
    assert call_api(world, headers(world.bank, token)).status_code == 200
