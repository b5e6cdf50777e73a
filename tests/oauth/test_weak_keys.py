"""Weak keys at each place where a key enters: registration, jwks_uri, stored keys and proofs of possession."""

import json
from typing import Any

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.identity.client import FAPI2
from gateway.kit import json as kit_json
from gateway.kit.crypto import base64url
from tests.support import dpop
from tests.support.assertions import assert_accepted, assert_refused_everywhere, replace_keys, send
from tests.support.fapi import ASSERTION_TYPE, FapiApp, new_key, public
from tests.support.key_host import KeyHost, can_authenticate, register_remote
from tests.support.local_server import http_response
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import KEY, Registrar, metadata
from tests.support.units import writing
from tests.support.weak_keys import SAMPLES, SMALL_ORDER, WEAK

ENTRIES = [pytest.param(WEAK[name], id=f"D6-{name}") for name in SAMPLES]
FORGED = (1).to_bytes(32, "little") + bytes(32)
"""Under some keys of small order a signature of every message."""


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (base64url(kit_json.encode(part)) for part in (header, claims))
    return f"{'.'.join(parts)}.{base64url(FORGED)}"


@pytest.mark.parametrize("jwk", ENTRIES)
def test_registration_refuses_weak_key(world: OAuthWorld, jwk: dict[str, Any]) -> None:
    response = Registrar(world).post(metadata(jwks={"keys": [{**public(KEY)}, {**jwk, "kid": "k2"}]}))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("jwk", ENTRIES)
def test_update_of_registration_refuses_weak_key(world: OAuthWorld, jwk: dict[str, Any]) -> None:
    registrar = Registrar(world)
    made = registrar.register()
    changed = metadata(client_id=made["client_id"], jwks={"keys": [jwk]})
    assert registrar.manage("PUT", made, json=changed).status_code == 400
    assert registrar.manage("GET", made).json()["jwks"] == made["jwks"]


@pytest.mark.parametrize("jwk", ENTRIES)
def test_operator_cannot_register_weak_key(world: OAuthWorld, jwk: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput), writing(world.database) as unit:
        world.container.clients.register(unit, world.cars_id, "Backend", [], profile=FAPI2, jwks={"keys": [jwk]})


@pytest.mark.parametrize("jwk", ENTRIES)
def test_proof_with_weak_key_is_refused(bank: FapiApp, jwk: dict[str, Any]) -> None:
    alg = {"OKP": "Ed25519", "EC": "ES256", "RSA": "PS256"}[jwk["kty"]]
    dpop.assert_refused(dpop.request_with_proof(bank, header={"alg": alg, "jwk": jwk}, key=new_key(alg)))
    dpop.assert_granted(dpop.request_with_proof(bank))


@pytest.mark.parametrize("name", [pytest.param(name, id=f"D6-{name}") for name in SMALL_ORDER])
def test_signature_that_nobody_made_passes_nowhere(world: OAuthWorld, name: str) -> None:
    """The keys are stored directly, as if they had been registered before they were refused."""
    jwk = {**SMALL_ORDER[name], "kid": "weak"}
    replace_keys(world, public(world.bank.key), jwk)
    now = int(world.bank.now())
    header = {"alg": "Ed25519", "kid": "weak"}
    client_id = world.bank.client_id
    for number in range(8):  # a key of order 8 verifies one message in eight
        claims = {"iss": client_id, "sub": client_id, "aud": world.bank.issuer, "exp": now + 60, "jti": f"j{number}"}
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": unsigned(header, claims)}
        assert send(world, "/oauth/introspect", form).status_code == 401
    assert_accepted(world, header={"kid": None})  # the other key of the client still works


def test_d6_forged_proof_is_refused(bank: FapiApp) -> None:
    for number, jwk in enumerate(SMALL_ORDER.values()):
        claims = {"jti": f"j{number}", "htm": "POST", "htu": bank.issuer + dpop.TOKEN, "iat": int(bank.now())}
        header = {"typ": "dpop+jwt", "alg": "Ed25519", "jwk": jwk}
        dpop.assert_refused(dpop.request_token(bank, unsigned(header, {**claims, "nonce": bank.nonce})))


