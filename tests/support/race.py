"""Runs one function in many threads that start at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

Answer = TypeVar("Answer")


def race(function: Callable[[int], Answer], runners: int = 8) -> list[Answer]:
    """What the function returned to each runner, by runner number."""
    start = threading.Barrier(runners)

    def run(number: int) -> Answer:
        start.wait(timeout=30)
        return function(number)

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(run, range(runners)))


def race_writes(database: Database, work: Callable[[UnitOfWork, int], Answer], runners: int = 8) -> list[Answer]:
    """`race`, each runner in a writing unit of work of its own."""
    return race(lambda number: database.write(lambda unit: work(unit, number)), runners)
