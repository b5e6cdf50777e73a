"""Clients whose keys stand at an address of their own (RFC 7591 section 2): fetched, kept for a while, and given up."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from gateway.domain.client import DEVICE_CODE
from gateway.kit.http import HttpClient
from gateway.oauth.client_keys import ClientKeys
from gateway.services.client_keys import KeySource, KeysRefused
from gateway.settings import Settings
from gateway.store.clients import ClientRow
from tests.oauth.test_client_assertion import PATHS, body
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp, new_key
from tests.support.key_host import LOOPBACK, KeyHost, registrar_beside, remote, works
from tests.support.local_server import answer
from tests.support.oauth_world import PASSWORD
from tests.support.race import race
from tests.support.registration import KEY, WHOLE, Registrar, metadata

UNREACHABLE = "The client's keys could not be fetched from its jwks_uri."


@pytest.fixture
def host() -> Iterator[KeyHost]:
    with KeyHost() as running:
        yield running


@pytest.fixture
def registrar(host: KeyHost, sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[Registrar]:
    with registrar_beside(host, sqlite_url, settings, clock) as made:
        yield made


@pytest.fixture
def each_registrar(host: KeyHost, database_url: str, settings: Settings, clock: MovableClock) -> Iterator[Registrar]:
    with registrar_beside(host, database_url, settings, clock) as made:
        yield made


@pytest.fixture
def app(registrar: Registrar, host: KeyHost) -> FapiApp:
    """A client with its keys at the host, which have been fetched once, for the registration."""
    return registrar.app(remote(registrar, host, grant_types=[*WHOLE, DEVICE_CODE]))


def test_73_the_journey_of_a_client_with_a_jwks_uri(each_registrar: Registrar, host: KeyHost) -> None:
    world = each_registrar.world
    app = each_registrar.app(remote(each_registrar, host))
    tokens = app.tokens(world.browser(), "mei", PASSWORD, scope="score:tier")
    assert app.call(tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert works(app)
    assert host.fetches == 2, "once for the registration, and once for all these requests"
    assert {request.split(b" HTTP")[0] for request in host.requests} == {b"GET /somewhere/keys.json?tenant=t1"}


@pytest.mark.parametrize("path", PATHS)
def test_73_every_endpoint_fetches_the_keys(app: FapiApp, host: KeyHost, path: str) -> None:
    assert app.post(path, body(app, path)).status_code in {200, 201}
    assert host.fetches == 2


def test_10_a_new_kid_works_at_once_and_a_removed_key_for_ten_minutes(
    app: FapiApp, host: KeyHost, clock: MovableClock
) -> None:
    assert works(app)
    second = new_key(kid="k2")
    host.keys = (second,)
    clock.advance(minutes=9, seconds=59)
    assert works(app), "nothing has made us look again"
    clock.advance(seconds=1)
    assert not works(app)
    app.key = second
    assert works(app)
    third = new_key("Ed25519", kid="k3")
    host.keys, app.key, app.alg = (second, third), third, "Ed25519"
    assert works(app), "at once"
    app.key, app.alg = second, "ES256"
    assert works(app)


def test_10_the_signature_is_still_looked_at(app: FapiApp, host: KeyHost) -> None:
    assert works(app)
    app.key = new_key(kid="k1")  # the right name, the wrong key
    refused = app.merchant_token()
    assert (refused.status_code, refused.json()["error_description"]) == (401, "Client authentication failed.")
    assert host.fetches == 2


def test_10_made_up_kids_cause_one_fetch_a_minute(app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    assert works(app)
    honest, forged = app.key, [new_key(kid=f"made-up-{number}") for number in range(6)]
    for app.key in forged[:3]:
        assert not works(app)
    assert host.fetches == 3
    clock.advance(seconds=59)
    app.key = forged[3]
    assert not works(app)
    assert host.fetches == 3
    clock.advance(seconds=1)
    for app.key in forged[4:]:
        assert not works(app)
    assert host.fetches == 4
    app.key = honest
    assert works(app)
    assert host.fetches == 4


def test_10_a_failed_look_for_a_new_kid_leaves_the_keys_as_they_are(app: FapiApp, host: KeyHost) -> None:
    assert works(app)
    honest, app.key = app.key, new_key(kid="k2")
    host.fail()
    assert not works(app)
    app.key = honest
    assert works(app)
    assert host.fetches == 3


def test_73_a_shorter_max_age_is_honoured_and_a_longer_one_is_not(
    app: FapiApp, host: KeyHost, clock: MovableClock
) -> None:
    for said, seconds in (
        ("max-age=86400", 600),
        ("public, max-age=120", 120),
        ("max-age=5", 60),
        ("no-store", 60),
        ("private", 600),
    ):
        host.headers = (("Cache-Control", said),)
        clock.advance(minutes=11)
        before = host.fetches
        assert works(app)
        clock.advance(seconds=seconds - 1)
        assert works(app)
        assert host.fetches == before + 1, said
        clock.advance(seconds=1)
        assert works(app)
        assert host.fetches == before + 2, said


def test_73_old_keys_stand_in_for_an_hour(app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    assert works(app)
    host.fail()
    clock.advance(minutes=59, seconds=59)
    assert works(app)
    clock.advance(seconds=1)
    assert not works(app)
    clock.advance(minutes=5)
    assert not works(app)
    host.recover()
    clock.advance(seconds=10)
    assert works(app)


def test_73_a_failure_is_told_and_remembered_for_ten_seconds(app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    host.fail()
    with capture_logs() as logged:
        for path in PATHS:
            said = app.post(path, body(app, path))
            assert (said.status_code, said.json()["error"]) == (401, "invalid_client")
            assert said.json()["error_description"] == UNREACHABLE
            assert said.headers["cache-control"] == "no-store"
    assert host.fetches == 2
    (line,) = [line for line in logged if line["event"] == "client_keys_unreachable"]
    assert line["client_id"] == app.client_id
    assert line["reason"] == "status"
    assert not any(part in str(logged) for part in ("somewhere", "tenant", str(host.port)))
    host.recover()
    clock.advance(seconds=9)
    assert not works(app)
    clock.advance(seconds=1)
    assert works(app)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(answer(b"{}"), id="no keys"),
        pytest.param(answer(b"[1"), id="no JSON"),
        pytest.param(answer(b'{"keys": [{"kty": "oct", "k": "x"}]}'), id="symmetric"),
        pytest.param(answer(json.dumps({"keys": [KEY.as_dict(private=True)]}).encode()), id="private"),
        pytest.param(answer(b'{"keys": [], "keys": []}'), id="repeated"),
        pytest.param(answer(b" " * 65_537), id="large"),
        pytest.param(answer(status=302, headers=[("Location", "http://127.0.0.1/")]), id="redirect"),
        pytest.param(answer(b"{}", headers=[("Content-Encoding", "gzip")]), id="compressed"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_73_keys_that_cannot_be_used_are_no_keys(
    registrar: Registrar, app: FapiApp, host: KeyHost, clock: MovableClock, said: bytes
) -> None:
    host.said = said
    assert not works(app)
    refused = registrar.post(metadata(jwks=None, jwks_uri=host.uri))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    host.recover()
    clock.advance(seconds=10)
    assert works(app)


def test_10_many_at_once_cause_one_fetch(app: FapiApp, host: KeyHost, registrar: Registrar) -> None:
    keys = registrar.world.parts.client_keys
    host.open.clear()
    uri = host.uri

    def ask(number: int) -> int:
        if number == 7:
            time.sleep(0.3)  # by then the others all wait
            host.open.set()
        return len(keys.at_hand(app.client_id, uri, "k1")["keys"])

    assert race(ask, 8) == [1] * 8
    assert host.fetches == 2


def test_10_clients_do_not_wait_for_each_other(host: KeyHost, clock: MovableClock) -> None:
    with KeyHost() as slow:
        slow.open.clear()
        source = KeySource(HttpClient(LOOPBACK), ["127.0.0.1:*"])
        keys = ClientKeys(source, clock, places=2)

        def ask(number: int) -> bool:
            try:
                return bool(keys.at_hand(f"client {number}", (slow if number == 0 else host).uri, "k1"))
            finally:
                if number == 1:
                    slow.open.set()  # opened by who did not have to wait for it

        assert race(ask, 2) == [True, True]


def test_73_no_more_threads_wait_than_there_are_places(host: KeyHost, clock: MovableClock) -> None:
    """While a merchant's server hangs, the threads that are left serve everybody else."""
    source = KeySource(HttpClient(LOOPBACK), [f"127.0.0.1:{host.port}"])
    keys = ClientKeys(source, clock, places=2)
    host.open.clear()

    def ask(number: int) -> str:
        if number == 2:
            while host.connections < 2:
                time.sleep(0.01)
        try:
            keys.at_hand(f"client {number}", host.uri, None)
        except KeysRefused as refused:
            host.open.set()
            return refused.reason
        return "keys"

    assert race(ask, 3) == ["keys", "keys", "busy"]
    assert keys.at_hand("client 2", host.uri, None)


