"""Shared commits: units of work that wait for SQLite's one writer at the same moment are committed together.

A commit costs an fsync, and switching threads between two commits costs nearly as much. So one thread, the leader, runs
all waiting units in one transaction and notifies those that wait for them after the commit. There is no timer: a unit
that finds the writer free runs alone, when its thread has nothing else to do first.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from gateway.kit.deadline import check_deadline, without_deadline
from gateway.kit.switching import do_when_idle, new_signal
from gateway.store.logs.trees import LogTrees
from gateway.store.unit import UnitOfWork

MOST_TOGETHER = 64
"""The largest number of units in one transaction. It bounds how long the first of them waits for the commit."""

NOT_RUN = "The unit of work was not run."


class _Waiting:
    """A unit of work in the queue. Its request waits for `signal`, which is notified when the unit is done, or when it
    must lead."""

    def __init__(self, work: Callable[[UnitOfWork], Any]) -> None:
        self._work, self._context = work, copy_context()
        self.done, self.result = False, None
        self.error: BaseException | None = RuntimeError(NOT_RUN)
        self.signal = new_signal()

    def run(self, unit: UnitOfWork) -> None:
        """Runs the unit with the context variables of its own request. Raises what the unit raises, and
        DeadlineExceeded if the request must end."""
        self._context.run(check_deadline)
        self.result = self._context.run(self._work, unit)
        unit.end()
        self._context.run(check_deadline)
        self.error = None


class SharedCommits:
    """Runs the writing units of one database. `begin` begins a transaction and commits it at the end of the block.
    `unit_of` makes a unit over its connection and the entries for the logs. `one_writer` is the lock that the leader
    holds while it runs units. `observer` is called after each commit with the number of its units."""

    def __init__(
        self,
        begin: Callable[[], AbstractContextManager[Connection]],
        unit_of: Callable[[Connection, LogTrees], UnitOfWork],
        one_writer: AbstractContextManager[Any],
    ) -> None:
        self._begin, self._unit_of, self._one_writer = begin, unit_of, one_writer
        self._mutex, self._waiting, self._led = Lock(), deque[_Waiting](), False
        self.observer: Callable[[int], None] | None = None

    def run(self, work: Callable[[UnitOfWork], Any]) -> Any:
        """Runs the unit and returns its result after the commit. Raises what the unit or the commit raises; then
        nothing was written."""
        own = _Waiting(work)
        with self._mutex:
            self._waiting.append(own)
            leads, self._led = not self._led, True
        if leads:
            do_when_idle(self._lead)
        while not own.done:
            own.signal.wait()
            if not own.done:
                do_when_idle(self._lead)
        if own.error is not None:
            raise own.error
        return own.result

    def _lead(self) -> None:
        """Runs the waiting units, then lets the next waiting one lead."""
        with self._mutex:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        try:
            # The deadline of each request ends its unit, and that of the leader ends nothing of the others.
            with self._one_writer, without_deadline():
                if len(together) == 1 or not self._run_together(together):
                    for each in together:
                        self._run_alone(each)
        finally:
            with self._mutex:
                successor = self._waiting[0] if self._waiting else None
                self._led = successor is not None
            for each in together:
                each.done = True
                each.signal.notify()
            if successor is not None:
                successor.signal.notify()

    def _run_together(self, together: list[_Waiting]) -> bool:
        """Runs the units in one transaction and returns whether each has a result or an error. A unit that raises is
        rolled back alone. All have the same error if the transaction cannot begin, so that none of them waits again.
        False if the transaction was lost or its commit failed: then nothing was written, and each unit may be run
        again."""
        begun = False
        try:
            with self._begin() as connection:
                begun = True
                driver: Any = connection.connection.dbapi_connection
                trees = LogTrees(connection)
                for each in together:
                    driver.execute("SAVEPOINT unit")
                    mark = trees.mark()
                    try:
                        each.run(self._unit_of(connection, trees))
                    except BaseException as error:  # noqa: BLE001  # it is raised in its own thread
                        each.error = error
                        driver.execute("ROLLBACK TO unit")
                        trees.return_to(mark)
                    driver.execute("RELEASE unit")
                trees.append_all()
        except Exception as error:  # noqa: BLE001  # each unit then runs alone, which shows which of them fails
            if begun:
                return False
            for each in together:
                each.error = error
        except BaseException as error:  # noqa: BLE001  # the thread must end, and nothing was committed
            for each in together:
                each.error = RuntimeError(NOT_RUN)
            together[0].error = error
        self._observe(sum(each.error is None for each in together))
        return True

    def _run_alone(self, each: _Waiting) -> None:
        try:
            with self._begin() as connection:
                trees = LogTrees(connection)
                each.run(self._unit_of(connection, trees))
                trees.append_all()
        except BaseException as error:  # noqa: BLE001  # it is raised in its own thread
            each.error = error
        self._observe(int(each.error is None))

    def _observe(self, units: int) -> None:
        if self.observer is not None and units:
            self.observer(units)