def test_d6_stored_key_that_became_weak_is_ignored(world: OAuthWorld) -> None:
    replace_keys(world, {**WEAK["rsa-even-modulus"], "kid": "old"})
    assert_refused_everywhere(world, header={"kid": None})


FOREIGN_KEYS = [
    pytest.param({**public(new_key(kid="enc")), "use": "enc"}, id="D11-use-enc"),
    pytest.param({"kty": "XYZ", "kid": "new"}, id="D11-unknown-kty"),
    pytest.param({"kid": "no kty"}, id="D11-no-kty"),
    pytest.param({"kty": ["EC"], "kid": "list"}, id="D11-kty-of-another-type"),
    pytest.param({"kty": "EC", "crv": "P-256", "kid": "no coordinates"}, id="D11-missing-member"),
    pytest.param(public(new_key(kid=None)), id="D11-no-kid"),
    pytest.param({**public(new_key()), "kid": 5}, id="D11-kid-is-a-number"),
    pytest.param(public(new_key()), id="D11-kid-twice"),
    pytest.param({**public(new_key(kid="es384")), "alg": "ES384"}, id="D11-unknown-alg"),
    pytest.param(new_key(kid="private").as_dict(private=True), id="D11-private-key"),
    pytest.param("a text", id="D11-no-object"),
    *(pytest.param({**WEAK[name], "kid": name}, id=f"D11-{name}") for name in SAMPLES),
]


def publish(host: KeyHost, *keys: Any, mark: bytes = b"") -> None:
    """Makes the host respond with these keys."""
    host.raw_response = http_response(mark + json.dumps({"keys": keys}).encode())


@pytest.mark.parametrize("foreign", FOREIGN_KEYS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_foreign_key_at_jwks_uri_is_ignored(
    remote_registrar: Registrar, host: KeyHost, foreign: Any, place: str
) -> None:
    publish(host, *([foreign, public(KEY)] if place == "before" else [public(KEY), foreign]))
    assert can_authenticate(remote_registrar.app(register_remote(remote_registrar, host)))


@pytest.mark.parametrize("foreign", FOREIGN_KEYS[:1])
def test_foreign_key_inline_is_refused(remote_registrar: Registrar, foreign: Any) -> None:
    """An inline set is for this server only, and its sender can correct it."""
    assert remote_registrar.post(metadata(jwks={"keys": [public(KEY), foreign]})).status_code == 400


def test_d11_eleventh_key_at_jwks_uri_is_ignored(remote_registrar: Registrar, host: KeyHost) -> None:
    eleventh = new_key(kid="k11")
    others = [public(new_key(kid=f"other-{number}")) for number in range(9)]
    publish(host, *others, public(KEY), public(eleventh))
    app = remote_registrar.app(register_remote(remote_registrar, host))
    assert can_authenticate(app)
    app.key = eleventh
    assert not can_authenticate(app)


def test_d11_byte_order_mark_is_ignored(remote_registrar: Registrar, host: KeyHost) -> None:
    publish(host, public(KEY), mark=b"\xef\xbb\xbf")
    assert can_authenticate(remote_registrar.app(register_remote(remote_registrar, host)))


def test_d11_one_fitting_key_at_jwks_uri_is_enough(remote_registrar: Registrar, host: KeyHost) -> None:
    host.keys = (new_key("Ed25519", kid="k2"), KEY)
    made = register_remote(remote_registrar, host, token_endpoint_auth_signing_alg="ES256")
    assert can_authenticate(remote_registrar.app(made))


def test_d11_only_hundred_entries_are_read(remote_registrar: Registrar, host: KeyHost) -> None:
    publish(host, *([{}] * 99), public(KEY))
    assert can_authenticate(remote_registrar.app(register_remote(remote_registrar, host)))
    publish(host, *([{}] * 100), public(KEY))
    refused = remote_registrar.post(metadata(jwks=None, jwks_uri=host.uri))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")


def test_d11_set_without_usable_key_is_refused(remote_registrar: Registrar, host: KeyHost) -> None:
    publish(host, {"kty": "XYZ"})
    refused = remote_registrar.post(metadata(jwks=None, jwks_uri=host.uri))
    assert refused.json()["error_description"] == "jwks_uri: Its keys cannot be used: None of the keys can be used."
