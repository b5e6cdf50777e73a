"""The kept rows of clients: an assertion is verified with one, and accepted only with the keys that are stored now."""

import pytest

from gateway.oauth.clients import private_key_jwt
from tests.support.assertions import PATHS, assert_accepted, assert_refused, replace_keys, send
from tests.support.clock import NOON
from tests.support.fapi import FapiApp, new_key, public
from tests.support.oauth_world import OAuthWorld
from tests.support.statements import statements


def count_reads_of_clients(world: OAuthWorld, app: FapiApp) -> int:
    """Returns how often a request for introspection reads the row of its client."""
    with statements(world.database) as sent:
        assert send(world, "/oauth/introspect", app.authentication(), app=app).status_code == 200
    return sum("FROM oauth_clients" in text and "jwks" in text for text in sent)


def test_client_is_read_once_from_the_second_request_on(world: OAuthWorld) -> None:
    assert [count_reads_of_clients(world, world.bank) for _ in range(3)] == [2, 1, 1]


@pytest.mark.parametrize("path", PATHS)
def test_10_replaced_key_is_refused_by_the_next_request(each_world: OAuthWorld, path: str) -> None:
    own, other = each_world.bank.key, new_key(kid="k2")
    assert_accepted(each_world)
    replace_keys(each_world, public(other))
    for _ in range(2):
        assert_refused(send(each_world, path, each_world.bank.authentication(key=own)))
        assert_accepted(each_world, path, key=other)


@pytest.mark.parametrize("path", PATHS)
def test_10_each_key_is_accepted_after_one_was_added(each_world: OAuthWorld, path: str) -> None:
    own, other = each_world.bank.key, new_key(kid="k2")
    assert_accepted(each_world)
    replace_keys(each_world, public(own), public(other))
    for key in (own, other, own):
        assert_accepted(each_world, path, key=key)


def test_10_keys_that_moved_to_a_jwks_uri_are_refused(world: OAuthWorld) -> None:
    assert_accepted(world)
    world.change_client(world.bank, jwks=None, jwks_uri="https://cars.example/keys.json")
    assert_refused(send(world, "/oauth/par", world.bank.authentication()))


@pytest.mark.parametrize("path", PATHS)
def test_disabled_client_is_refused_by_the_next_request(each_world: OAuthWorld, path: str) -> None:
    assert_accepted(each_world)
    each_world.change_client(each_world.bank, disabled_at=NOON)
    for _ in range(2):
        assert_refused(send(each_world, path, each_world.bank.authentication()))


def test_disabled_client_does_not_wait_for_the_writer_again(world: OAuthWorld) -> None:
    assert_accepted(world)
    world.change_client(world.bank, disabled_at=NOON)
    assert_refused(send(world, "/oauth/par", world.bank.authentication()))
    with statements(world.database) as sent:
        assert_refused(send(world, "/oauth/par", world.bank.authentication()))
    assert not [text for text in sent if "oauth_replays" in text]


def test_8_assertion_that_was_verified_twice_is_used_once(world: OAuthWorld) -> None:
    own = world.bank.key
    assert_accepted(world)
    replace_keys(world, public(own), public(new_key(kid="k2")))
    signed = world.bank.authentication()
    assert send(world, "/oauth/par", signed).status_code == 201
    assert_refused(send(world, "/oauth/par", signed))


def test_only_the_clients_of_the_last_requests_are_kept(world: OAuthWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(private_key_jwt, "_MOST_KEPT", 1)
    assert [count_reads_of_clients(world, app) for app in (world.bank, world.rival, world.rival)] == [2, 2, 1]
    assert count_reads_of_clients(world, world.bank) == 2
