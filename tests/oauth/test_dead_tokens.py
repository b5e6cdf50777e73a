"""Access tokens that the API does not take, whatever proves them: unknown, expired, ended, of another environment."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from gateway.domain.environment import LIVE
from gateway.oauth.token_check import TokenCheck
from gateway.store.identity.users import USERS
from tests.support.bound_calls import API, called, headers, refused
from tests.support.clock import NOON, MovableClock
from tests.support.oauth_world import PASSWORD, OAuthWorld, probe
from tests.support.units import writing


@pytest.fixture
def users_token(world: OAuthWorld) -> Any:
    return world.bank.tokens(world.browser(), "mei", PASSWORD)


def dead(world: OAuthWorld, token: str) -> None:
    answer = called(world, headers(world.bank, token))
    refused(answer, "invalid_token")
    assert "consent" not in answer.json()


@pytest.mark.parametrize("junk", ["x", "sgw_test_at_unknown", "sgw_at_live", "x" * 600, "a b"])
def test_65_no_token_of_ours(world: OAuthWorld, token: str, junk: str) -> None:
    dead(world, junk)


def test_65_expired(world: OAuthWorld, users_token: Any, clock: MovableClock) -> None:
    clock.advance(seconds=299)
    world.bank.nonce = world.nonces.current(clock())
    assert called(world, headers(world.bank, users_token["access_token"])).status_code == 200
    clock.advance(seconds=1)
    dead(world, users_token["access_token"])


def test_65_the_partners_time_ends_the_consent_and_not_the_token(
    world: OAuthWorld, users_token: Any, token: str
) -> None:
    world.move_partner(timedelta(days=90, seconds=-1))  # far beyond the five minutes of the token
    assert called(world, headers(world.bank, users_token["access_token"])).status_code == 200
    world.move_partner(timedelta(seconds=1))
    dead(world, users_token["access_token"])
    assert called(world, headers(world.bank, token)).status_code == 200  # the merchant's, which has no consent


def test_65_revoked(world: OAuthWorld, users_token: Any) -> None:
    world.bank.revoke(users_token["access_token"])
    dead(world, users_token["access_token"])
    again = world.bank.refresh(users_token["refresh_token"]).json()
    world.bank.revoke(users_token["refresh_token"])
    dead(world, again["access_token"])


def test_65_consent_withdrawn(world: OAuthWorld, users_token: Any) -> None:
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, users_token["grant_id"], None)
    dead(world, users_token["access_token"])


def test_65_client_or_person_disabled(world: OAuthWorld, users_token: Any, token: str) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=NOON))
    dead(world, users_token["access_token"])
    assert called(world, headers(world.bank, token)).status_code == 200
    world.change_client(world.bank, disabled_at=NOON)
    dead(world, token)


def test_65_refresh_tokens_and_codes_open_nothing(world: OAuthWorld, users_token: Any) -> None:
    back, _ = world.bank.ask(world.browser(), "mei", PASSWORD)
    for text in (users_token["refresh_token"], back["code"]):
        dead(world, text)


def test_67_a_token_of_another_environment(world: OAuthWorld, token: str) -> None:
    live = TestClient(TokenCheck(probe, replace(world.container, environment=LIVE)), "http://127.0.0.1:8000")
    refused(live.post(API, headers=headers(world.bank, token)), "invalid_token")
    assert called(world, headers(world.bank, token)).status_code == 200
