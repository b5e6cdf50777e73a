"""Requests to the token endpoint with DPoP proofs (RFC 9449), and checks of the responses."""

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
    """Returns the response of the token endpoint to a request with these DPoP headers. `data` is the form, by default
    for a merchant token."""
    form = {**app.authentication(), **(data or {"grant_type": "client_credentials"})}
    return app.http.post(TOKEN, data=form, headers=[("DPoP", proof) for proof in proofs])


def request_with_proof(app: FapiApp, **changed: Any) -> httpx2.Response:
    return request_token(app, app.proof(TOKEN, **changed))


def assert_refused(response: httpx2.Response, error: str = "invalid_dpop_proof") -> None:
    assert (response.status_code, response.json()["error"]) == (400, error), response.text
    assert response.headers["cache-control"] == "no-store"


def assert_granted(response: httpx2.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    assert body["token_type"] == "DPoP"
    return body


def code_form(world: OAuthWorld, **changed: Any) -> dict[str, str]:
    """A token request that redeems a new authorization code of the bank."""
    parameters, verifier = world.bank.ask(world.browser(), "mei", PASSWORD, **changed)
    form = {"code": parameters["code"], "code_verifier": verifier, "redirect_uri": world.bank.redirect_uri}
    return {"grant_type": "authorization_code", **form}
