"""Token introspection (RFC 7662)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.clock import NOON, MovableClock
from tests.support.oauth import PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import writing

INACTIVE = {"active": False}


def introspect(app: PartnerApp, token: str, **more: str) -> Any:
    response = app.post("/oauth/introspect", {"token": token, **more})
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return response.json()


def test_59_bound_user_token(world: OAuthWorld) -> None:
    tokens: Any = world.bank.tokens(world.browser(), "mei", PASSWORD)
    about = introspect(world.bank, tokens["access_token"], token_type_hint="odd")
    now = int(NOON.timestamp())
    assert about.pop("sub").startswith("usr_test_")
    assert about == {
        "active": True,
        "iss": world.container.settings.issuer,
        "client_id": world.bank.client_id,
        "scope": tokens["scope"],
        "grant_id": tokens["grant_id"],
        "authorization_details": tokens["authorization_details"],
        "cnf": {"jkt": world.bank.dpop_key.thumbprint()},
        "token_type": "DPoP",
        "iat": now,
        "exp": now + 300,
    }


def test_59_times_are_wall_time(world: OAuthWorld) -> None:
    world.move_partner(timedelta(days=3))
    token = world.bank.merchant_token().json()["access_token"]
    about = introspect(world.bank, token)
    assert about["exp"] == int(NOON.timestamp()) + 300
    assert "sub" not in about
    tokens: Any = world.tokens()
    about = introspect(world.cars, tokens["access_token"])
    assert (about["iat"], about["exp"]) == (int(NOON.timestamp()), int(NOON.timestamp()) + 12 * 3600)


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_59_token_expires_with_its_consent(world: OAuthWorld, name: str) -> None:
    tokens: Any = world.tokens()
    world.move_partner(timedelta(days=90, seconds=-100))
    assert introspect(world.cars, tokens[name])["exp"] == int(NOON.timestamp()) + 100


def test_59_merchant_bearer_token(world: OAuthWorld) -> None:
    about = introspect(world.cars, world.cars.merchant_token().json()["access_token"])
    assert about["token_type"] == "Bearer"
    assert not {"cnf", "sub", "grant_id", "authorization_details"} & set(about)


def test_59_refresh_token(world: OAuthWorld) -> None:
    tokens: Any = world.tokens()
    about = introspect(world.cars, tokens["refresh_token"])
    assert about["active"] is True
    assert about["grant_id"] == tokens["grant_id"]
    world.cars.refresh(tokens["refresh_token"])
    assert introspect(world.cars, tokens["refresh_token"]) == INACTIVE


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_59_foreign_token_is_inactive(world: OAuthWorld, name: str) -> None:
    tokens: Any = world.tokens()
    assert introspect(world.shop, tokens[name]) == INACTIVE
    assert introspect(world.bank, tokens[name]) == INACTIVE  # also for another client of the same merchant
    assert introspect(world.cars, tokens[name])["active"] is True


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("end", ["time", "partners_time", "revocation", "consent"])
def test_59_ended_token_is_inactive(world: OAuthWorld, clock: MovableClock, name: str, end: str) -> None:
    tokens: Any = world.tokens()
    if end == "time":
        clock.advance(hours=12 if name == "access_token" else 90 * 24)
    elif end == "partners_time":
        world.move_partner(timedelta(days=90))
    elif end == "revocation":
        world.cars.revoke(tokens[name])
    else:
        with writing(world.database) as unit:
            world.container.consents.revoke_for_client(unit, world.client(world.cars), tokens["grant_id"])
    assert introspect(world.cars, tokens[name]) == INACTIVE


@pytest.mark.parametrize("token", ["unknown", "é", "sgw_test_at_" + "x" * 3000])
def test_59_unknown_token_is_inactive(world: OAuthWorld, token: str) -> None:
    assert introspect(world.cars, token) == INACTIVE


def test_59_token_and_client_are_required(world: OAuthWorld) -> None:
    response = world.cars.post("/oauth/introspect", {"token": ""})
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    assert world.http().post("/oauth/introspect", data={"token": "x"}).status_code == 401
