"""The loads of the workers of one server, in memory that they share."""

import mmap
import os
import tempfile

_ABSENT = 2**32 - 1
_BYTES = 4


class WorkerLoads:
    """The number of open connections of each worker, in the shared memory of an open file."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._numbers = memoryview(mmap.mmap(descriptor, os.fstat(descriptor).st_size)).cast("I")

    def set(self, number: int, connections: int) -> None:
        """Sets the load of a worker that serves."""
        self._numbers[number] = connections

    def clear(self, number: int) -> None:
        """The worker does not serve any more."""
        self._numbers[number] = _ABSENT

    def has_more(self, number: int) -> bool:
        """Whether the worker has more connections than another one that serves."""
        return self._numbers[number] > min(self._numbers)


def create_loads(workers: int) -> WorkerLoads:
    """Returns new shared memory for so many workers. None of them serves yet."""
    with tempfile.TemporaryFile() as file:
        file.write(_ABSENT.to_bytes(_BYTES, "little") * workers)
        file.flush()
        return WorkerLoads(os.dup(file.fileno()))
