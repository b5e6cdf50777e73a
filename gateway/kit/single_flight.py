"""Calls that several threads share."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from gateway.kit.deadline import DeadlineExceeded, check_deadline, current_deadline

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs one call at a time for each key. Threads that come during a call get its result or its error."""

    def __init__(self) -> None:
        self._lock, self._running = Lock(), dict[str, Future[T]]()

    def run(self, key: str, work: Callable[[], T]) -> T:
        """Returns the result of `work`, or of the running call with this key. Raises what it raises, and
        DeadlineExceeded. If the running call ends because of the deadline of its own request, `work` runs."""
        while True:
            with self._lock:
                running = self._running.get(key)
                if running is None:
                    own = self._running[key] = Future[T]()
            if running is None:
                return self._lead(key, own, work)
            try:
                return running.result(_remaining())
            except TimeoutError:
                raise DeadlineExceeded from None
            except DeadlineExceeded:
                check_deadline()

    def _lead(self, key: str, own: Future[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._leave(key)
            own.set_exception(error)
            raise
        self._leave(key)
        own.set_result(result)
        return result

    def _leave(self, key: str) -> None:
        with self._lock:
            del self._running[key]


def _remaining() -> float | None:
    deadline = current_deadline()
    return None if deadline is None else deadline.remaining()
