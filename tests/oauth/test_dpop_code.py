"""Codes that are bound to a key, by a parameter or a proof of the pushed request (RFC 9449 section 10)."""

from typing import Any

import pytest

from tests.support.clock import NOON
from tests.support.dpop import TOKEN, assert_granted, assert_refused, bank_with_nonce, code_form, request_token
from tests.support.fapi import new_key
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld


def token_request_for(world: OAuthWorld, how: str) -> dict[str, str]:
    """The token request for a code that is bound to the bank's key by the parameter, a proof, or both."""
    bank = bank_with_nonce(world)
    verifier, challenge = pkce()
    named = {} if how == "proof" else {"dpop_jkt": bank.dpop_key.thumbprint()}
    headers = {} if how == "parameter" else {"DPoP": bank.proof("/oauth/par", nonce=None)}
    uri = bank.post("/oauth/par", {**bank.parameters(challenge), **named}, headers=headers).json()["request_uri"]
    browser = world.browser()
    page = browser.open(bank.address(uri), "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    whole = {"code": query_of(location)["code"], "code_verifier": verifier, "redirect_uri": bank.redirect_uri}
    bank.nonce = world.nonces.current(NOON)
    return {"grant_type": "authorization_code", **whole}


@pytest.mark.parametrize("how", ["parameter", "proof", "both"])
def test_50_bound_code_requires_its_key(each_world: OAuthWorld, how: str) -> None:
    data, bank = token_request_for(each_world, how), each_world.bank
    assert_refused(request_token(bank, bank.proof(TOKEN, key=new_key(kid=None)), data=data), "invalid_grant")
    assert_granted(request_token(bank, bank.proof(TOKEN), data=data))


def test_50_unbound_code_accepts_any_key(world: OAuthWorld) -> None:
    data = code_form(world)
    body = assert_granted(
        request_token(bank_with_nonce(world), world.bank.proof(TOKEN, key=new_key(kid=None)), data=data)
    )
    assert world.bank.call(body["access_token"]).status_code == 401


def test_50_invalid_proof_in_pushed_request_is_rejected(world: OAuthWorld) -> None:
    bank = bank_with_nonce(world)
    for changed in ({"htm": "GET"}, {"htu": bank.issuer + TOKEN}, {"iat": None}, {"header": {"typ": "JWT"}}):
        proof: Any = bank.proof("/oauth/par", **changed)
        assert_refused(bank.post("/oauth/par", bank.parameters(pkce()[1]), headers={"DPoP": proof}))
    assert_refused(bank.post("/oauth/par", bank.parameters(pkce()[1]), headers={"DPoP": "x"}))