def test_73_nobody_who_writes_waits_for_a_fetch(each_registrar: Registrar, host: KeyHost) -> None:
    world = each_registrar.world
    app = each_registrar.app(remote(each_registrar, host))
    invitation, body = each_registrar.invite(), metadata(jwks=None, jwks_uri=host.uri)
    before = host.connections
    host.open.clear()

    def ask(number: int) -> bool:
        if number == 0:
            return works(app)
        if number == 1:
            return each_registrar.post(body, invitation).status_code == 201
        while host.connections < before + 2:
            time.sleep(0.01)
        pushed = world.bank.push().status_code == 201
        host.open.set()
        return pushed

    assert race(ask, 3) == [True, True, True]


def test_73_strangers_cause_no_fetch(registrar: Registrar, app: FapiApp, host: KeyHost) -> None:
    http, world = registrar.world.http(), registrar.world
    fetched = host.fetches
    stranger = new_key(kid="k1")
    bent: list[dict[str, Any]] = [
        {"sub": "cli_test_none", "iss": "cli_test_none"},
        {"iss": "cli_test_none"},
        {"aud": "https://other.example"},
        {"exp": int(app.now()) - 1},
        {"exp": int(app.now()) + 3600},
        {"jti": None},
        {"sub": 5, "iss": 5},
    ]
    for claims in bent:
        form = app.authentication(key=stranger, **claims)
        assert http.post("/oauth/par", data={**body(app, "/oauth/par"), **form}).status_code == 401
    form = app.authentication(key=b"secret", header={"alg": "HS256"})
    assert http.post("/oauth/par", data={**body(app, "/oauth/par"), **form}).status_code == 401
    form = {**app.authentication(), "client_assertion_type": "other"}
    assert http.post("/oauth/par", data={**body(app, "/oauth/par"), **form}).status_code == 401
    two = http.post("/oauth/par", data=app.authentication(), headers={"Authorization": "Basic YTpi"})
    assert (two.status_code, two.json()["error"]) == (401, "invalid_client")
    with world.database.write() as session:
        session.get_one(ClientRow, app.client_id).disabled_at = world.parts.clock()
    assert not works(app)
    assert host.fetches == fetched


def test_73_keys_of_another_algorithm_do_not_count(registrar: Registrar, host: KeyHost, clock: MovableClock) -> None:
    app = registrar.app(remote(registrar, host, token_endpoint_auth_signing_alg="ES256"))
    other = new_key("Ed25519", kid="k2")
    host.keys = (KEY, other)
    assert works(app)
    app.key, app.alg = other, "Ed25519"
    assert not works(app)


def test_73_what_is_remembered_is_bounded(host: KeyHost, clock: MovableClock) -> None:
    keys = ClientKeys(KeySource(HttpClient(LOOPBACK), ["127.0.0.1:*"]), clock, places=1, capacity=3)
    for number in range(6):
        keys.at_hand(f"client {number}", host.uri, None)
    assert [client for client, _ in keys._entries] == ["client 3", "client 4", "client 5"]
