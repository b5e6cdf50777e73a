"""Calls that several threads share."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from gateway.kit.deadline import DeadlineExceeded, Deadlines
from gateway.kit.single_flight import SingleFlight

WAIT = 20


class Call:
    """A call that ends when `release` is called, with `result` or `error`."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.begun, self._released = threading.Event(), threading.Event()
        self.count, self._error = 0, error

    def __call__(self) -> int:
        self.count += 1
        self.begun.set()
        assert self._released.wait(WAIT)
        if self._error is not None:
            raise self._error
        return self.count

    def release(self) -> None:
        self._released.set()


def test_concurrent_calls_with_one_key_share_a_call() -> None:
    flight, call = SingleFlight[int](), Call()
    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(flight.run, "a", call)
        assert call.begun.wait(WAIT)
        others = [threads.submit(flight.run, "a", call) for _ in range(3)]
        time.sleep(0.1)
        assert not any(each.done() for each in others)
        call.release()
        assert [each.result(WAIT) for each in (first, *others)] == [1] * 4
    assert flight.run("a", call) == 2, "a later call runs again"


def test_calls_with_other_keys_do_not_wait() -> None:
    flight, call = SingleFlight[int](), Call()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(flight.run, "a", call)
        assert call.begun.wait(WAIT)
        assert flight.run("b", lambda: 7) == 7
        call.release()
        assert first.result(WAIT) == 1


def test_error_is_shared_and_forgotten() -> None:
    flight, call = SingleFlight[int](), Call(LookupError("no"))
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(flight.run, "a", call)
        assert call.begun.wait(WAIT)
        second = threads.submit(flight.run, "a", call)
        time.sleep(0.1)
        call.release()
        for each in (first, second):
            with pytest.raises(LookupError):
                each.result(WAIT)
    assert call.count == 1
    assert flight.run("a", lambda: 7) == 7


def test_call_that_its_own_request_ended_is_repeated() -> None:
    flight, call = SingleFlight[int](), Call(DeadlineExceeded())
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(flight.run, "a", call)
        assert call.begun.wait(WAIT)
        second = threads.submit(flight.run, "a", lambda: 7)
        time.sleep(0.1)
        call.release()
        with pytest.raises(DeadlineExceeded):
            first.result(WAIT)
        assert second.result(WAIT) == 7


def test_waiting_call_ends_at_its_deadline() -> None:
    flight, call = SingleFlight[int](), Call()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(flight.run, "a", call)
        assert call.begun.wait(WAIT)
        with Deadlines(0.05).running(), pytest.raises(DeadlineExceeded):
            flight.run("a", call)
        call.release()
        assert first.result(WAIT) == 1
