"""Requests to the token endpoint with proofs of possession, and what they are answered."""

from typing import Any

import httpx2

from tests.support.clock import NOON
from tests.support.fapi import FapiApp
from tests.support.oauth_world import PASSWORD, OAuthWorld

TOKEN = "/oauth/token"
NOW = int(NOON.timestamp())


def bank_with_nonce(world: OAuthWorld) -> FapiApp:
    world.bank.nonce = world.nonces.current(world.container.clock())
    return world.bank


def request_token(app: FapiApp, *proofs: str, data: dict[str, str] | None = None) -> httpx2.Response:
    """The token endpoint's answer to a request with these DPoP headers, for a merchant token unless `data` says
    other."""
    form = {**app.authentication(), **(data or {"grant_type": "client_credentials"})}
    return app.http.post(TOKEN, data=form, headers=[("DPoP", proof) for proof in proofs])


def request_with_proof(app: FapiApp, **changed: Any) -> httpx2.Response:
    return request_token(app, app.proof(TOKEN, **changed))


def assert_refused(answer: httpx2.Response, error: str = "invalid_dpop_proof") -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


def assert_granted(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    assert whole["token_type"] == "DPoP"
    return whole


def code_form(world: OAuthWorld, **changed: Any) -> dict[str, str]:
    """What redeems a fresh code of the bank's."""
    back, verifier = world.bank.ask(world.browser(), "mei", PASSWORD, **changed)
    callback = world.bank.redirect_uri
    whole = {"code": back["code"], "code_verifier": verifier, "redirect_uri": callback}
    return {"grant_type": "authorization_code", **whole}
