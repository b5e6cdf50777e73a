"""`gateway database restored`: after a restored backup nothing works that clients and browsers held before."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.oauth.clients.private_key_jwt import LONGEST_LIFE
from tests.support.clock import MovableClock
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.operators import Gateway
from tests.support.point_of_sale import authorize_device, error, poll
from tests.support.registration import Registrar
from tests.support.units import writing

pytestmark = pytest.mark.postgresql


def restore(world: OAuthWorld) -> None:
    """Does what the command does, at the time of the world's clock."""
    with writing(world.database) as unit:
        unit.deployment.set_restored(unit.wall)
        unit.endings.end_all(unit.wall)


def test_h9_tokens_codes_and_sessions_end(each_world: OAuthWorld, clock: MovableClock) -> None:
    world, app = each_world, each_world.cars
    browser = world.browser()
    tokens: Any = app.tokens(browser, "mei", PASSWORD)
    merchant_token = app.merchant_token().json()["access_token"]
    back, verifier = app.ask(browser, "mei", PASSWORD)
    pushed = app.push().json()["request_uri"]
    authorization = authorize_device(app)
    invitation = Registrar(world).invite()
    restore(world)
    clock.advance(seconds=1)
    assert [app.call(token).status_code for token in (tokens["access_token"], merchant_token)] == [401, 401]
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert app.redeem(back["code"], verifier).json()["error"] == "invalid_grant"
    assert browser.get("/account").status_code == 303
    assert browser.open(app.address(pushed), "mei", PASSWORD).status_code == 400
    assert error(poll(app, authorization["device_code"])) == "access_denied"
    assert Registrar(world).post({}, invitation).status_code == 401


def test_h9_everything_works_again_with_new_credentials(each_world: OAuthWorld, clock: MovableClock) -> None:
    world, app = each_world, each_world.bank
    restore(world)
    clock.advance(seconds=1)
    tokens: Any = app.tokens(world.browser(), "mei", PASSWORD)
    assert app.call(tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("claims", [{}, {"iat": None}], ids=["H9-iat", "H9-without-iat"])
def test_h9_a_used_assertion_stays_used(each_world: OAuthWorld, clock: MovableClock, claims: dict[str, Any]) -> None:
    """The backup does not have the record of its use."""
    world, app = each_world, each_world.bank
    form = {"token": "unknown", **app.authentication(**claims)}
    assert world.http().post("/oauth/revoke", data=form).status_code == 200
    with writing(world.database) as unit:
        unit.connection.exec_driver_sql("DELETE FROM oauth_replays")
    restore(world)
    clock.advance(seconds=1)
    assert world.http().post("/oauth/revoke", data=form).status_code == 401


def test_h9_a_new_assertion_without_iat_works_ten_minutes_later(each_world: OAuthWorld, clock: MovableClock) -> None:
    world, app = each_world, each_world.bank
    restore(world)
    clock.advance(seconds=1)
    form = {"token": "unknown", **app.authentication(iat=None)}
    assert world.http().post("/oauth/revoke", data=form).status_code == 401
    clock.advance(seconds=LONGEST_LIFE.total_seconds())
    form = {"token": "unknown", **app.authentication(iat=None)}
    assert world.http().post("/oauth/revoke", data=form).status_code == 200


def test_h9_a_used_proof_stays_used(each_world: OAuthWorld, clock: MovableClock) -> None:
    """The backup does not have the record of its use."""
    world, app = each_world, each_world.bank
    assert app.merchant_token().status_code == 200  # takes a nonce
    proof = {"DPoP": app.proof("/oauth/token")}
    grant = {"grant_type": "client_credentials"}
    assert app.post("/oauth/token", grant, headers=proof).status_code == 200
    with writing(world.database) as unit:
        unit.connection.exec_driver_sql("DELETE FROM oauth_replays")
    restore(world)
    clock.advance(seconds=1)
    refused = app.post("/oauth/token", grant, headers=proof)
    assert refused.json()["error_description"] == "The proof has been used before."
    assert app.merchant_token().status_code == 200


def test_h9_command_ends_and_counts(each_world: OAuthWorld, database_url: str, tmp_path: Path) -> None:
    app, gateway = each_world.cars, Gateway(database_url, tmp_path)
    tokens: Any = app.tokens(each_world.browser(), "mei", PASSWORD)
    refused = gateway("database", "restored", stdin="n\n")
    assert refused.returncode == 1
    assert app.call(tokens["access_token"]).status_code == 200
    ended = json.loads(gateway.output("database", "restored", "--yes", "--json"))
    assert {name: rows for name, rows in ended.items() if rows} == {
        "oauth_refresh_tokens": 1,
        "oauth_access_tokens": 1,
        "sessions": 1,
    }
    assert app.call(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "sessions: 0 ended." in gateway.output("database", "restored", stdin="y\n")
