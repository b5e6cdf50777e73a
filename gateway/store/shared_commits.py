"""Shared commits: units of work that arrive while a commit is under way are committed together.

A commit costs an fsync, and switching threads between two commits costs nearly as much. So one thread, the leader, runs
all waiting units in one transaction and notifies those that wait for them after the commit. There is no timer: a unit
that finds a free lane runs alone, when its thread has nothing else to do first.

The units of one transaction cannot wait for each other. They do not wait for other transactions either: a unit that
would wait for a lock is rolled back, and runs alone after that. So no transaction waits for a lock while it holds locks
of several units, except for the heads of the logs, which are locked last.
"""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from contextvars import copy_context
from threading import Lock
from typing import Any

from gateway.kit.deadline import check_deadline, without_deadline
from gateway.kit.slow_replies import calling_if_slow
from gateway.kit.switching import do_when_idle, new_signal
from gateway.store.kept_connections import Connections
from gateway.store.logs.trees import LogTrees
from gateway.store.outages import DatabaseUnavailable, database_outages, is_lock_wait
from gateway.store.savepoints import Savepoints
from gateway.store.unit import UnitOfWork

MOST_TOGETHER = 60
"""The largest number of units in one transaction. It bounds how long the first of them waits for the commit. PostgreSQL
keeps up to 64 savepoints of a transaction in memory."""

NOT_RUN = "The unit of work was not run."

Work = Callable[[UnitOfWork], Any]


class _Lane:
    """The right of a leader to run units. It ends with the commit, or when a unit waits long for the database."""

    def __init__(self, pass_on: Callable[[], None]) -> None:
        self._pass_on, self._ended = pass_on, False

    def end(self) -> None:
        """Passes the right on. Does nothing if it has ended before."""
        if not self._ended:
            self._ended = True
            self._pass_on()


class _Waiting:
    """A unit of work in the queue. Its request waits until the unit is `done`, or until it `leads`. When the unit is
    done, `error` is None, or what the unit raises, or the unit must run again alone (`runs_alone`)."""

    def __init__(self, work: Work) -> None:
        self._work, self._context = work, copy_context()
        self.done = self.leads = self.runs_alone = False
        self.result: Any = None
        self.error: BaseException | None = RuntimeError(NOT_RUN)
        self._signal, self._notified = new_signal(), False

    def wait(self) -> None:
        """Blocks until `notify` is called."""
        self._signal.wait()
        self._notified = False

    def notify(self) -> None:
        """Ends the wait. Does nothing if it has been called since the last wait."""
        if not self._notified:
            self._notified = True
            self._signal.notify()

    def run(self, unit: UnitOfWork, lane: _Lane) -> None:
        """Runs the unit with the context variables of its own request. Raises what the unit raises, and
        DeadlineExceeded if the request must end."""
        self.result = self._context.run(self._run, unit, lane)
        self.error = None

    def _run(self, unit: UnitOfWork, lane: _Lane) -> Any:
        check_deadline()
        with calling_if_slow(lane.end):
            result = self._work(unit)
            unit.end()
        check_deadline()
        return result

    def run_alone(self, run: Callable[[Work], Any], lane: _Lane) -> None:
        """Lets `run` run the unit, with the context variables of its own request. Raises nothing."""
        try:
            self.result = self._context.run(self._run_alone, run, lane)
            self.error = None
        except BaseException as error:  # noqa: BLE001  # it is raised where the unit is waited for
            self.error = error

    def _run_alone(self, run: Callable[[Work], Any], lane: _Lane) -> Any:
        with calling_if_slow(lane.end):
            return run(self._work)

    def fail(self, error: BaseException, *, runs_alone: bool = False) -> None:
        """Lets the request raise this error, or run the unit alone."""
        self.error, self.runs_alone = error, runs_alone


