"""Proofs of possession at the token endpoint: bound tokens and nonces (RFC 9449 sections 5 and 8)."""

from datetime import timedelta
from typing import Any

import pytest

from tests.support.clock import NOON, MovableClock
from tests.support.dpop import (
    TOKEN,
    assert_granted,
    assert_refused,
    bank_with_nonce,
    code_form,
    request_token,
    request_with_proof,
)
from tests.support.fapi import NULL, FapiApp
from tests.support.oauth_world import OAuthWorld


def test_43_token_response(world: OAuthWorld) -> None:
    response = request_token(bank_with_nonce(world), world.bank.proof(TOKEN), data=code_form(world))
    body = assert_granted(response)
    assert response.headers["cache-control"] == "no-store"
    assert body["expires_in"] == 300
    assert set(body) == {
        *("access_token", "token_type", "expires_in", "scope", "refresh_token", "grant_id"),
        "authorization_details",
    }
    assert body["scope"] == "score:tier decisions:request"
    assert {detail["type"] for detail in body["authorization_details"]} == {"score", "decision"}


def test_43_baseline_client_can_bind_tokens(world: OAuthWorld) -> None:
    # A bound token cannot be used as a bearer token.
    proof = {"DPoP": bank_with_nonce(world).proof(TOKEN)}
    response = world.cars.post(TOKEN, {"grant_type": "client_credentials"}, headers={**world.cars.auth, **proof})
    token = assert_granted(response)["access_token"]
    assert world.cars.call(token).status_code == 401
    assert world.bank.call(token).status_code == 200


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "client_credentials"])
def test_44_missing_proof_uses_up_nothing(each_world: OAuthWorld, grant: str) -> None:
    bank = bank_with_nonce(each_world)
    data = {"grant_type": grant}
    if grant != "client_credentials":
        data = code_form(each_world)
    if grant == "refresh_token":
        tokens = assert_granted(request_token(bank, bank.proof(TOKEN), data=data))
        data = {"grant_type": grant, "refresh_token": tokens["refresh_token"]}
    assert_refused(request_token(bank, data=data))
    assert_granted(request_token(bank, bank.proof(TOKEN), data=data))


@pytest.mark.parametrize("nonce", [None, NULL, "", "x", 5, [], "old", "far ahead", "é"])
def test_45_missing_nonce_uses_up_nothing(each_world: OAuthWorld, nonce: Any) -> None:
    bank, nonces = each_world.bank, each_world.nonces
    moments = {"old": NOON - timedelta(minutes=6), "far ahead": NOON + timedelta(minutes=3)}
    if nonce in list(moments):
        nonce = nonces.current(moments[nonce])
    form = {**code_form(each_world), **bank.authentication()}  # the same assertion twice
    jti = "the proof's"
    first = bank.http.post(TOKEN, data=form, headers={"DPoP": bank.proof(TOKEN, nonce=nonce, jti=jti)})
    assert_refused(first, "use_dpop_nonce")
    newest = first.headers["dpop-nonce"]
    second = bank.http.post(TOKEN, data=form, headers={"DPoP": bank.proof(TOKEN, nonce=newest, jti=jti)})
    assert_granted(second)
    assert second.headers["dpop-nonce"] == newest


def test_45_successful_response_has_new_nonce(bank: FapiApp, clock: MovableClock) -> None:
    clock.advance(minutes=4)
    response = request_with_proof(bank)
    assert_granted(response)
    assert response.headers["dpop-nonce"] != bank.nonce
    clock.advance(minutes=2)
    assert_refused(request_with_proof(bank), "use_dpop_nonce")
    assert_granted(request_with_proof(bank, nonce=response.headers["dpop-nonce"]))


def test_45_nonce_is_checked_before_client(bank: FapiApp) -> None:
    data = {"grant_type": "client_credentials"}
    for nonce, status, error in ((None, 400, "use_dpop_nonce"), (bank.nonce, 401, "invalid_client")):
        response = bank.http.post(TOKEN, data=data, headers={"DPoP": bank.proof(TOKEN, nonce=nonce)})
        assert (response.status_code, response.json()["error"]) == (status, error)
        assert response.headers["dpop-nonce"] == bank.nonce


def test_45_response_without_proof_has_no_nonce(bank: FapiApp) -> None:
    assert "dpop-nonce" not in request_token(bank).headers
