"""Dynamic client registration (RFC 7591): tokens, validation of the metadata, and the stored client."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OctKey
from sqlalchemy import select

from gateway.kit.crypto import base64url, digest
from gateway.store.oauth.initial_access_tokens import INITIAL_ACCESS_TOKENS
from tests.support.clock import MovableClock
from tests.support.fapi import new_key, public
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.race import race
from tests.support.registration import KEY, PATH, Registrar, bearer, metadata
from tests.support.units import reading


@pytest.fixture
def registrar(world: OAuthWorld) -> Registrar:
    return Registrar(world)


def assert_refused(response: httpx2.Response, code: str = "invalid_client_metadata", status: int = 400) -> None:
    assert (response.status_code, response.json()["error"]) == (status, code), response.text
    assert response.headers["cache-control"] == "no-store"


def test_72_response_has_registered_metadata(registrar: Registrar, world: OAuthWorld) -> None:
    response = registrar.post(metadata(software_id="x", contacts=["a@b.example"], **{"client_name#zh": "海港"}))

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    made = response.json()
    token, client_id = made["registration_access_token"], made["client_id"]
    assert client_id.startswith("cli_test_")
    assert token.startswith("sgw_test_ra_")
    assert made == {
        "client_id": client_id,
        "client_id_issued_at": int(world.container.clock().timestamp()),
        "registration_access_token": token,
        "registration_client_uri": f"{world.container.settings.issuer}{PATH}/{client_id}",
        "client_name": "Harbour app",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [public(KEY)]},
        "scope": "score:tier decisions:request decisions:read",
        "authorization_details_types": ["score", "decision"],
        "dpop_bound_access_tokens": True,
        "require_pushed_authorization_requests": True,
    }


def test_72_tokens_are_stored_as_digests(registrar: Registrar, world: OAuthWorld) -> None:
    invitation = registrar.invite()
    made = registrar.register(invitation)
    with reading(world.database) as unit:
        row = unit.clients.load(made["client_id"])
        assert row is not None
        assert row.registration_digest == digest(made["registration_access_token"])
        assert (row.profile, row.secret_digest, row.merchant_id) == ("fapi2", None, world.cars_id)
        digests = unit.connection.execute(select(INITIAL_ACCESS_TOKENS.c.digest)).scalars().all()
        assert digests == [digest(invitation)]


def test_72_registered_client_works(registrar: Registrar, world: OAuthWorld) -> None:
    app = registrar.app(registrar.register())
    tokens = app.tokens(world.browser(), "mei", PASSWORD, scope="score:tier")
    assert tokens["token_type"] == "DPoP"
    assert app.call(tokens["access_token"]).status_code == 200


def test_71_missing_token_gets_no_error_code(world: OAuthWorld) -> None:
    response = world.http().post(PATH, json=metadata())
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == f'Bearer realm="{world.container.settings.issuer}"'


def _used(registrar: Registrar) -> str:
    token = registrar.invite()
    registrar.register(token)
    return token


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(_used, id="used"),
        pytest.param(lambda _: "sgw_test_ia_unknown", id="unknown"),
        pytest.param(lambda _: "x" * 600, id="long"),
        pytest.param(lambda r: r.register()["registration_access_token"], id="registration token"),
        pytest.param(lambda r: r.world.tokens()["access_token"], id="access token"),
    ],
)
def test_71_invalid_token_is_rejected(registrar: Registrar, token: Callable[[Registrar], str]) -> None:
    response = registrar.post(metadata(), token(registrar))
    assert_refused(response, "invalid_token", 401)
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


def test_71_expired_token_is_rejected(registrar: Registrar, clock: MovableClock, world: OAuthWorld) -> None:
    early, late = registrar.invite(life=timedelta(hours=1)), registrar.invite(life=timedelta(hours=1))
    world.move_partner(timedelta(days=30))  # business time does not matter here
    clock.advance(minutes=59)
    registrar.register(early)
    clock.advance(minutes=1)
    assert_refused(registrar.post(metadata(), late), "invalid_token", 401)


def test_71_invalid_metadata_does_not_use_up_token(registrar: Registrar) -> None:
    token = registrar.invite()
    assert_refused(registrar.post(metadata(jwks=None), token))
    registrar.register(token)


@pytest.mark.postgresql
def test_71_token_registers_one_client(racing_world: OAuthWorld) -> None:
    registrar = Registrar(racing_world)
    token = registrar.invite()
    responses = race(lambda _: registrar.post(metadata(), token).status_code, 8)
    assert sorted(responses) == [201] + [401] * 7


REDIRECT_URIS = [
    "http://client.example/cb",
    "javascript:alert(1)",
    "https://*.client.example/cb",
    "https://client.example/*",
    "https://client.example/cb#top",
    "https://user@client.example/cb",
    "https:///cb",
    "/cb",
    "",
    "https://client.example/\ncb",
]


@pytest.mark.parametrize("uri", REDIRECT_URIS)
def test_71_invalid_redirect_uri_is_rejected(registrar: Registrar, uri: str) -> None:
    assert_refused(registrar.post(metadata(redirect_uris=[CALLBACK, uri])), "invalid_redirect_uri")


@pytest.mark.parametrize("uris", [None, []], ids=["absent", "empty"])
def test_71_code_grant_requires_redirect_uris(registrar: Registrar, uris: Any) -> None:
    assert_refused(registrar.post(metadata(redirect_uris=uris)), "invalid_redirect_uri")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"grant_types": ["password"]}, id="unknown grant"),
        pytest.param({"grant_types": []}, id="no grant"),
        pytest.param({"grant_types": ["refresh_token", "client_credentials"]}, id="refresh without code"),
        pytest.param({"grant_types": ["client_credentials"], "response_types": ["code"]}, id="code without grant"),
        pytest.param({"response_types": []}, id="grant without code"),
        pytest.param({"response_types": ["code", "token"]}, id="implicit"),
        *(
            pytest.param({"token_endpoint_auth_method": name}, id=name)
            for name in ("client_secret_basic", "client_secret_post", "client_secret_jwt", "none", "tls_client_auth")
        ),
        pytest.param({"token_endpoint_auth_signing_alg": "RS256"}, id="RS256"),
        pytest.param({"token_endpoint_auth_signing_alg": "none"}, id="alg none"),
        pytest.param({"token_endpoint_auth_signing_alg": "PS256"}, id="alg of another key"),
        pytest.param({"jwks": None}, id="no keys"),
        pytest.param({"jwks": None, "jwks_uri": "https://client.example/jwks"}, id="jwks_uri"),
        pytest.param({"jwks_uri": "https://client.example/jwks"}, id="jwks and jwks_uri"),
        pytest.param({"dpop_bound_access_tokens": False}, id="bearer tokens"),
        pytest.param({"require_pushed_authorization_requests": False}, id="without PAR"),
        pytest.param({"client_name": ""}, id="empty name"),
        pytest.param({"client_name": "x" * 65}, id="long name"),
        pytest.param({"client_name": "a\u202eb"}, id="name that turns the text"),
        pytest.param({"scope": "score:everything"}, id="unknown scope"),
        pytest.param({"scope": ""}, id="empty scope"),
        pytest.param({"authorization_details_types": ["payment"]}, id="unknown type"),
    ],
)
def test_71_invalid_metadata_is_rejected(registrar: Registrar, changed: dict[str, Any]) -> None:
    response = registrar.post(metadata(**changed))
    assert_refused(response)
    assert response.json()["error_description"]


@pytest.mark.parametrize("name", sorted({*metadata(), "response_types", "jwks_uri", "dpop_bound_access_tokens"}))
@pytest.mark.parametrize("value", [5, 1.5, {"a": []}, [5], [["x"]], [None], False], ids=repr)
def test_71_values_of_wrong_type_are_rejected(registrar: Registrar, name: str, value: Any) -> None:
    assert_refused(registrar.post(metadata(**{name: value})))


def test_71_software_statement_is_rejected(registrar: Registrar) -> None:
    assert_refused(registrar.post(metadata(software_statement="e30.e30.")), "unapproved_software_statement")


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(KEY.as_dict(private=True), id="private"),
        pytest.param(OctKey.generate_key(256).as_dict(), id="symmetric"),
        pytest.param({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, id="not a point"),
        pytest.param({**public(KEY), "use": "enc"}, id="for encryption"),
        pytest.param({**public(KEY), "alg": "ES384"}, id="other alg"),
        pytest.param({}, id="empty"),
        pytest.param("x", id="text"),
    ],
)
def test_13_invalid_key_is_rejected(registrar: Registrar, key: Any) -> None:
    assert_refused(registrar.post(metadata(jwks={"keys": [key]})))


def test_13_short_rsa_keys_and_other_curves_are_rejected(registrar: Registrar) -> None:
    number = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505
    short = {"kty": "RSA", "n": base64url(number.to_bytes(128)), "e": "AQAB"}
    for key in (short, *(public(ECKey.generate_key(curve)) for curve in ("P-384", "secp256k1"))):
        assert_refused(registrar.post(metadata(jwks={"keys": [key]})))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_13_supported_keys_are_accepted(registrar: Registrar, alg: str) -> None:
    keys = {"keys": [public(new_key(alg))]}
    made = registrar.register(jwks=keys, token_endpoint_auth_signing_alg=alg)
    assert (made["jwks"], made["token_endpoint_auth_signing_alg"]) == (keys, alg)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"{}", "application/x-www-form-urlencoded", 415, id="form"),
        pytest.param(b"{}", "", 415, id="no content type"),
        pytest.param(b"{" + b" " * 70_000 + b"}", "application/json", 413, id="too large"),
        pytest.param(b"[]", "application/json", 400, id="array"),
        pytest.param(b"", "application/json", 400, id="empty"),
        pytest.param(b'{"client_name": "a", "client_name": "b"}', "application/json", 400, id="repeated"),
        pytest.param(b'{"jwks": {"keys": [], "keys": []}}', "application/json", 400, id="repeated inside"),
        pytest.param(b'{"client_name": "\xff"}', "application/json", 400, id="not UTF-8"),
        pytest.param(b'{"client_name": "\\ud800"}', "application/json", 400, id="half a character"),
        pytest.param(b'{"a": NaN}', "application/json", 400, id="NaN"),
        pytest.param(b"[" * 30_000, "application/json", 400, id="deep"),
        pytest.param(b'{"a":' * 900 + b"1" + b"}" * 900, "application/json", 400, id="deep objects"),
        pytest.param(b'{"a": ' + b"9" * 6000 + b"}", "application/json", 400, id="large number"),
    ],
)
def test_71_unreadable_body_is_rejected(registrar: Registrar, body: bytes, kind: str, status: int) -> None:
    headers = {**bearer(registrar.invite()), "Content-Type": kind}
    response = registrar.world.http().post(PATH, content=body, headers=headers)
    assert response.status_code == status
    assert response.json()["error"] in {"invalid_request", "invalid_client_metadata", "invalid_redirect_uri"}


def test_absent_members_have_defaults(registrar: Registrar) -> None:
    body = {"redirect_uris": [CALLBACK], "jwks": {"keys": [public(KEY)]}, "client_name": None}
    made = registrar.post(body).json()
    assert made["grant_types"] == ["authorization_code"]
    assert made["client_name"] == made["client_id"]
    assert made["scope"] == "score:tier decisions:request decisions:read"


def test_client_without_code_grant_needs_no_redirect_uri(registrar: Registrar) -> None:
    made = registrar.register(grant_types=["client_credentials"], redirect_uris=None)
    assert (made["redirect_uris"], made["response_types"]) == ([], [])
    app = registrar.app(made)
    assert app.merchant_token().json()["scope"] == "decisions:read"
