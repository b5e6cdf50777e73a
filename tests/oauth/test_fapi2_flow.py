"""The complete flow of a fapi2 client: push, consent, redeem, call, refresh, revoke."""

import pytest

from tests.support.fapi import new_key
from tests.support.oauth_world import PASSWORD, OAuthWorld


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_49_complete_flow(world: OAuthWorld, alg: str) -> None:
    app = world.bank
    app.dpop_alg, app.dpop_key = alg, new_key(alg, kid=None)
    tokens = app.tokens(world.browser(), "mei", PASSWORD)
    assert tokens["token_type"] == "DPoP"
    assert tokens["expires_in"] == 300
    assert app.call(tokens["access_token"]).json()["kind"] == "user"
    again = app.refresh(tokens["refresh_token"]).json()
    assert "refresh_token" not in again
    assert app.call(again["access_token"]).status_code == 200
    assert app.revoke(tokens["refresh_token"]).status_code == 200
    assert app.call(again["access_token"]).status_code == 401
    assert app.call(app.merchant_token().json()["access_token"]).json()["kind"] == "merchant"
