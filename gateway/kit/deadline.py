"""Deadlines: the moment at which the work for one request must end, and whether it must end before.

The deadline of a request is in its context, so that worker threads and units of work find it. It is checked at each
resolver and ends a running statement. It never ends a commit: that is run `without_deadline`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from gateway.kit.context_values import ContextValue
from gateway.kit.outage import Outage

CANCELLED = "CANCELLED"
"""The code of DeadlineExceeded if the work was cancelled before its time was over."""

_current: ContextVar["Deadline | None"] = ContextVar("deadline", default=None)


class DeadlineExceeded(Outage):
    """The request took too long, its client has disconnected, or the server ends. The work for it was ended, and
    nothing of the unit of work was written."""

    def __init__(self) -> None:
        deadline = _current.get()
        code = CANCELLED if deadline is not None and deadline.is_cancelled else "DEADLINE_EXCEEDED"
        super().__init__("request", code, "The request took too long.")


class Deadline:
    """Ends work after `seconds`, or when `cancel` is called. It may be used by several threads."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._callbacks: list[Callable[[], object]] = []
        self.is_cancelled = False
        self.restart()

    def restart(self) -> None:
        """Lets the time begin now."""
        self._end = self._monotonic() + self._seconds

    def remaining(self) -> float:
        """Returns the seconds that remain, 0 if none do."""
        return 0.0 if self.is_cancelled else max(0.0, self._end - self._monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the work must end."""
        return self.is_cancelled or self._monotonic() >= self._end

    def check(self) -> None:
        """Raises DeadlineExceeded if the work must end."""
        if self.is_over:
            raise DeadlineExceeded

    def cancel(self) -> None:
        """Ends the work now. Calls the functions that were passed to `on_cancel`."""
        self.is_cancelled = True
        for callback in self._callbacks:
            callback()

    def on_cancel(self, callback: Callable[[], object]) -> None:
        """Lets `cancel` call this function, in its thread. Calls it at once if the deadline was cancelled before."""
        self._callbacks.append(callback)
        if self.is_cancelled:
            callback()


class Deadlines:
    """The deadlines of the requests of one process. Each is over after `seconds`. `is_ending`: whether the server
    ends."""

    def __init__(self, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._monotonic = seconds, monotonic
        self._lock = threading.Lock()
        self._running: set[Deadline] = set()
        self._all_cancelled = False
        self.is_ending = False

    def announce_end(self) -> None:
        """Says that the server ends. Requests may finish; a response without an end of its own has to end now."""
        self.is_ending = True

    @contextmanager
    def running(self, seconds: float | None = None) -> Iterator[Deadline]:
        """Yields a new deadline, which is the current one within the block. `seconds` replaces the usual time."""
        deadline = Deadline(self._seconds if seconds is None else seconds, self._monotonic)
        with self._lock:
            self._running.add(deadline)
            if self._all_cancelled:
                deadline.cancel()
        token = _current.set(deadline)
        try:
            yield deadline
        finally:
            _current.reset(token)
            with self._lock:
                self._running.discard(deadline)

    def cancel_all(self) -> None:
        """Ends the work for all requests, also for later ones."""
        with self._lock:
            self._all_cancelled = True
            running = tuple(self._running)
        for deadline in running:
            deadline.cancel()


def current_deadline() -> Deadline | None:
    """Returns the deadline of this context, None if there is none or it does not apply now."""
    return _current.get()


def check_deadline() -> None:
    """Raises DeadlineExceeded if the work of this context must end."""
    deadline = _current.get()
    if deadline is not None and deadline.is_over:
        raise DeadlineExceeded


def is_deadline_over() -> bool:
    """Whether the work of this context must end."""
    deadline = _current.get()
    return deadline is not None and deadline.is_over


def without_deadline() -> AbstractContextManager[None]:
    """Returns a context in which the work ends by itself: a commit, or the work for several requests."""
    return ContextValue(_current, None)
