"""private_key_jwt, alike at every endpoint that a client calls (RFC 7523 section 3, FAPI 2.0 section 5.3.2.1)."""

import base64
import warnings
from itertools import permutations
from typing import Any

import httpx2
import pytest
from joserfc.jwk import RSAKey

from gateway.kit import json
from gateway.store.clients import ClientRow
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import ASSERTION_TYPE, NULL, FapiApp, new_key, public
from tests.support.oauth import pkce
from tests.support.oauth_world import World
from tests.support.race import race

PATHS = ["/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"]
NOW = int(NOON.timestamp())


def body(app: FapiApp, path: str) -> dict[str, str]:
    """A request to this endpoint that is right but for the client's authentication."""
    bodies = {
        "/oauth/par": app.parameters(pkce()[1], client_id=None),
        "/oauth/token": {"grant_type": "client_credentials"},
        "/oauth/device_authorization": {"scope": "score:tier"},
    }
    return bodies.get(path, {"token": "unknown"})


def send(
    world: World, path: str, form: dict[str, str], *, app: FapiApp | None = None, headers: dict[str, str] | None = None
) -> httpx2.Response:
    """The answer to the endpoint's right request with these fields of client authentication."""
    app = app or world.bank
    app.nonce = world.parts.proofs.nonces.current(world.parts.clock())
    if path == "/oauth/token":
        headers = {**(headers or {}), "DPoP": app.proof(path)}
    return world.http().post(path, data={**body(app, path), **form}, headers=headers)


def accepted(world: World, path: str = "/oauth/par", **bent: Any) -> None:
    answer = send(world, path, world.bank.authentication(**bent))
    assert answer.status_code in {200, 201}, answer.text


def refused(answer: httpx2.Response, status: int = 401, error: str = "invalid_client") -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"


def refused_everywhere(world: World, **bent: Any) -> None:
    """Refused at each endpoint, in the same words as a client that does not exist."""
    for path in PATHS:
        answer = send(world, path, world.bank.authentication(**bent))
        refused(answer)
        assert answer.json()["error_description"] == "Client authentication failed."
        assert "www-authenticate" not in answer.headers  # the client does not use HTTP authentication


def other_keys(world: World, *keys: dict[str, Any]) -> None:
    """Registers these keys for the bank in place of its own."""
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).jwks = {"keys": list(keys)}


@pytest.mark.parametrize("path", PATHS)
def test_4_an_assertion_is_needed(world: World, path: str) -> None:
    accepted(world, path)
    named = {"client_id": world.bank.client_id}
    for form in (named, {**named, "client_assertion_type": ASSERTION_TYPE}):
        refused(send(world, path, form))
    signed = world.bank.assertion()
    for kind in ("", "jwt-bearer", ASSERTION_TYPE.upper()):
        refused(send(world, path, {**named, "client_assertion": signed, "client_assertion_type": kind}))
    for text in ("x", "a.b.c", "." * 500, signed[:-2], f"{signed}.x", signed.replace(".", " "), "é.é.é", "e30.e30."):
        refused(send(world, path, {"client_assertion": text, "client_assertion_type": ASSERTION_TYPE}))


@pytest.mark.parametrize("path", PATHS)
def test_4_each_profile_has_its_own_method(world: World, path: str) -> None:
    pair = base64.b64encode(f"{world.bank.client_id}:{world.cars.secret}".encode()).decode()
    refused(send(world, path, {}, headers={"Authorization": f"Basic {pair}"}))
    cars = world.cars.client_id
    with world.database.write() as session:  # a key does not make a baseline client one of the other profile
        session.get_one(ClientRow, cars).jwks = {"keys": [public(world.bank.key)]}
    refused(send(world, path, world.bank.authentication(iss=cars, sub=cars)))


@pytest.mark.parametrize("path", PATHS)
def test_5_the_audience_is_the_issuer_as_a_string(world: World, path: str) -> None:
    issuer = world.parts.settings.issuer
    for audience in (
        *(issuer + path for path in PATHS),
        "https://other.example",
        [issuer],
        [issuer, "https://other.example"],
        issuer + "/",
        issuer.upper(),
        "",
        5,
        {},
        NULL,
        None,
    ):
        refused(send(world, path, world.bank.authentication(aud=audience)))
    accepted(world, path, aud=issuer)


