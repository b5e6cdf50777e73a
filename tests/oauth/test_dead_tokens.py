"""Access tokens that the API does not take, whatever proves them: unknown, expired, ended, or of another realm."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select
from starlette.testclient import TestClient

from gateway.domain.realm import LIVE
from gateway.oauth.token_check import TokenCheck
from gateway.store.clients import ClientRow
from gateway.store.users import UserRow
from tests.support.bound_calls import API, called, headers, refused
from tests.support.clock import NOON, MovableClock
from tests.support.oauth_world import PASSWORD, World, probe


@pytest.fixture
def users_token(world: World) -> Any:
    return world.bank.tokens(world.browser(), "mei", PASSWORD)


def dead(world: World, token: str) -> None:
    answer = called(world, headers(world.bank, token))
    refused(answer, "invalid_token")
    assert "consent" not in answer.json()


@pytest.mark.parametrize("junk", ["x", "sgw_test_at_unknown", "sgw_at_live", "x" * 600, "a b"])
def test_65_no_token_of_ours(world: World, token: str, junk: str) -> None:
    dead(world, junk)


def test_65_expired(world: World, users_token: Any, clock: MovableClock) -> None:
    clock.advance(seconds=299)
    world.bank.nonce = world.parts.proofs.nonces.current(clock())
    assert called(world, headers(world.bank, users_token["access_token"])).status_code == 200
    clock.advance(seconds=1)
    dead(world, users_token["access_token"])


def test_65_expired_in_the_partners_time(world: World, users_token: Any) -> None:
    world.move_partner(timedelta(minutes=5))
    dead(world, users_token["access_token"])


def test_65_revoked(world: World, users_token: Any) -> None:
    world.bank.revoke(users_token["access_token"])
    dead(world, users_token["access_token"])
    again = world.bank.refresh(users_token["refresh_token"]).json()
    world.bank.revoke(users_token["refresh_token"])
    dead(world, again["access_token"])


def test_65_consent_withdrawn(world: World, users_token: Any) -> None:
    with world.database.write() as session:
        world.parts.consents.revoke(session, users_token["grant_id"], None, NOON)
    dead(world, users_token["access_token"])


def test_65_client_or_person_disabled(world: World, users_token: Any, token: str) -> None:
    with world.database.write() as session:
        session.exec(select(UserRow).where(UserRow.username == "mei")).one().disabled_at = NOON
    dead(world, users_token["access_token"])
    assert called(world, headers(world.bank, token)).status_code == 200
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).disabled_at = NOON
    dead(world, token)


def test_65_refresh_tokens_and_codes_open_nothing(world: World, users_token: Any) -> None:
    back, _ = world.bank.ask(world.browser(), "mei", PASSWORD)
    for text in (users_token["refresh_token"], back["code"]):
        dead(world, text)


def test_67_a_token_of_another_realm(world: World, token: str) -> None:
    live = TestClient(TokenCheck(probe, replace(world.parts, realm=LIVE)), "http://127.0.0.1:8000")
    refused(live.post(API, headers=headers(world.bank, token)), "invalid_token")
    assert called(world, headers(world.bank, token)).status_code == 200