class SharedCommits:
    """Runs the writing units of one database, in at most `lanes` transactions at once. `run_alone` runs a unit in a
    transaction of its own. `one_writer` is a lock that the leader holds while it runs several. `observer` is called
    after each commit with the number of its units."""

    def __init__(
        self,
        connections: Connections,
        unit_of: Callable[..., UnitOfWork],
        run_alone: Callable[[Work], Any],
        one_writer: AbstractContextManager[Any],
        lanes: int,
    ) -> None:
        self._connections, self._unit_of, self._run_alone = connections, unit_of, run_alone
        self._one_writer, self.lanes, self._leading = one_writer, lanes, 0
        self._mutex, self._waiting = Lock(), deque[_Waiting]()
        self.observer: Callable[[int], None] | None = None
        self.commits = 0
        """The number of commits. It may be too small by some, because several lanes count at once."""

    def run(self, work: Work) -> Any:
        """Runs the unit and returns its result after the commit. Raises what the unit or the commit raises; then
        nothing was written, unless the error is an uncertain DatabaseUnavailable."""
        own = _Waiting(work)
        with self._mutex:
            self._waiting.append(own)
            if self._leading < self.lanes:
                self._leading += 1
                own.leads = True
        while True:
            is_done = own.done  # read first: a unit that is done is not made to lead any more
            if own.leads:
                own.leads = False
                do_when_idle(self._lead)
            if is_done:
                break
            if not own.done:
                own.wait()
        if own.runs_alone:
            result = self._run_alone(work)
            self._observe(1)
            return result
        if own.error is not None:
            raise own.error
        return own.result

    def _lead(self) -> None:
        """Runs the waiting units, if another lane has not run them before. Raises nothing."""
        with self._mutex:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        lane = _Lane(self._pass_on)
        try:
            if len(together) == 1:
                together[0].run_alone(self._run_alone, lane)
            elif together:
                # The deadline of each request ends its unit, and that of the leader ends nothing of the others.
                with self._one_writer, without_deadline():
                    self._run_together(together, lane)
            self._observe(sum(each.error is None for each in together))
        finally:
            with self._mutex:
                for each in together:
                    each.done = True
                    each.notify()
            lane.end()

    def _pass_on(self) -> None:
        """Lets the next waiting unit lead that does not lead yet."""
        with self._mutex:
            successor = next((each for each in self._waiting if not each.leads), None)
            if successor is None:
                self._leading -= 1
            else:
                successor.leads = True
                successor.notify()

    def _run_together(self, together: list[_Waiting], lane: _Lane) -> None:
        """Runs the units in one transaction. A unit that raises is rolled back alone. If the transaction is lost before
        its commit, or its commit fails, nothing was written, and each unit runs again, alone. All fail with the same
        error if none would do better alone: no connection, a lock that nothing may be written without, or a commit
        that may have been made."""
        begun = False
        try:
            with self._connections.connect() as connection, connection.begin() as transaction:
                begun, trees = True, LogTrees(connection)
                with Savepoints(connection) as savepoints:
                    for each in together:
                        savepoints.begin()
                        mark = trees.mark()
                        try:
                            each.run(self._unit_of(connection, trees), lane)
                        except BaseException as error:  # noqa: BLE001  # it is raised in its own request
                            each.fail(error, runs_alone=is_lock_wait(error))
                            savepoints.roll_back()
                            trees.return_to(mark)
                trees.append_all()
                with database_outages(committing=True):
                    transaction.commit()
        except Exception as error:  # noqa: BLE001  # it is raised in the requests of the units
            is_uncertain = isinstance(error, DatabaseUnavailable) and error.uncertain
            for each in together:
                each.fail(error, runs_alone=begun and not is_uncertain and not is_lock_wait(error))
        except BaseException as error:  # noqa: BLE001  # the thread must end, and nothing was committed
            for each in together:
                each.fail(RuntimeError(NOT_RUN))
            together[0].fail(error)

    def _observe(self, units: int) -> None:
        if units:
            self.commits += 1
            if self.observer is not None:
                self.observer(units)
