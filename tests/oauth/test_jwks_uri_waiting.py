"""Which requests wait while the keys of a jwks_uri are fetched."""

import time

from gateway.kit.http import HttpClient
from gateway.services.identity.client_key_cache import ClientKeyCache
from gateway.services.identity.client_keys import KeySource, KeysRefused
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp
from tests.support.key_host import LOOPBACK, KeyHost, can_authenticate, register_remote
from tests.support.race import race
from tests.support.registration import Registrar, metadata


def test_10_concurrent_requests_cause_one_fetch(
    remote_app: FapiApp, host: KeyHost, remote_registrar: Registrar
) -> None:
    keys = ClientKeyCache(KeySource(HttpClient(LOOPBACK), ["127.0.0.1:*"]), remote_registrar.world.clock, max_fetches=8)
    host.may_respond.clear()
    uri = host.uri

    def ask(number: int) -> int:
        if number == 7:
            time.sleep(0.3)  # meanwhile the others wait
            host.may_respond.set()
        return len(keys.get_key_set(remote_app.client_id, uri, "k1")["keys"])

    assert race(ask, 8) == [1] * 8
    assert host.fetches == 2


def test_10_clients_do_not_wait_for_each_other(host: KeyHost, clock: MovableClock) -> None:
    with KeyHost() as slow:
        slow.may_respond.clear()
        source = KeySource(HttpClient(LOOPBACK), ["127.0.0.1:*"])
        keys = ClientKeyCache(source, clock, max_fetches=2)

        def ask(number: int) -> bool:
            try:
                return bool(keys.get_key_set(f"client {number}", (slow if number == 0 else host).uri, "k1"))
            finally:
                if number == 1:
                    slow.may_respond.set()  # opened by a client that did not wait for it

        assert race(ask, 2) == [True, True]


def test_73_number_of_waiting_threads_is_limited(host: KeyHost, clock: MovableClock) -> None:
    """While a merchant's server hangs, other threads still serve other clients."""
    source = KeySource(HttpClient(LOOPBACK), [f"127.0.0.1:{host.port}"])
    keys = ClientKeyCache(source, clock, max_fetches=2)
    host.may_respond.clear()

    def ask(number: int) -> str:
        if number == 2:
            while host.connections < 2:
                time.sleep(0.01)
        try:
            keys.get_key_set(f"client {number}", host.uri, None)
        except KeysRefused as refused:
            host.may_respond.set()
            return refused.reason
        return "keys"

    assert race(ask, 3) == ["keys", "keys", "busy"]
    assert keys.get_key_set("client 2", host.uri, None)


def test_73_writers_do_not_wait_for_fetch(each_remote_registrar: Registrar, host: KeyHost) -> None:
    world = each_remote_registrar.world
    remote_app = each_remote_registrar.app(register_remote(each_remote_registrar, host))
    invitation, body = each_remote_registrar.invite(), metadata(jwks=None, jwks_uri=host.uri)
    before = host.connections
    host.may_respond.clear()

    def ask(number: int) -> bool:
        if number == 0:
            return can_authenticate(remote_app)
        if number == 1:
            return each_remote_registrar.post(body, invitation).status_code == 201
        while host.connections < before + 2:
            time.sleep(0.01)
        pushed = world.bank.push().status_code == 201
        host.may_respond.set()
        return pushed

    assert race(ask, 3) == [True, True, True]


def test_73_requests_of_other_clients_do_not_wait_for_fetches(remote_registrar: Registrar, host: KeyHost) -> None:
    world = remote_registrar.world
    waiting = 2 * world.container.settings.client_requests_at_once
    remote = [remote_registrar.app(register_remote(remote_registrar, host)) for _ in range(waiting)]
    before = host.connections
    host.may_respond.clear()

    def ask(number: int) -> bool:
        if number < waiting:
            return can_authenticate(remote[number])
        while host.connections < before + waiting:
            time.sleep(0.01)
        pushed = world.bank.push().status_code == 201
        host.may_respond.set()
        return pushed

    assert race(ask, waiting + 1) == [True] * (waiting + 1)
