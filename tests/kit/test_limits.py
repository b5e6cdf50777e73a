"""Rate limits in memory and in Valkey: the window is exact, and an unreachable Valkey refuses attempts."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from gateway.kit.limits import RateLimit, RateLimiter, TooManyAttempts, _OneProcess, make_rate_limiter
from gateway.kit.valkey import SharedStateDown, connect
from tests.support.clock import MovableClock
from tests.support.race import race
from tests.support.valkey import ValkeyServer, unreachable_url

THREE = RateLimit("test", 3, timedelta(minutes=1))


@pytest.fixture(params=["local", "valkey"])
def both(request: pytest.FixtureRequest) -> Iterator[RateLimiter]:
    url = request.getfixturevalue("valkey_url") if request.param == "valkey" else None
    with closing(make_rate_limiter(url)) as rate_limiter:
        yield rate_limiter


def is_allowed(rate_limiter: RateLimiter, limit: RateLimit, *keys: str) -> bool:
    try:
        rate_limiter.hit(limit, *keys)
    except TooManyAttempts:
        return False
    return True


def test_attempts_up_to_the_amount_are_allowed(both: RateLimiter) -> None:
    for _ in range(3):
        both.test(THREE, "mei")
        both.hit(THREE, "mei")
    with pytest.raises(TooManyAttempts) as hit:
        both.hit(THREE, "mei")
    with pytest.raises(TooManyAttempts) as tested:
        both.test(THREE, "mei")
    assert 55 <= hit.value.retry_after <= 60
    assert 55 <= tested.value.retry_after <= 60


def test_keys_and_limits_are_counted_separately(both: RateLimiter) -> None:
    other = RateLimit("other", 3, timedelta(minutes=1))
    for _ in range(3):
        both.hit(THREE, "mei", "x")
    both.hit(THREE, "bo", "x")
    both.hit(THREE, "meix")
    both.hit(other, "mei", "x")
    assert not is_allowed(both, THREE, "mei", "x")


def test_testing_counts_nothing(both: RateLimiter) -> None:
    for _ in range(10):
        both.test(THREE, "mei")
    assert is_allowed(both, THREE, "mei")


@pytest.mark.slow
def test_the_window_moves(both: RateLimiter) -> None:
    short = RateLimit("short", 2, timedelta(seconds=1))
    assert [is_allowed(both, short, "mei") for _ in range(3)] == [True, True, False]
    with pytest.raises(TooManyAttempts) as caught:
        both.test(short, "mei")
    assert caught.value.retry_after == 1
    time.sleep(1.1)
    assert [is_allowed(both, short, "mei") for _ in range(3)] == [True, True, False]


def test_concurrent_attempts_never_exceed_the_limit(both: RateLimiter) -> None:
    for number in range(30):
        keys = f"key {number}"
        assert race(lambda _, keys=keys: is_allowed(both, THREE, keys)).count(True) == 3  # type: ignore[misc]


@pytest.mark.parametrize(("amount", "seconds"), [(0, 1), (1, 0), (1, 0.5)])
def test_limit_without_attempts_or_time_is_refused(both: RateLimiter, amount: int, seconds: float) -> None:
    with pytest.raises(ValueError):
        both.hit(RateLimit("none", amount, timedelta(seconds=seconds)), "mei")


def test_attempt_leaves_the_window_exactly_after_its_length(clock: MovableClock) -> None:
    local = make_rate_limiter(None, clock)
    for _ in range(3):
        local.hit(THREE, "mei")
        clock.advance(seconds=10)
    with pytest.raises(TooManyAttempts) as caught:
        local.test(THREE, "mei")
    assert caught.value.retry_after == 30
    clock.advance(seconds=29, microseconds=999_999)
    assert not is_allowed(local, THREE, "mei")
    clock.advance(microseconds=1)
    assert [is_allowed(local, THREE, "mei"), is_allowed(local, THREE, "mei")] == [True, False]


def test_memory_is_bounded_and_expired_attempts_are_dropped(clock: MovableClock) -> None:
    storage = _OneProcess(clock, capacity=10)
    local = RateLimiter(storage, clock)
    for number in range(100):
        local.hit(THREE, f"key {number}")
        local.test(THREE, f"not hit {number}")
    assert len(storage._attempt_times) == 10
    clock.advance(minutes=1)
    for number in range(90, 100):
        local.test(THREE, f"key {number}")
    assert storage._attempt_times == {}


def test_two_processes_share_a_valkey(valkey_url: str) -> None:
    with closing(make_rate_limiter(valkey_url)) as one, closing(make_rate_limiter(valkey_url)) as other:
        assert race(lambda runner: is_allowed((one, other)[runner % 2], THREE, "mei")).count(True) == 3


def test_valkey_keys_hold_no_names_and_expire(valkey_url: str) -> None:
    with closing(make_rate_limiter(valkey_url)) as shared, connect(valkey_url) as client:
        shared.hit(THREE, "mei")
        keys = [key.decode() for key in client.scan_iter()]
        assert len(keys) == 1
        assert keys[0].startswith("sesame:limit:test/")
        assert "mei" not in keys[0]
        assert 0 < client.ttl(keys[0]) <= 60


def test_unreachable_valkey_refuses_attempts() -> None:
    with closing(make_rate_limiter(unreachable_url())) as shared:
        for ask in (shared.hit, shared.test):
            with pytest.raises(SharedStateDown) as caught:
                ask(THREE, "mei")
            assert "hidden-word" not in repr(caught.value)
            assert caught.value.__suppress_context__


def test_a_valkey_that_stops(own_valkey: ValkeyServer) -> None:
    with closing(make_rate_limiter(own_valkey.url)) as shared:
        shared.hit(THREE, "mei")
        own_valkey.stop()
        with pytest.raises(SharedStateDown):
            shared.hit(THREE, "mei")
