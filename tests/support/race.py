"""Runs one function in many threads that start at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

Result = TypeVar("Result")


def race(function: Callable[[int], Result], runners: int = 8) -> list[Result]:
    """Calls the function with each runner's number and returns the results in that order."""
    start = threading.Barrier(runners)

    def run(number: int) -> Result:
        start.wait(timeout=30)
        return function(number)

    with ThreadPoolExecutor(runners) as pool:
        return list(pool.map(run, range(runners)))


def race_writes(database: Database, work: Callable[[UnitOfWork, int], Result], runners: int = 8) -> list[Result]:
    """`race`, with each runner in its own writing unit of work."""
    return race(lambda number: database.write(lambda unit: work(unit, number)), runners)