@pytest.mark.parametrize(
    "bent",
    [
        {"exp": None},
        {"exp": NULL},
        {"exp": "1795000000"},
        {"exp": True},
        {"exp": NOW - 300},
        {"exp": NOW},
        {"exp": NOW + 86400},
        {"exp": NOW + 616},
        {"exp": 1e300},
        {"jti": None},
        {"jti": ""},
        {"jti": 5},
        {"jti": NULL},
        {"jti": "x" * 257},
        {"sub": None},
        {"sub": 5},
        {"sub": ["x"]},
        {"sub": NULL},
        {"sub": ""},
        {"sub": "\x00"},
        {"sub": "cli_test_nobody"},
        {"iss": None},
        {"iss": 5},
        {"iss": "cli_test_nobody"},
    ],
    ids=str,
)
def test_6_claims_that_are_absent_or_wrong(world: World, bent: dict[str, Any]) -> None:
    refused_everywhere(world, **bent)
    accepted(world)


def test_6_iss_is_not_sub(world: World) -> None:
    for who in (world.rival.client_id, world.cars.client_id):
        refused_everywhere(world, iss=who)
        refused_everywhere(world, sub=who)


def test_6_the_longest_life_is_ten_minutes_and_a_slow_clock(world: World) -> None:
    accepted(world, exp=NOW + 615)
    accepted(world, exp=NOW + 1)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_7_a_clock_may_be_a_little_ahead(world: World, name: str) -> None:
    for path in PATHS:
        ahead: dict[str, Any] = {name: NOW + 10}
        accepted(world, path, **ahead)
        refused(send(world, path, world.bank.authentication(**{name: NOW + 61})))
    absent: dict[str, Any] = {name: None}
    accepted(world, **absent)
    wrong: list[Any] = ["soon", NULL, [], True]
    for junk in wrong:
        refused(send(world, "/oauth/par", world.bank.authentication(**{name: junk})))


def test_7_a_server_clock_behind_ours(world: World, clock: MovableClock) -> None:
    signed = world.bank.authentication()
    clock.advance(seconds=-8)
    assert send(world, "/oauth/par", signed).status_code == 201


def test_8_an_assertion_is_good_once_at_whatever_endpoint(each_world: World) -> None:
    pairs = [*permutations(PATHS, 2), *((path, path) for path in PATHS)]
    for first, second in pairs:
        signed = each_world.bank.authentication()
        assert send(each_world, first, signed).status_code in {200, 201}
        refused(send(each_world, second, signed))


def test_8_for_as_long_as_it_could_be_used(each_world: World, clock: MovableClock) -> None:
    signed = each_world.bank.authentication(exp=NOW + 600)
    assert send(each_world, "/oauth/par", signed).status_code == 201
    for _ in range(6):
        clock.advance(seconds=99)
        accepted(each_world)  # each use clears away what has expired
        refused(send(each_world, "/oauth/par", signed))


def test_8_another_jwt_with_the_same_jti_is_a_replay(each_world: World) -> None:
    accepted(each_world, jti="once")
    refused(send(each_world, "/oauth/token", each_world.bank.authentication(jti="once", exp=NOW + 90)))
    other = each_world.rival.authentication(jti="once")  # of another client it is another jti
    assert send(each_world, "/oauth/par", other, app=each_world.rival).status_code == 201


def test_8_eight_at_once(racing_world: World) -> None:
    signed = racing_world.bank.authentication()
    answers = race(lambda _: racing_world.http().post("/oauth/introspect", data={**signed, "token": "x"}))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


def test_8_a_request_that_failed_has_used_its_assertion(each_world: World) -> None:
    signed = each_world.bank.authentication()
    answer = send(each_world, "/oauth/par", {**signed, "code_challenge_method": "plain"})
    refused(answer, 400, "invalid_request")
    refused(send(each_world, "/oauth/par", signed))


def test_9_unsigned(world: World) -> None:
    claims = world.bank.assertion().split(".")[1]
    for alg in ("none", "None", "NONE", ""):
        header = base64.urlsafe_b64encode(json.encode({"alg": alg})).rstrip(b"=").decode()
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": f"{header}.{claims}."}
        for path in PATHS:
            refused(send(world, path, form))


