"""Units of work that share a transaction."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

Work = Callable[[UnitOfWork], Any]
MANY_LANES = 16
"""More lanes than a test has threads: on PostgreSQL no units share a transaction, except within `busy`."""


class Gate:
    """Keeps one lane of a database busy from the beginning of the block until `open` is called, or the block ends."""

    def __init__(self, database: Database) -> None:
        self._database, self._entered, self._opened = database, threading.Event(), threading.Event()

    def open(self) -> None:
        """Lets the waiting units run."""
        self._opened.set()

    def __enter__(self) -> "Gate":
        self._thread = threading.Thread(target=self._database.write, args=(self._wait,))
        self._thread.start()
        assert self._entered.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.open()
        self._thread.join(20)

    def _wait(self, _: UnitOfWork) -> None:
        self._entered.set()
        assert self._opened.wait(20)


@contextmanager
def busy(database: Database) -> Iterator[None]:
    """Other units wait until the block ends, and then share a transaction."""
    lanes, database._shared.lanes = database._shared.lanes, 1
    with Gate(database):
        yield
    database._shared.lanes = lanes


def submit(threads: ThreadPoolExecutor, database: Database, *works: Work) -> list[Future[Any]]:
    """Runs these units in separate threads, while all lanes are busy. Returns when they wait, in this order."""
    futures, before = [], waiting(database)
    for number, work in enumerate(works, 1):
        futures.append(threads.submit(database.write, work))
        until_waiting(database, before + number)
    return futures


def together(database: Database, *works: Work) -> list[Future[Any]]:
    """Runs these units in one transaction, and returns when all are done."""
    with ThreadPoolExecutor(len(works)) as threads, busy(database):
        return submit(threads, database, *works)


def waiting(database: Database) -> int:
    """The number of units that wait for a lane."""
    return len(database._shared._waiting)


def until_waiting(database: Database, number: int) -> None:
    """Returns when this number of units wait for a lane."""
    deadline = time.monotonic() + 20
    while waiting(database) != number:
        assert time.monotonic() < deadline
        time.sleep(0.001)
