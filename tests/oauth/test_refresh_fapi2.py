"""Refresh tokens without rotation, of fapi2 clients (FAPI 2.0 section 5.3.2.1 item 9)."""

from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway.settings import Settings
from gateway.store.identity.users import USERS
from tests.oauth.test_code import assert_refused
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import new_key
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

DETAIL = {"type": "score", "level": "tier"}


def tokens_of(world: OAuthWorld, **changed: Any) -> Any:
    return world.bank.tokens(world.browser(), "mei", PASSWORD, **changed)


def test_51_foreign_client_is_rejected(each_world: OAuthWorld) -> None:
    world, bank = each_world, each_world.bank
    tokens = tokens_of(world)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    proof = {"DPoP": bank.proof("/oauth/token")}
    assert world.http().post("/oauth/token", data=form, headers=proof).status_code == 401
    proof = {"DPoP": bank.proof("/oauth/token")}
    assert (
        world.http().post("/oauth/token", data={**form, "client_id": bank.client_id}, headers=proof).status_code == 401
    )
    for used in (False, True):
        for other in (world.rival, world.cars, world.shop):
            assert_refused(other.refresh(tokens["refresh_token"]))
        assert bank.call(tokens["access_token"]).status_code == 200
        assert bank.refresh(tokens["refresh_token"]).status_code == 200, used


def test_52_refresh_token_can_be_reused(each_world: OAuthWorld) -> None:
    bank, tokens = each_world.bank, tokens_of(each_world)
    refreshed = [bank.refresh(tokens["refresh_token"]).json() for _ in range(4)]
    assert all("refresh_token" not in one for one in refreshed)
    assert len({one["access_token"] for one in refreshed}) == 4
    for one in (tokens, *refreshed):  # a refresh does not end earlier access tokens
        assert bank.call(one["access_token"]).status_code == 200
        assert one["authorization_details"] == tokens["authorization_details"]
        assert (one["token_type"], one["scope"], one["grant_id"]) == ("DPoP", tokens["scope"], tokens["grant_id"])


def test_52_new_token_is_bound_to_key_of_proof(world: OAuthWorld) -> None:
    # The refresh token of a confidential client is bound to the client's own key (RFC 9449 section 5).
    bank, tokens, old = world.bank, tokens_of(world), world.bank.dpop_key
    bank.dpop_key = new_key(kid=None)
    again = bank.refresh(tokens["refresh_token"]).json()["access_token"]
    assert bank.call(again).status_code == 200
    assert bank.call(tokens["access_token"]).status_code == 401
    bank.dpop_key = old
    assert bank.call(again).status_code == 401


def test_54_scope_can_be_narrower_only(world: OAuthWorld) -> None:
    bank, tokens = world.bank, tokens_of(world)
    narrow = bank.refresh(tokens["refresh_token"], scope="score:threshold").json()
    assert narrow["scope"] == "score:threshold"
    assert bank.call(narrow["access_token"]).json()["allowed"] == ["score:threshold"]
    assert [(d["type"], d["level"]) for d in narrow["authorization_details"]] == [("score", "threshold")]
    for scope in ("score:exact", "score:tier decisions:read", "score:palm"):
        assert_refused(bank.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    wider = bank.refresh(tokens["refresh_token"], authorization_details="[]")
    assert_refused(wider, "invalid_authorization_details")
    assert bank.refresh(tokens["refresh_token"]).json()["scope"] == tokens["scope"]


def end_consent(world: OAuthWorld, grant_id: str) -> None:
    with writing(world.database) as unit:
        world.container.consents.revoke(unit, grant_id, None)


def lock_person(world: OAuthWorld, _: str) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(update(USERS).where(USERS.c.username == "mei").values(disabled_at=NOON))


def expire_consent(world: OAuthWorld, _: str) -> None:
    world.move_partner(timedelta(days=90))


def remove_grant_type(world: OAuthWorld, _: str) -> None:
    world.change_client(world.bank, grant_types=["authorization_code"])


@pytest.mark.parametrize("end", [end_consent, lock_person, expire_consent])
def test_56_refresh_fails_after_each_ending(each_world: OAuthWorld, end: Any) -> None:
    tokens = tokens_of(each_world)
    assert each_world.bank.refresh(tokens["refresh_token"]).status_code == 200
    end(each_world, tokens["grant_id"])
    assert_refused(each_world.bank.refresh(tokens["refresh_token"]))


def test_56_disabled_client_cannot_refresh(world: OAuthWorld) -> None:
    tokens = tokens_of(world)
    remove_grant_type(world, "")
    assert_refused(world.bank.refresh(tokens["refresh_token"]), "unauthorized_client")
    world.change_client(world.bank, disabled_at=NOON)
    response = world.bank.refresh(tokens["refresh_token"])
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("profile", ["baseline", "fapi2"])
def test_56_longest_lifetime_of_refresh_token(
    sqlite_url: str, settings: Settings, clock: MovableClock, profile: str
) -> None:
    shorter = settings.model_copy(update={"refresh_token_life": timedelta(days=1)})
    with closing(OAuthWorld(sqlite_url, shorter, clock)) as world:
        app = world.own_app(profile)
        tokens = app.tokens(world.browser(), "mei", PASSWORD)
        world.move_partner(timedelta(days=2))  # this ends consents only
        clock.advance(days=1, seconds=-1)
        response = app.refresh(tokens["refresh_token"])
        assert response.status_code == 200
        clock.advance(seconds=1)
        assert_refused(app.refresh(tokens["refresh_token"]))
        newer = response.json().get("refresh_token")
        assert newer is None or app.refresh(newer).status_code == 200  # rotation restarts the lifetime


def test_56_refresh_token_expires_with_its_consent(world: OAuthWorld) -> None:
    tokens = tokens_of(world, scope=None, authorization_details=[{**DETAIL, "duration": "P2D"}])
    world.move_partner(timedelta(days=2, seconds=-100))
    assert world.bank.refresh(tokens["refresh_token"]).json()["expires_in"] == 100
    world.move_partner(timedelta(seconds=100))
    assert_refused(world.bank.refresh(tokens["refresh_token"]))
