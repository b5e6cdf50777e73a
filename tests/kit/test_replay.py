"""Replay detection in memory and in Valkey: one use succeeds, values expire, and memory is bounded."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.kit.replay import LocalReplays, Replays, make_replays
from gateway.kit.valkey import SharedStateDown, connect
from tests.support.race import race
from tests.support.valkey import ValkeyServer, unreachable_url


class ManualClock:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["local", "valkey"])
def both(request: pytest.FixtureRequest) -> Iterator[Replays]:
    url = request.getfixturevalue("valkey_url") if request.param == "valkey" else None
    with closing(make_replays(url)) as replays:
        yield replays


def test_only_the_first_use_is_accepted(both: Replays) -> None:
    assert both.first_use("one", 60)
    assert not both.first_use("one", 60)
    assert both.first_use("other", 60)


def test_only_one_of_concurrent_uses_is_first(both: Replays) -> None:
    for number in range(50):
        assert race(lambda _, key=f"key {number}": both.first_use(key, 60)).count(True) == 1  # type: ignore[misc]


def test_value_can_be_used_again_after_it_expired(both: Replays) -> None:
    assert both.first_use("one", 1)
    time.sleep(1.1)
    assert both.first_use("one", 1)
    assert not both.first_use("one", 1)


@pytest.mark.parametrize("seconds", [0, -1])
def test_less_than_one_second_is_refused(both: Replays, seconds: int) -> None:
    with pytest.raises(ValueError):
        both.first_use("one", seconds)


def test_value_expires_exactly_after_its_seconds() -> None:
    clock = ManualClock()
    local = LocalReplays(monotonic=clock)
    assert local.first_use("one", 60)
    clock.now += 59.9
    assert not local.first_use("one", 60)  # which does not extend its time
    clock.now += 0.1
    assert local.first_use("one", 60)


def test_expired_values_are_dropped() -> None:
    clock = ManualClock()
    local = LocalReplays(monotonic=clock)
    for number in range(1000):
        local.first_use(f"old {number}", 60)
    clock.now += 60
    for number in range(1000):
        local.first_use(f"new {number}", 60)
    assert list(local._ends) == [f"new {number}" for number in range(1000)]


def test_oldest_values_are_dropped_when_full() -> None:
    local = LocalReplays(capacity=3)
    assert all(local.first_use(key, 60) for key in "abcd")
    assert [local.first_use(key, 60) for key in "bcd"] == [False, False, False]
    assert local.first_use("a", 60)
    assert len(local._ends) == 3


def test_two_processes_share_a_valkey(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as one, closing(make_replays(valkey_url)) as other:
        for number in range(20):
            key = f"key {number}"
            won = race(lambda runner, key=key: (one, other)[runner % 2].first_use(key, 60))  # type: ignore[misc]
            assert won.count(True) == 1


def test_valkey_values_expire(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        shared.first_use("one", 60)
        assert [0 < client.ttl(key) <= 60 for key in client.scan_iter("sesame:once:*")] == [True]


def test_unreachable_valkey_accepts_no_value() -> None:
    with closing(make_replays(unreachable_url())) as shared, pytest.raises(SharedStateDown) as caught:
        shared.first_use("one", 60)
    assert "hidden-word" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_valkey_that_stops(own_valkey: ValkeyServer) -> None:
    with closing(make_replays(own_valkey.url)) as shared:
        assert shared.first_use("one", 60)
        own_valkey.stop()
        with pytest.raises(SharedStateDown):
            shared.first_use("two", 60)


def test_connection_lost_while_idle_is_reopened(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        assert shared.first_use("one", 60)
        client.client_kill_filter(_type="normal")
        assert shared.first_use("two", 60)
        assert not shared.first_use("one", 60)


def test_invalid_valkey_url_is_refused() -> None:
    with pytest.raises(ValueError):
        make_replays("http://valkey.example")
