"""private_key_jwt, alike at every endpoint that a client calls (RFC 7523 section 3, FAPI 2.0 section 5.3.2.1)."""

import base64
from itertools import permutations
from typing import Any

import pytest

from tests.support.assertions import NOW, PATHS, accepted, refused, refused_everywhere, send
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import ASSERTION_TYPE, NULL, public
from tests.support.oauth_world import OAuthWorld
from tests.support.race import race


@pytest.mark.parametrize("path", PATHS)
def test_4_an_assertion_is_needed(world: OAuthWorld, path: str) -> None:
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
def test_4_each_profile_has_its_own_method(world: OAuthWorld, path: str) -> None:
    pair = base64.b64encode(f"{world.bank.client_id}:{world.cars.secret}".encode()).decode()
    refused(send(world, path, {}, headers={"Authorization": f"Basic {pair}"}))
    cars = world.cars.client_id
    # A key does not make a baseline client one of the other profile.
    world.change_client(world.cars, jwks={"keys": [public(world.bank.key)]})
    refused(send(world, path, world.bank.authentication(iss=cars, sub=cars)))


@pytest.mark.parametrize("path", PATHS)
def test_5_the_audience_is_the_issuer_as_a_string(world: OAuthWorld, path: str) -> None:
    issuer = world.container.settings.issuer
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
def test_6_claims_that_are_absent_or_wrong(world: OAuthWorld, bent: dict[str, Any]) -> None:
    refused_everywhere(world, **bent)
    accepted(world)


def test_6_iss_is_not_sub(world: OAuthWorld) -> None:
    for who in (world.rival.client_id, world.cars.client_id):
        refused_everywhere(world, iss=who)
        refused_everywhere(world, sub=who)


def test_6_the_longest_life_is_ten_minutes_and_a_slow_clock(world: OAuthWorld) -> None:
    accepted(world, exp=NOW + 615)
    accepted(world, exp=NOW + 1)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_7_a_clock_may_be_a_little_ahead(world: OAuthWorld, name: str) -> None:
    for path in PATHS:
        ahead: dict[str, Any] = {name: NOW + 10}
        accepted(world, path, **ahead)
        refused(send(world, path, world.bank.authentication(**{name: NOW + 61})))
    absent: dict[str, Any] = {name: None}
    accepted(world, **absent)
    wrong: list[Any] = ["soon", NULL, [], True]
    for junk in wrong:
        refused(send(world, "/oauth/par", world.bank.authentication(**{name: junk})))


def test_7_a_server_clock_behind_ours(world: OAuthWorld, clock: MovableClock) -> None:
    signed = world.bank.authentication()
    clock.advance(seconds=-8)
    assert send(world, "/oauth/par", signed).status_code == 201


def test_8_an_assertion_is_good_once_at_whatever_endpoint(each_world: OAuthWorld) -> None:
    pairs = [*permutations(PATHS, 2), *((path, path) for path in PATHS)]
    for first, second in pairs:
        signed = each_world.bank.authentication()
        assert send(each_world, first, signed).status_code in {200, 201}
        refused(send(each_world, second, signed))


def test_8_for_as_long_as_it_could_be_used(each_world: OAuthWorld, clock: MovableClock) -> None:
    signed = each_world.bank.authentication(exp=NOW + 600)
    assert send(each_world, "/oauth/par", signed).status_code == 201
    for _ in range(6):
        clock.advance(seconds=99)
        accepted(each_world)  # each use clears away what has expired
        refused(send(each_world, "/oauth/par", signed))


def test_8_another_jwt_with_the_same_jti_is_a_replay(each_world: OAuthWorld) -> None:
    accepted(each_world, jti="once")
    refused(send(each_world, "/oauth/token", each_world.bank.authentication(jti="once", exp=NOW + 90)))
    other = each_world.rival.authentication(jti="once")  # of another client it is another jti
    assert send(each_world, "/oauth/par", other, app=each_world.rival).status_code == 201


def test_8_eight_at_once(racing_world: OAuthWorld) -> None:
    signed = racing_world.bank.authentication()
    answers = race(lambda _: racing_world.http().post("/oauth/introspect", data={**signed, "token": "x"}))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


def test_8_a_request_that_failed_has_used_its_assertion(each_world: OAuthWorld) -> None:
    signed = each_world.bank.authentication()
    answer = send(each_world, "/oauth/par", {**signed, "code_challenge_method": "plain"})
    refused(answer, 400, "invalid_request")
    refused(send(each_world, "/oauth/par", signed))


@pytest.mark.parametrize("path", PATHS)
def test_12_the_client_id_beside_an_assertion(world: OAuthWorld, path: str) -> None:
    own = {**world.bank.authentication(), "client_id": world.bank.client_id}
    assert send(world, path, own).status_code in {200, 201}
    for who in (world.rival.client_id, world.cars.client_id, "unknown"):
        refused(send(world, path, {**world.bank.authentication(), "client_id": who}))


@pytest.mark.parametrize("path", PATHS)
def test_12_two_methods_at_once(world: OAuthWorld, path: str) -> None:
    for headers in (world.cars.auth, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}):
        refused(send(world, path, world.bank.authentication(), headers=headers))
    refused(send(world, path, {**world.bank.authentication(), "client_secret": "x"}))


def test_a_disabled_client(world: OAuthWorld) -> None:
    world.change_client(world.bank, disabled_at=NOON)
    refused_everywhere(world)
