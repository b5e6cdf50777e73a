"""The loads of the workers of one server, in memory that they share."""

import mmap
import os
import tempfile
import time
from collections.abc import Callable

FRESH = 0.5
"""Seconds for which a load counts. A worker writes it more often, unless it hangs."""

_BYTES = 8


class WorkerLoads:
    """The number of open connections of each worker, in the shared memory of an open file: pairs of the number, and the
    time in tenths of a second at which it was written, 0 for a worker that does not serve. `monotonic` has the same
    value in all processes."""

    def __init__(self, descriptor: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.descriptor, self._monotonic = descriptor, monotonic
        self._values = memoryview(mmap.mmap(descriptor, os.fstat(descriptor).st_size)).cast("I")

    def set(self, number: int, connections: int) -> None:
        """Sets the load of a worker that serves."""
        self._values[2 * number] = connections
        self._values[2 * number + 1] = self._now()

    def clear(self, number: int) -> None:
        """The worker does not serve any more."""
        self._values[2 * number + 1] = 0

    def has_more(self, number: int) -> bool:
        """Whether the worker has more connections than another one that serves and does not hang."""
        oldest, own = self._now() - 10 * FRESH, self._values[2 * number]
        return any(
            connections < own and written >= oldest
            for connections, written in zip(self._values[::2], self._values[1::2], strict=True)
        )

    def _now(self) -> int:
        return int(self._monotonic() * 10)


def create_loads(workers: int, monotonic: Callable[[], float] = time.monotonic) -> WorkerLoads:
    """Returns new shared memory for so many workers. None of them serves yet."""
    with tempfile.TemporaryFile() as file:
        file.truncate(workers * _BYTES)
        return WorkerLoads(os.dup(file.fileno()), monotonic)
