"""private_key_jwt at every endpoint that a client calls (RFC 7523 section 3, FAPI 2.0 section 5.3.2.1)."""

import base64
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from gateway.oauth.clients.private_key_jwt import AssertionCheck
from gateway.oauth.request_parsing import ParsedRequest
from tests.support.assertions import NOW, PATHS, assert_accepted, assert_refused, assert_refused_everywhere, send
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import ASSERTION_TYPE, NULL, public
from tests.support.oauth_world import OAuthWorld
from tests.support.race import race


@pytest.mark.parametrize("path", PATHS)
def test_4_fapi2_client_needs_assertion(world: OAuthWorld, path: str) -> None:
    assert_accepted(world, path)
    named = {"client_id": world.bank.client_id}
    for form in (named, {**named, "client_assertion_type": ASSERTION_TYPE}):
        assert_refused(send(world, path, form))
    signed = world.bank.assertion()
    for kind in ("", "jwt-bearer", ASSERTION_TYPE.upper()):
        assert_refused(send(world, path, {**named, "client_assertion": signed, "client_assertion_type": kind}))
    for text in ("x", "a.b.c", "." * 500, signed[:-2], f"{signed}.x", signed.replace(".", " "), "é.é.é", "e30.e30."):
        assert_refused(send(world, path, {"client_assertion": text, "client_assertion_type": ASSERTION_TYPE}))


@pytest.mark.parametrize("path", PATHS)
def test_4_profile_accepts_its_own_method_only(world: OAuthWorld, path: str) -> None:
    pair = base64.b64encode(f"{world.bank.client_id}:{world.cars.secret}".encode()).decode()
    assert_refused(send(world, path, {}, headers={"Authorization": f"Basic {pair}"}))
    cars = world.cars.client_id
    # A baseline client with a key is still a baseline client.
    world.change_client(world.cars, jwks={"keys": [public(world.bank.key)]})
    assert_refused(send(world, path, world.bank.authentication(iss=cars, sub=cars)))


@pytest.mark.parametrize("path", PATHS)
def test_5_audience_must_be_issuer_as_string(world: OAuthWorld, path: str) -> None:
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
        assert_refused(send(world, path, world.bank.authentication(aud=audience)))
    assert_accepted(world, path, aud=issuer)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"exp": NULL},
        {"exp": "1795000000"},
        {"exp": True},
        {"exp": NOW - 300},
        {"exp": NOW - 15},
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
def test_6_missing_or_wrong_claims_are_rejected(world: OAuthWorld, claims: dict[str, Any]) -> None:
    assert_refused_everywhere(world, **claims)
    assert_accepted(world)


def test_6_iss_must_equal_sub(world: OAuthWorld) -> None:
    for who in (world.rival.client_id, world.cars.client_id):
        assert_refused_everywhere(world, iss=who)
        assert_refused_everywhere(world, sub=who)


def test_6_expiry_is_at_most_ten_minutes_plus_tolerance(world: OAuthWorld) -> None:
    assert_accepted(world, exp=NOW + 615)
    assert_accepted(world, exp=NOW + 1)


@pytest.mark.parametrize("name", ["iat", "nbf"])
def test_7_client_clock_may_be_slightly_ahead(world: OAuthWorld, name: str) -> None:
    for path in PATHS:
        ahead: dict[str, Any] = {name: NOW + 10}
        assert_accepted(world, path, **ahead)
        assert_refused(send(world, path, world.bank.authentication(**{name: NOW + 61})))
    absent: dict[str, Any] = {name: None}
    assert_accepted(world, **absent)
    wrong: list[Any] = ["soon", NULL, [], True]
    for junk in wrong:
        assert_refused(send(world, "/oauth/par", world.bank.authentication(**{name: junk})))


def test_7_slow_server_clock_is_tolerated(world: OAuthWorld, clock: MovableClock) -> None:
    signed = world.bank.authentication()
    clock.advance(seconds=-8)
    assert send(world, "/oauth/par", signed).status_code == 201


