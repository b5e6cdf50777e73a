"""Replay detection in memory and in Valkey: one use succeeds, values expire, and memory is bounded."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gateway.kit.replay import LocalReplays, Replays, make_replays
from gateway.kit.valkey import EvictionAllowed, SharedStateDown, connect
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
    assert both.record_use("one", 60).first
    assert not both.record_use("one", 60).first
    assert both.record_use("other", 60).first


def test_only_one_of_concurrent_uses_is_first(both: Replays) -> None:
    for number in range(50):
        assert race(lambda _, key=f"key {number}": both.record_use(key, 60).first).count(True) == 1  # type: ignore[misc]


@pytest.mark.slow
def test_value_can_be_used_again_after_it_expired(both: Replays) -> None:
    assert both.record_use("one", 1).first
    time.sleep(1.1)
    assert both.record_use("one", 1).first
    assert not both.record_use("one", 1).first


@pytest.mark.parametrize("seconds", [0, -1])
def test_less_than_one_second_is_refused(both: Replays, seconds: int) -> None:
    with pytest.raises(ValueError):
        both.record_use("one", seconds)


def test_value_expires_exactly_after_its_seconds() -> None:
    clock = ManualClock()
    local = LocalReplays(monotonic=clock)
    assert local.record_use("one", 60).first
    clock.now += 59.9
    assert not local.record_use("one", 60).first  # which does not extend its time
    clock.now += 0.1
    assert local.record_use("one", 60).first


def test_expired_values_are_dropped() -> None:
    clock = ManualClock()
    local = LocalReplays(monotonic=clock)
    for number in range(1000):
        local.record_use(f"old {number}", 60)
    clock.now += 60
    for number in range(1000):
        local.record_use(f"new {number}", 60)
    assert list(local._ends) == [f"new {number}" for number in range(1000)]


def test_h1_full_memory_begins_a_new_epoch() -> None:
    local = LocalReplays(capacity=3)
    uses = [local.record_use(key, 60) for key in "abc"]
    assert len({use.epoch for use in uses}) == 1
    assert uses[0].epoch != local.record_use("d", 60).epoch == local.epoch
    assert not local.record_use("d", 60).first
    assert len(local._ends) == 1


def test_h1_each_process_without_valkey_has_its_own_epoch() -> None:
    assert LocalReplays().epoch != LocalReplays().epoch


def test_h1_processes_of_one_valkey_share_the_epoch(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as one, closing(make_replays(valkey_url)) as other:
        assert one.record_use("a", 60).epoch == other.record_use("b", 60).epoch == one.epoch != ""


def lose_data(valkey: ValkeyServer) -> None:
    with connect(valkey.url) as client:
        client.flushall()


def restart_empty(valkey: ValkeyServer) -> None:
    valkey.kill()
    valkey.start()


def restart_with_snapshot(valkey: ValkeyServer) -> None:
    """The snapshot has the marker of the epoch, but not the values that were used after it."""
    with connect(valkey.url) as client:
        marker = client.get("sesame:epoch")
    valkey.kill()
    valkey.start()
    with connect(valkey.url) as client:
        client.set("sesame:epoch", marker)


def evict(valkey: ValkeyServer) -> None:
    """Keys are evicted, but not the marker, which is the most recently used one."""
    with connect(valkey.url) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")
        for number in range(2000):
            client.set(f"filler {number}", "x" * 1000)
        client.get("sesame:epoch")
        client.config_set("maxmemory", client.info("memory")["used_memory"])
        client.set("one more", "x" * 100_000)
        assert client.info("stats")["evicted_keys"] > 0
        client.config_set("maxmemory", 0)


@pytest.mark.parametrize("lose", [lose_data, restart_empty, restart_with_snapshot, evict])
def test_h1_lost_values_end_the_epoch(own_valkey: ValkeyServer, lose: Callable[[ValkeyServer], None]) -> None:
    with closing(make_replays(own_valkey.url)) as shared:
        before = shared.record_use("one", 60).epoch
        assert shared.record_use("two", 60).epoch == before
        lose(own_valkey)
        assert shared.record_use("one", 60).epoch != before


def test_h1_eviction_policy_is_checked(own_valkey: ValkeyServer) -> None:
    with closing(make_replays(own_valkey.url)) as shared, connect(own_valkey.url) as client:
        shared.check()
        client.config_set("maxmemory-policy", "volatile-ttl")
        with pytest.raises(EvictionAllowed) as raised:
            shared.check()
        assert raised.value.policy == "volatile-ttl"


def test_h3_full_valkey_fails_the_check(own_valkey: ValkeyServer) -> None:
    with closing(make_replays(own_valkey.url)) as shared, connect(own_valkey.url) as client:
        client.config_set("maxmemory", 1)
        with pytest.raises(SharedStateDown) as raised:
            shared.check()
        assert raised.value.code == "OutOfMemoryError"


def test_two_processes_share_a_valkey(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as one, closing(make_replays(valkey_url)) as other:
        for number in range(20):
            key = f"key {number}"
            won = race(lambda runner, key=key: (one, other)[runner % 2].record_use(key, 60).first)  # type: ignore[misc]
            assert won.count(True) == 1


def test_valkey_values_expire(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        shared.record_use("one", 60)
        assert [0 < client.ttl(key) <= 60 for key in client.scan_iter("sesame:once:*")] == [True]


def test_unreachable_valkey_accepts_no_value() -> None:
    with closing(make_replays(unreachable_url())) as shared, pytest.raises(SharedStateDown) as caught:
        shared.record_use("one", 60)
    assert "hidden-word" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_valkey_that_stops(own_valkey: ValkeyServer) -> None:
    with closing(make_replays(own_valkey.url)) as shared:
        assert shared.record_use("one", 60).first
        own_valkey.stop()
        with pytest.raises(SharedStateDown):
            shared.record_use("two", 60)


def test_connection_lost_while_idle_is_reopened(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        assert shared.record_use("one", 60).first
        client.client_kill_filter(_type="normal")
        assert shared.record_use("two", 60).first
        assert not shared.record_use("one", 60).first


def test_invalid_valkey_url_is_refused() -> None:
    with pytest.raises(ValueError):
        make_replays("http://valkey.example")
