"""One-time values: one winner among threads and processes, forgotten after their life, and never too many."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.kit.replay import LocalReplays, Replays, make_replays
from gateway.kit.valkey import SharedStateDown, connect
from tests.support.race import race
from tests.support.valkey import ValkeyServer, nobody_there


class Hand:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["local", "valkey"])
def both(request: pytest.FixtureRequest) -> Iterator[Replays]:
    url = request.getfixturevalue("valkey_url") if request.param == "valkey" else None
    with closing(make_replays(url)) as found:
        yield found


def test_the_first_use_and_all_others(both: Replays) -> None:
    assert both.first_use("one", 60)
    assert not both.first_use("one", 60)
    assert both.first_use("other", 60)


def test_one_of_eight_threads_is_first(both: Replays) -> None:
    for number in range(50):
        assert race(lambda _, key=f"key {number}": both.first_use(key, 60)).count(True) == 1  # type: ignore[misc]


def test_a_value_is_free_again_after_its_life(both: Replays) -> None:
    assert both.first_use("one", 1)
    time.sleep(1.1)
    assert both.first_use("one", 1)
    assert not both.first_use("one", 1)


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_life_is_an_error_of_the_caller(both: Replays, seconds: int) -> None:
    with pytest.raises(ValueError):
        both.first_use("one", seconds)


def test_a_value_lives_to_the_end_of_its_seconds() -> None:
    clock = Hand()
    local = LocalReplays(monotonic=clock)
    assert local.first_use("one", 60)
    clock.now += 59.9
    assert not local.first_use("one", 60)  # and does not begin to live anew
    clock.now += 0.1
    assert local.first_use("one", 60)


def test_what_has_expired_is_forgotten() -> None:
    clock = Hand()
    local = LocalReplays(monotonic=clock)
    for number in range(1000):
        local.first_use(f"old {number}", 60)
    clock.now += 60
    for number in range(1000):
        local.first_use(f"new {number}", 60)
    assert list(local._ends) == [f"new {number}" for number in range(1000)]


def test_when_it_is_full_the_oldest_go() -> None:
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


def test_valkey_forgets_by_itself(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        shared.first_use("one", 60)
        assert [0 < client.ttl(key) <= 60 for key in client.scan_iter("sesame:once:*")] == [True]


def test_a_valkey_that_is_not_there_is_never_a_first_use() -> None:
    with closing(make_replays(nobody_there())) as shared, pytest.raises(SharedStateDown) as caught:
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


def test_a_connection_that_was_lost_while_idle_is_opened_again(valkey_url: str) -> None:
    with closing(make_replays(valkey_url)) as shared, connect(valkey_url) as client:
        assert shared.first_use("one", 60)
        client.client_kill_filter(_type="normal")
        assert shared.first_use("two", 60)
        assert not shared.first_use("one", 60)


def test_an_address_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(ValueError):
        make_replays("http://valkey.example")