def test_8_assertion_is_accepted_once_across_endpoints(each_world: OAuthWorld) -> None:
    pairs = [*permutations(PATHS, 2), *((path, path) for path in PATHS)]
    for first, second in pairs:
        signed = each_world.bank.authentication()
        assert send(each_world, first, signed).status_code in {200, 201}
        assert_refused(send(each_world, second, signed))


@pytest.mark.parametrize("path", PATHS)
def test_d12_expiry_has_the_allowance_of_iat_and_nbf(world: OAuthWorld, path: str) -> None:
    assert_accepted(world, path, exp=NOW - 14, iat=NOW + 15, nbf=NOW + 15)
    assert_refused(send(world, path, world.bank.authentication(exp=NOW - 15)))


def test_d12_used_assertion_is_remembered_through_the_allowance(world: OAuthWorld) -> None:
    form = world.bank.authentication(exp=NOW + 60)
    request = ParsedRequest("/oauth/par", form, None, NOON)
    assertion = AssertionCheck(world.container).verify(request, NOON, read_client=True)
    assert assertion is not None
    assert assertion.usable_until == NOON + timedelta(seconds=75)
    assert send(world, "/oauth/par", form).status_code == 201
    ends = [row[0] for row in world.rows("SELECT expires_at FROM oauth_replays")]
    assert [str(end)[:19].replace("T", " ") for end in ends] == [str(NOON + timedelta(seconds=135))[:19]]


def test_8_used_assertion_is_remembered_until_expiry(each_world: OAuthWorld, clock: MovableClock) -> None:
    signed = each_world.bank.authentication(exp=NOW + 600)
    assert send(each_world, "/oauth/par", signed).status_code == 201
    for _ in range(6):
        clock.advance(seconds=99)
        assert_accepted(each_world)  # each use deletes expired records
        assert_refused(send(each_world, "/oauth/par", signed))


def test_8_reused_jti_is_a_replay(each_world: OAuthWorld) -> None:
    assert_accepted(each_world, jti="once")
    assert_refused(send(each_world, "/oauth/token", each_world.bank.authentication(jti="once", exp=NOW + 90)))
    other = each_world.rival.authentication(jti="once")  # the jti of another client is a different one
    assert send(each_world, "/oauth/par", other, app=each_world.rival).status_code == 201


@pytest.mark.postgresql
def test_8_concurrent_use_is_accepted_once(racing_world: OAuthWorld) -> None:
    signed = racing_world.bank.authentication()
    responses = race(lambda _: racing_world.http().post("/oauth/introspect", data={**signed, "token": "x"}))
    assert sorted(response.status_code for response in responses) == [200] + [401] * 7


def test_8_failed_request_uses_up_its_assertion(each_world: OAuthWorld) -> None:
    signed = each_world.bank.authentication()
    response = send(each_world, "/oauth/par", {**signed, "code_challenge_method": "plain"})
    assert_refused(response, 400, "invalid_request")
    assert_refused(send(each_world, "/oauth/par", signed))


@pytest.mark.parametrize("path", PATHS)
def test_12_client_id_must_match_assertion(world: OAuthWorld, path: str) -> None:
    own = {**world.bank.authentication(), "client_id": world.bank.client_id}
    assert send(world, path, own).status_code in {200, 201}
    for who in (world.rival.client_id, world.cars.client_id, "unknown"):
        assert_refused(send(world, path, {**world.bank.authentication(), "client_id": who}))


@pytest.mark.parametrize("path", PATHS)
def test_12_two_methods_are_rejected(world: OAuthWorld, path: str) -> None:
    for headers in (world.cars.auth, {"Authorization": "Basic x"}, {"Authorization": "Bearer x"}):
        assert_refused(send(world, path, world.bank.authentication(), headers=headers))
    assert_refused(send(world, path, {**world.bank.authentication(), "client_secret": "x"}))


def test_disabled_client_is_rejected(world: OAuthWorld) -> None:
    world.change_client(world.bank, disabled_at=NOON)
    assert_refused_everywhere(world)
