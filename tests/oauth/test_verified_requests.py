"""The time between the verification of a request and its unit of work: its limit, and changes of the client in it."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from gateway.kit.clock import WallTime
from gateway.services.purge import CLOCK_MARGIN, PurgeService
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from tests.support import dpop
from tests.support.assertions import (
    NOW,
    PATHS,
    assert_accepted,
    assert_refused,
    assert_refused_everywhere,
    replace_keys,
    send,
)
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import FapiApp, new_key, public
from tests.support.key_host import can_authenticate
from tests.support.oauth_world import OAuthWorld
from tests.support.registration import Registrar

Meanwhile = Callable[[OAuthWorld, Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Installs an event that runs after the verification of each request and before its unit of work."""

    def install(world: OAuthWorld, event: Callable[[], object]) -> None:
        write = world.database.write

        def write_later(work: Callable[[UnitOfWork], Any]) -> Any:
            event()
            return write(work)

        monkeypatch.setattr(world.database, "write", write_later)

    return install


def wait_and_purge(world: OAuthWorld, clock: MovableClock) -> None:
    """A minute passes. Then a server purges whose clock is ahead by almost as much as the clocks of servers may
    differ."""
    clock.advance(seconds=60)
    settings, ahead = world.container.settings, clock() + CLOCK_MARGIN - timedelta(seconds=1)
    with closing(Database(settings.database_url, clock=MovableClock(WallTime(ahead)))) as database:
        PurgeService(database, settings).purge()


@pytest.mark.parametrize("path", PATHS)
def test_8_request_waits_at_most_a_minute(
    each_world: OAuthWorld, clock: MovableClock, meanwhile: Meanwhile, path: str
) -> None:
    waits = [60.000001, 60.0]
    meanwhile(each_world, lambda: clock.advance(seconds=waits.pop(0)))
    signed = each_world.bank.authentication(exp=NOW + 300)
    assert_refused(send(each_world, path, signed), 500, "server_error")
    assert send(each_world, path, signed).status_code in {200, 201}  # the first one recorded nothing


def test_8_assertion_is_remembered_for_waiting_requests(
    each_world: OAuthWorld, clock: MovableClock, meanwhile: Meanwhile
) -> None:
    signed = each_world.bank.authentication(exp=NOW + 600)
    assert send(each_world, "/oauth/par", signed).status_code == 201
    clock.advance(seconds=599)
    meanwhile(each_world, lambda: wait_and_purge(each_world, clock))
    assert_refused(send(each_world, "/oauth/par", signed))


def test_49_proof_is_remembered_for_waiting_requests(
    each_world: OAuthWorld, clock: MovableClock, meanwhile: Meanwhile
) -> None:
    bank = dpop.bank_with_nonce(each_world)
    proof = bank.proof(dpop.TOKEN, iat=NOW + 15)
    dpop.assert_granted(dpop.request_token(bank, proof))
    clock.advance(seconds=75)
    meanwhile(each_world, lambda: wait_and_purge(each_world, clock))
    dpop.assert_refused(dpop.request_token(bank, proof))


def test_10_keys_replaced_meanwhile_are_rejected(each_world: OAuthWorld, meanwhile: Meanwhile) -> None:
    meanwhile(each_world, lambda: replace_keys(each_world, public(new_key())))
    assert_refused_everywhere(each_world)


def test_10_keys_moved_to_jwks_uri_meanwhile_are_rejected(each_world: OAuthWorld, meanwhile: Meanwhile) -> None:
    address = "https://cars.example/keys.json"
    meanwhile(each_world, lambda: each_world.change_client(each_world.bank, jwks=None, jwks_uri=address))
    assert_refused(send(each_world, "/oauth/par", each_world.bank.authentication()))


def test_10_changed_jwks_uri_is_rejected(
    remote_registrar: Registrar, remote_app: FapiApp, meanwhile: Meanwhile
) -> None:
    world = remote_registrar.world
    assert can_authenticate(remote_app)
    meanwhile(world, lambda: world.change_client(remote_app, jwks_uri="https://cars.example/keys.json"))
    assert not can_authenticate(remote_app)


def test_10_algorithm_registered_meanwhile_is_checked(each_world: OAuthWorld, meanwhile: Meanwhile) -> None:
    meanwhile(each_world, lambda: each_world.change_client(each_world.bank, token_endpoint_auth_signing_alg="PS256"))
    assert_refused(send(each_world, "/oauth/par", each_world.bank.authentication()))


def test_10_other_client_changes_keep_assertion_valid(each_world: OAuthWorld, meanwhile: Meanwhile) -> None:
    meanwhile(each_world, lambda: each_world.change_client(each_world.bank, name="Front end"))
    for path in PATHS:
        assert_accepted(each_world, path)


@pytest.mark.parametrize("path", PATHS)
def test_client_disabled_meanwhile_is_rejected(world: OAuthWorld, meanwhile: Meanwhile, path: str) -> None:
    signed = world.bank.authentication()
    meanwhile(world, lambda: world.change_client(world.bank, disabled_at=NOON))
    assert_refused(send(world, path, signed))
