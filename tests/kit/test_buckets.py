"""Leaky buckets in memory and in Valkey: exact points, restored by time, bounded memory, refused without Valkey."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.kit.buckets import BucketEmpty, Buckets, BucketSize, LocalBuckets, make_buckets
from gateway.kit.valkey import SharedStateDown, connect
from tests.support.race import race
from tests.support.valkey import ValkeyServer, unreachable_url

HUNDRED = BucketSize(100, 1)
"""One point each second, so that no test sees a point restored by chance."""


class ManualClock:
    """A monotonic clock that tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(params=["local", "valkey"])
def both(request: pytest.FixtureRequest) -> Iterator[Buckets]:
    url = request.getfixturevalue("valkey_url") if request.param == "valkey" else None
    with closing(make_buckets(url, HUNDRED)) as buckets:
        yield buckets


def takes(buckets: Buckets, key: str, points: int) -> bool:
    try:
        buckets.take(key, points)
    except BucketEmpty:
        return False
    return True


def test_a2_points_are_taken_and_refused_when_too_few_are_left(both: Buckets) -> None:
    assert both.available("shop") == 100
    assert both.take("shop", 60) == 40
    with pytest.raises(BucketEmpty) as caught:
        both.take("shop", 70)
    assert caught.value.available in {40, 41}
    assert caught.value.retry_after in {29, 30}
    assert both.available("shop") in {40, 41}, "a refused request takes nothing"


def test_a2_each_key_has_its_own_points(both: Buckets) -> None:
    both.take("shop", 100)
    assert both.take("other", 100) == 0


def test_a2_points_given_back_never_exceed_the_maximum(both: Buckets) -> None:
    both.take("shop", 60)
    assert both.give_back("shop", 30) in {70, 71}
    assert both.give_back("shop", 500) == 100
    assert both.available("shop") == 100


def test_a2_concurrent_requests_never_take_more_than_the_bucket_has(both: Buckets) -> None:
    for number in range(20):
        assert race(lambda _, key=f"shop {number}": takes(both, key, 30)).count(True) == 3  # type: ignore[misc]


@pytest.mark.parametrize(("maximum", "restore_rate"), [(0, 1), (1, 0), (-1, 1)])
def test_a2_bucket_without_points_is_refused(maximum: int, restore_rate: int) -> None:
    with pytest.raises(ValueError):
        BucketSize(maximum, restore_rate)


def test_a2_local_points_are_restored_by_time() -> None:
    clock = ManualClock()
    buckets = LocalBuckets(BucketSize(100, 10), monotonic=clock)
    buckets.take("shop", 100)
    clock.now += 2.55
    assert buckets.available("shop") == 25
    with pytest.raises(BucketEmpty) as caught:
        buckets.take("shop", 90)
    assert caught.value.retry_after == 7
    clock.now += caught.value.retry_after
    assert buckets.take("shop", 90) == 5


def test_a2_valkey_points_are_restored_by_time(valkey_url: str) -> None:
    with closing(make_buckets(valkey_url, BucketSize(1000, 100))) as buckets:
        buckets.take("shop", 1000)
        deadline = time.monotonic() + 10
        while buckets.available("shop") < 5:
            assert time.monotonic() < deadline
        assert not takes(buckets, "shop", 1000)


def test_a2_local_memory_is_bounded() -> None:
    clock = ManualClock()
    buckets = LocalBuckets(HUNDRED, capacity=10, monotonic=clock)
    for number in range(50):
        buckets.take(f"shop {number}", 100)
    assert len(buckets) == 10
    assert not takes(buckets, "shop 49", 1)
    clock.now += 100
    assert buckets.available("shop 49") == 100
    assert len(buckets) == 9, "a full bucket needs no entry"


def test_a2_valkey_entries_expire_when_the_bucket_is_full(valkey_url: str) -> None:
    with closing(make_buckets(valkey_url, HUNDRED)) as buckets, connect(valkey_url) as client:
        buckets.take("shop", 50)
        (key,) = client.keys()
        assert 50_000 < client.pttl(key) <= 51_000
        assert "shop" not in key.decode()
        buckets.give_back("shop", 50)
        assert client.keys() == []


def test_a2_processes_share_the_points_in_valkey(valkey_url: str) -> None:
    with closing(make_buckets(valkey_url, HUNDRED)) as one, closing(make_buckets(valkey_url, HUNDRED)) as other:
        one.take("shop", 90)
        assert not takes(other, "shop", 20)


def test_a2_unreachable_valkey_refuses() -> None:
    with closing(make_buckets(unreachable_url(), HUNDRED)) as buckets:
        with pytest.raises(SharedStateDown) as caught:
            buckets.take("shop", 1)
        assert "hidden-word" not in str(caught.value)
        with pytest.raises(SharedStateDown):
            buckets.give_back("shop", 1)


def test_a2_valkey_that_lost_its_script_is_used_again(own_valkey: ValkeyServer) -> None:
    with closing(make_buckets(own_valkey.url, HUNDRED)) as buckets:
        buckets.take("shop", 10)
        with connect(own_valkey.url) as client:
            client.script_flush()
        assert buckets.take("shop", 10) in {80, 81}, "a lost script is sent again"
        own_valkey.stop()
        with pytest.raises(SharedStateDown):
            buckets.take("shop", 10)
