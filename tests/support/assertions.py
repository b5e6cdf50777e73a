"""Requests with client assertions to the endpoints that authenticate clients, and checks of the responses."""

from typing import Any

import httpx2

from tests.support.clock import NOON
from tests.support.fapi import FapiApp
from tests.support.oauth import pkce
from tests.support.oauth_world import OAuthWorld

PATHS = ["/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"]
NOW = int(NOON.timestamp())


def valid_form(app: FapiApp, path: str) -> dict[str, str]:
    """The form of a valid request to the endpoint, without client authentication."""
    forms = {
        "/oauth/par": app.parameters(pkce()[1], client_id=None),
        "/oauth/token": {"grant_type": "client_credentials"},
        "/oauth/device_authorization": {"scope": "score:tier"},
    }
    return forms.get(path, {"token": "unknown"})


def send(
    world: OAuthWorld,
    path: str,
    form: dict[str, str],
    *,
    app: FapiApp | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """Returns the response to a valid request with these fields of client authentication."""
    app = app or world.bank
    app.nonce = world.nonces.current(world.container.clock())
    if path == "/oauth/token":
        headers = {**(headers or {}), "DPoP": app.proof(path)}
    return world.http().post(path, data={**valid_form(app, path), **form}, headers=headers)


def assert_accepted(world: OAuthWorld, path: str = "/oauth/par", **claims: Any) -> None:
    response = send(world, path, world.bank.authentication(**claims))
    assert response.status_code in {200, 201}, response.text


def assert_refused(response: httpx2.Response, status: int = 401, error: str = "invalid_client") -> None:
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


def assert_refused_everywhere(world: OAuthWorld, **claims: Any) -> None:
    """Each endpoint refuses the assertion, with the same message as for an unknown client."""
    for path in PATHS:
        response = send(world, path, world.bank.authentication(**claims))
        assert_refused(response)
        assert response.json()["error_description"] == "Client authentication failed."
        assert (
            response.headers["www-authenticate"]
            == f'private_key_jwt realm="{world.bank.issuer}", error="invalid_client"'
        )


def replace_keys(world: OAuthWorld, *keys: dict[str, Any]) -> None:
    """Replaces the bank's registered keys."""
    world.change_client(world.bank, jwks={"keys": list(keys)})
