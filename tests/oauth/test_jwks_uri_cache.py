"""The cache of the keys of a jwks_uri: its duration, new kids, and failed fetches."""

from structlog.testing import capture_logs

from gateway.kit.http import HttpClient
from gateway.services.identity.client_key_cache import ClientKeyCache
from gateway.services.identity.client_keys import KeySource
from tests.support.assertions import PATHS, valid_form
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp, new_key
from tests.support.key_host import LOOPBACK, KeyHost, can_authenticate

UNREACHABLE = "The client's keys could not be fetched from its jwks_uri."


def test_10_new_kid_works_at_once_and_removed_key_for_ten_minutes(
    remote_app: FapiApp, host: KeyHost, clock: MovableClock
) -> None:
    assert can_authenticate(remote_app)
    second = new_key(kid="k2")
    host.keys = (second,)
    clock.advance(minutes=9, seconds=59)
    assert can_authenticate(remote_app), "no fetch is needed yet"
    clock.advance(seconds=1)
    assert not can_authenticate(remote_app)
    remote_app.key = second
    assert can_authenticate(remote_app)
    third = new_key("Ed25519", kid="k3")
    host.keys, remote_app.key, remote_app.alg = (second, third), third, "Ed25519"
    assert can_authenticate(remote_app), "the new kid causes a fetch"
    remote_app.key, remote_app.alg = second, "ES256"
    assert can_authenticate(remote_app)


def test_10_unknown_kids_cause_one_fetch_per_minute(remote_app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    assert can_authenticate(remote_app)
    honest, forged = remote_app.key, [new_key(kid=f"made-up-{number}") for number in range(6)]
    for remote_app.key in forged[:3]:
        assert not can_authenticate(remote_app)
    assert host.fetches == 3
    clock.advance(seconds=59)
    remote_app.key = forged[3]
    assert not can_authenticate(remote_app)
    assert host.fetches == 3
    clock.advance(seconds=1)
    for remote_app.key in forged[4:]:
        assert not can_authenticate(remote_app)
    assert host.fetches == 4
    remote_app.key = honest
    assert can_authenticate(remote_app)
    assert host.fetches == 4


def test_10_failed_fetch_for_new_kid_keeps_keys(remote_app: FapiApp, host: KeyHost) -> None:
    assert can_authenticate(remote_app)
    honest, remote_app.key = remote_app.key, new_key(kid="k2")
    host.fail()
    assert not can_authenticate(remote_app)
    remote_app.key = honest
    assert can_authenticate(remote_app)
    assert host.fetches == 3


def test_73_max_age_can_only_shorten_cache_time(remote_app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    for cache_control, seconds in (
        ("max-age=86400", 600),
        ("public, max-age=120", 120),
        ("max-age=5", 60),
        ("no-store", 60),
        ("private", 600),
    ):
        host.headers = (("Cache-Control", cache_control),)
        clock.advance(minutes=11)
        before = host.fetches
        assert can_authenticate(remote_app)
        clock.advance(seconds=seconds - 1)
        assert can_authenticate(remote_app)
        assert host.fetches == before + 1, cache_control
        clock.advance(seconds=1)
        assert can_authenticate(remote_app)
        assert host.fetches == before + 2, cache_control


def test_73_stale_keys_are_used_for_an_hour(remote_app: FapiApp, host: KeyHost, clock: MovableClock) -> None:
    assert can_authenticate(remote_app)
    host.fail()
    clock.advance(minutes=59, seconds=59)
    assert can_authenticate(remote_app)
    clock.advance(seconds=1)
    assert not can_authenticate(remote_app)
    clock.advance(minutes=5)
    assert not can_authenticate(remote_app)
    host.recover()
    clock.advance(seconds=10)
    assert can_authenticate(remote_app)


def test_73_failure_is_reported_and_cached_for_ten_seconds(
    remote_app: FapiApp, host: KeyHost, clock: MovableClock
) -> None:
    host.fail()
    with capture_logs() as logged:
        for path in PATHS:
            response = remote_app.post(path, valid_form(remote_app, path))
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
            assert response.json()["error_description"] == UNREACHABLE
            assert response.headers["cache-control"] == "no-store"
    assert host.fetches == 2
    (line,) = [line for line in logged if line["event"] == "client_keys_unreachable"]
    assert line["client_id"] == remote_app.client_id
    assert line["reason"] == "status"
    assert not any(part in str(logged) for part in ("somewhere", "tenant", str(host.port)))
    host.recover()
    clock.advance(seconds=9)
    assert not can_authenticate(remote_app)
    clock.advance(seconds=1)
    assert can_authenticate(remote_app)


def test_73_cache_size_is_limited(host: KeyHost, clock: MovableClock) -> None:
    keys = ClientKeyCache(KeySource(HttpClient(LOOPBACK), ["127.0.0.1:*"]), clock, max_fetches=1, capacity=3)
    for number in range(6):
        keys.get_key_set(f"client {number}", host.uri, None)
    assert [client for client, _ in keys._entries] == ["client 3", "client 4", "client 5"]
