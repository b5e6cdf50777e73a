"""Requests to every endpoint that a client calls, with a client assertion of one's choice."""

from typing import Any

import httpx2

from tests.support.clock import NOON
from tests.support.fapi import FapiApp
from tests.support.oauth import pkce
from tests.support.oauth_world import OAuthWorld

PATHS = ["/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"]
NOW = int(NOON.timestamp())


def valid_form(app: FapiApp, path: str) -> dict[str, str]:
    """A request to this endpoint that is right but for the client's authentication."""
    bodies = {
        "/oauth/par": app.parameters(pkce()[1], client_id=None),
        "/oauth/token": {"grant_type": "client_credentials"},
        "/oauth/device_authorization": {"scope": "score:tier"},
    }
    return bodies.get(path, {"token": "unknown"})


def send(
    world: OAuthWorld,
    path: str,
    form: dict[str, str],
    *,
    app: FapiApp | None = None,
    headers: dict[str, str] | None = None,
) -> httpx2.Response:
    """The answer to the endpoint's right request with these fields of client authentication."""
    app = app or world.bank
    app.nonce = world.nonces.current(world.container.clock())
    if path == "/oauth/token":
        headers = {**(headers or {}), "DPoP": app.proof(path)}
    return world.http().post(path, data={**valid_form(app, path), **form}, headers=headers)


def assert_accepted(world: OAuthWorld, path: str = "/oauth/par", **bent: Any) -> None:
    answer = send(world, path, world.bank.authentication(**bent))
    assert answer.status_code in {200, 201}, answer.text


def assert_refused(answer: httpx2.Response, status: int = 401, error: str = "invalid_client") -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def assert_refused_everywhere(world: OAuthWorld, **bent: Any) -> None:
    """Refused at each endpoint, in the same words as a client that does not exist."""
    for path in PATHS:
        answer = send(world, path, world.bank.authentication(**bent))
        assert_refused(answer)
        assert answer.json()["error_description"] == "Client authentication failed."
        assert "www-authenticate" not in answer.headers  # the client does not use HTTP authentication


def replace_keys(world: OAuthWorld, *keys: dict[str, Any]) -> None:
    """Registers these keys for the bank in place of its own."""
    world.change_client(world.bank, jwks={"keys": list(keys)})
