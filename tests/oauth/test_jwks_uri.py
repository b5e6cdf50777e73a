"""Clients with keys at a jwks_uri (RFC 7591 section 2): when the keys are fetched, and which keys are accepted."""

import json
from typing import Any

import pytest

from tests.support.assertions import PATHS, valid_form
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp, new_key
from tests.support.key_host import KeyHost, can_authenticate, register_remote
from tests.support.local_server import http_response
from tests.support.oauth_world import PASSWORD
from tests.support.registration import KEY, Registrar, metadata


def test_73_complete_flow_of_client_with_jwks_uri(each_remote_registrar: Registrar, host: KeyHost) -> None:
    world = each_remote_registrar.world
    remote_app = each_remote_registrar.app(register_remote(each_remote_registrar, host))
    tokens = remote_app.tokens(world.browser(), "mei", PASSWORD, scope="score:tier")
    assert remote_app.call(tokens["access_token"]).status_code == 200
    assert remote_app.refresh(tokens["refresh_token"]).status_code == 200
    assert can_authenticate(remote_app)
    assert host.fetches == 2, "once for the registration, and once for all these requests"
    assert {request.split(b" HTTP")[0] for request in host.requests} == {b"GET /somewhere/keys.json?tenant=t1"}


@pytest.mark.parametrize("path", PATHS)
def test_73_every_endpoint_fetches_keys(remote_app: FapiApp, host: KeyHost, path: str) -> None:
    assert remote_app.post(path, valid_form(remote_app, path)).status_code in {200, 201}
    assert host.fetches == 2


def test_10_signature_is_verified_with_fetched_keys(remote_app: FapiApp, host: KeyHost) -> None:
    assert can_authenticate(remote_app)
    remote_app.key = new_key(kid="k1")  # the right kid, the wrong key
    refused = remote_app.merchant_token()
    assert (refused.status_code, refused.json()["error_description"]) == (401, "Client authentication failed.")
    assert host.fetches == 2


@pytest.mark.parametrize(
    "raw_response",
    [
        pytest.param(http_response(b"{}"), id="no keys"),
        pytest.param(http_response(b"[1"), id="no JSON"),
        pytest.param(http_response(b'{"keys": [{"kty": "oct", "k": "x"}]}'), id="symmetric"),
        pytest.param(http_response(json.dumps({"keys": [KEY.as_dict(private=True)]}).encode()), id="private"),
        pytest.param(http_response(b'{"keys": [], "keys": []}'), id="repeated"),
        pytest.param(http_response(b" " * 65_537), id="large"),
        pytest.param(http_response(status=302, headers=[("Location", "http://127.0.0.1/")]), id="redirect"),
        pytest.param(http_response(b"{}", headers=[("Content-Encoding", "gzip")]), id="compressed"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_73_unusable_keys_are_rejected(
    remote_registrar: Registrar, remote_app: FapiApp, host: KeyHost, clock: MovableClock, raw_response: bytes
) -> None:
    host.raw_response = raw_response
    assert not can_authenticate(remote_app)
    refused = remote_registrar.post(metadata(jwks=None, jwks_uri=host.uri))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    host.recover()
    clock.advance(seconds=10)
    assert can_authenticate(remote_app)


def test_73_invalid_assertions_cause_no_fetch(remote_registrar: Registrar, remote_app: FapiApp, host: KeyHost) -> None:
    http, world = remote_registrar.world.http(), remote_registrar.world
    fetched = host.fetches
    wrong_key = new_key(kid="k1")
    claim_sets: list[dict[str, Any]] = [
        {"sub": "cli_test_none", "iss": "cli_test_none"},
        {"iss": "cli_test_none"},
        {"aud": "https://other.example"},
        {"exp": int(remote_app.now()) - 15},
        {"exp": int(remote_app.now()) + 3600},
        {"jti": None},
        {"sub": 5, "iss": 5},
    ]
    for claims in claim_sets:
        form = remote_app.authentication(key=wrong_key, **claims)
        assert http.post("/oauth/par", data={**valid_form(remote_app, "/oauth/par"), **form}).status_code == 401
    form = remote_app.authentication(key=b"secret", header={"alg": "HS256"})
    assert http.post("/oauth/par", data={**valid_form(remote_app, "/oauth/par"), **form}).status_code == 401
    form = {**remote_app.authentication(), "client_assertion_type": "other"}
    assert http.post("/oauth/par", data={**valid_form(remote_app, "/oauth/par"), **form}).status_code == 401
    two = http.post("/oauth/par", data=remote_app.authentication(), headers={"Authorization": "Basic YTpi"})
    assert (two.status_code, two.json()["error"]) == (401, "invalid_client")
    world.change_client(remote_app, disabled_at=world.container.clock())
    assert not can_authenticate(remote_app)
    assert host.fetches == fetched


def test_73_keys_of_other_algorithm_are_ignored(
    remote_registrar: Registrar, host: KeyHost, clock: MovableClock
) -> None:
    remote_app = remote_registrar.app(register_remote(remote_registrar, host, token_endpoint_auth_signing_alg="ES256"))
    other = new_key("Ed25519", kid="k2")
    host.keys = (KEY, other)
    assert can_authenticate(remote_app)
    remote_app.key, remote_app.alg = other, "Ed25519"
    assert not can_authenticate(remote_app)
