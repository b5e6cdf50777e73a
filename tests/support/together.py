"""Units of work that share a transaction on SQLite."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

Work = Callable[[UnitOfWork], Any]


@contextmanager
def busy(database: Database) -> Iterator[None]:
    """Holds the writer until the block ends."""
    with database._one_writer:
        yield


def together(database: Database, *works: Work) -> list[Future[Any]]:
    """Runs these units in separate threads. The first waits for the writer, the others for the first."""
    assert database._shared is not None
    with ThreadPoolExecutor(len(works)) as threads:
        with busy(database):
            futures = []
            for number, work in enumerate(works):
                futures.append(threads.submit(database.write, work))
                deadline = time.monotonic() + 5
                while len(database._shared._waiting) < number and time.monotonic() < deadline:
                    time.sleep(0.001)
        return futures
