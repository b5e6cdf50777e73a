"""The circuit breaker, with a clock that the tests move."""

import pytest

from gateway.kit.circuit_breaker import Attempt, CircuitBreaker
from tests.support.race import race


class Time:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


def breaker_of(time: Time, failures: int = 3, random: float = 0.0) -> CircuitBreaker:
    return CircuitBreaker(failures, 10.0, monotonic=time, random=lambda: random)


def begin(breaker: CircuitBreaker) -> Attempt:
    attempt = breaker.begin_attempt()
    assert attempt is not None
    return attempt


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.fail(begin(breaker))


def test_circuit_opens_after_consecutive_failures(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 3)  # each could begin
    assert breaker.is_open
    assert breaker.begin_attempt() is None


def test_success_ends_a_series_of_failures(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 2)
    breaker.succeed(begin(breaker))
    fail(breaker, 2)
    assert not breaker.is_open


def test_abandoned_attempts_are_not_counted(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 2)
    breaker.abandon(begin(breaker))
    fail(breaker, 1)
    assert breaker.is_open


@pytest.mark.parametrize(("random", "pause"), [(0.0, 10.0), (1.0, 15.0)])
def test_one_probe_begins_after_a_pause_with_jitter(time: Time, random: float, pause: float) -> None:
    breaker = breaker_of(time, random=random)
    fail(breaker, 3)
    time.now += pause - 0.01
    assert breaker.begin_attempt() is None
    time.now += 0.01
    assert begin(breaker).is_probe
    assert breaker.begin_attempt() is None


def test_successful_probe_closes_the_circuit(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 3)
    time.now += 10
    breaker.succeed(begin(breaker))
    assert not breaker.is_open
    fail(breaker, 2)
    assert not breaker.is_open, "the failures before the pause are forgotten"


def test_failed_probe_opens_the_circuit_for_another_pause(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 3)
    time.now += 10
    fail(breaker, 1)
    time.now += 9.99
    assert breaker.begin_attempt() is None
    time.now += 0.01
    assert begin(breaker).is_probe


def test_abandoned_probe_lets_the_next_attempt_probe(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 3)
    time.now += 10
    breaker.abandon(begin(breaker))
    assert breaker.is_open
    assert begin(breaker).is_probe


def test_late_results_of_older_attempts_have_no_effect(time: Time) -> None:
    breaker = breaker_of(time)
    late = [begin(breaker) for _ in range(3)]
    fail(breaker, 3)
    breaker.succeed(late[0])
    assert breaker.is_open
    time.now += 10
    probe = begin(breaker)
    breaker.fail(late[1])
    breaker.abandon(late[2])
    assert breaker.begin_attempt() is None, "the probe still runs"
    breaker.succeed(probe)
    assert not breaker.is_open


def test_threads_begin_one_probe(time: Time) -> None:
    breaker = breaker_of(time)
    fail(breaker, 3)
    time.now += 10
    assert sum(attempt is not None for attempt in race(lambda _: breaker.begin_attempt())) == 1