def test_9_keyed_with_the_public_key(world: World) -> None:
    public_key = world.bank.key.as_pem(private=False)
    for secret in (public_key, public_key.strip(), json.encode(public(world.bank.key))):
        refused_everywhere(world, header={"alg": "HS256", "kid": "k1"}, key=secret)


@pytest.mark.parametrize("alg", ["RS256", "RS384", "PS384", "PS512"])
def test_9_another_algorithm_of_an_rsa_key(world: World, alg: str) -> None:
    key = new_key("PS256")
    other_keys(world, public(key))
    accepted(world, header={"alg": "PS256"}, key=key)
    refused_everywhere(world, header={"alg": alg}, key=key)


def test_9_an_algorithm_that_does_not_fit_the_key(world: World) -> None:
    rsa, okp = new_key("PS256", "rsa"), new_key("Ed25519", "okp")
    other_keys(world, public(rsa), public(okp))
    refused_everywhere(world, header={"alg": "ES256", "kid": "rsa"}, key=world.bank.key)
    refused_everywhere(world, header={"alg": "PS256", "kid": "okp"}, key=rsa)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_9_what_is_accepted(world: World, alg: str) -> None:
    key = new_key(alg)
    other_keys(world, public(key))
    for path in PATHS:
        accepted(world, path, header={"alg": alg}, key=key)


def test_10_anothers_key_and_an_unknown_kid(world: World) -> None:
    refused_everywhere(world, key=world.rival.key)
    refused_everywhere(world, key=new_key())  # of the same kid
    kids: list[Any] = ["unknown", "", "x" * 300, 5, {}, ["k1"]]
    for kid in kids:
        refused_everywhere(world, header={"kid": kid})
    accepted(world, header={"kid": None})  # all keys are tried


def test_10_a_key_that_was_replaced(world: World) -> None:
    old, new = world.bank.key, new_key(kid="k2")
    other_keys(world, public(old), public(new))
    accepted(world, key=old)
    accepted(world, key=new)
    accepted(world, key=new, header={"kid": None})
    other_keys(world, public(new))
    refused_everywhere(world, key=old)


def test_11_header_members_that_are_not_known(world: World) -> None:
    certificate = base64.b64encode(b"\x30\x82" * 400).decode()
    kinds = [{"typ": "JWT"}, {"typ": "client-authentication+jwt"}]
    for header in (*kinds, {"foo": "bar"}, {"x5c": [certificate]}):
        for path in PATHS:
            accepted(world, path, header=header)
    critical: list[Any] = [{"crit": ["foo"], "foo": 1}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": NULL}]
    for header in critical:
        refused_everywhere(world, header=header)


def test_11_a_key_in_the_header_is_not_believed(world: World) -> None:
    key = new_key()
    refused_everywhere(world, key=key, header={"jwk": public(key)})
    refused_everywhere(world, key=key, header={"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"})


@pytest.mark.parametrize("path", PATHS)
def test_12_the_client_id_beside_an_assertion(world: World, path: str) -> None:
    own = {**world.bank.authentication(), "client_id": world.bank.client_id}
    assert send(world, path, own).status_code in {200, 201}
    for who in (world.rival.client_id, world.cars.client_id, "unknown"):
        refused(send(world, path, {**world.bank.authentication(), "client_id": who}))


@pytest.mark.parametrize("path", PATHS)
def test_12_two_methods_at_once(world: World, path: str) -> None:
    for headers in (world.cars.auth, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}):
        refused(send(world, path, world.bank.authentication(), headers=headers))
    refused(send(world, path, {**world.bank.authentication(), "client_secret": "x"}))


def test_13_a_key_that_grew_too_short_is_not_used(world: World) -> None:
    # Registration refuses it; here it stands in the database all the same.
    with warnings.catch_warnings(action="ignore"):
        short = RSAKey.generate_key(1024, {"kid": "k1"})
    other_keys(world, public(short))
    refused_everywhere(world, header={"alg": "PS256"}, key=short)


def test_a_disabled_client(world: World) -> None:
    with world.database.write() as session:
        session.get_one(ClientRow, world.bank.client_id).disabled_at = NOON
    refused_everywhere(world)
