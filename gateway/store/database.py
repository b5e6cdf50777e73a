"""The database, which runs units of work. Only it and `shared_commits` begin and commit transactions.

SQLite: WAL, one writing process. A writing unit begins IMMEDIATE, because upgrading a deferred read fails at once with
BUSY_SNAPSHOT, whatever the timeout. PostgreSQL: a reading unit is REPEATABLE READ and read-only, a writing unit READ
COMMITTED. On both, conditional statements and row locks prevent races, and units that arrive during a commit share the
next one.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from secrets import token_hex
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from gateway.kit.clock import WallClock, wall_clock
from gateway.kit.deadline import check_deadline, without_deadline
from gateway.kit.private_files import create_empty
from gateway.store import postgresql, sqlite
from gateway.store.causes import explain
from gateway.store.kept_connections import Connections, KeptConnections
from gateway.store.logs.keys import NO_KEYRING, Keyring
from gateway.store.logs.trees import LogTrees
from gateway.store.outages import DatabaseUnavailable, database_outages
from gateway.store.shared_commits import SharedCommits
from gateway.store.unit import UnitOfWork
from gateway.store.waits import COMMAND, Waits

T = TypeVar("T")

DATABASE_ERRORS = (DBAPIError, UnicodeError)
"""Exceptions raised for an unreachable, invalid or unmigrated database, or an unresolvable host."""

LEAST_SPACE = 2**20
"""Bytes of free disk space below which an SQLite file is not ready."""

_ONE_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class _SharedSnapshot:
    """A context manager: within its block, several reading units have one snapshot. It begins with the first of
    them."""

    def __init__(self, connections: Connections) -> None:
        self.connections = connections
        self._use: AbstractContextManager[Connection] | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> None:
        self._token = _shared_snapshot.set(self)

    def __exit__(self, *_: object) -> None:
        _shared_snapshot.reset(self._token)
        self.end()

    def run(self, read: Callable[[Connection], T]) -> T:
        """Returns the result of one unit. If it raises, the snapshot ends: its transaction may have failed, and the
        next unit must not fail with it."""
        try:
            if self._connection is None:
                self._use = self.connections.connect()
                self._connection = self._use.__enter__()
                self._connection.begin()
            return read(self._connection)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Rolls back and returns the connection, if there is one. A lost one is no error: everything was read."""
        if self._connection is not None and self._use is not None:
            self._connection = None
            with suppress(DBAPIError):
                self._use.__exit__(None, None, None)


_shared_snapshot: ContextVar[_SharedSnapshot | None] = ContextVar("shared_snapshot", default=None)


class DatabaseDown(Exception):
    """The database cannot be reached. The message has no credentials."""


class Database:
    """Runs units of work. `size` is the largest number of reading connections; a unit waits for a free one. `lanes` is
    the number of transactions that write at once on PostgreSQL; units that wait for one share it. `keyring` seals and
    opens log entries; without one nothing can be appended to the logs. `waits` limits all waiting. `engine` is for
    checks and `writing_engine` for migrations. Services use `read` and `write`. Raises DatabaseDown for an invalid
    URL."""

    def __init__(
        self,
        url: str,
        *,
        size: int = 16,
        lanes: int = 1,
        clock: WallClock = wall_clock,
        keyring: Keyring = NO_KEYRING,
        waits: Waits = COMMAND,
    ) -> None:
        self._clock, self._keyring = clock, keyring
        self.sqlite = url.startswith("sqlite")
        self._file = sqlite.file_of(url) if self.sqlite else None
        if not self.sqlite and url.partition("?")[0].count("@") > 1:  # the driver would take a part of it as the host
            raise DatabaseDown("The database URL has an @ in its user name or password: write it as %40.")
        try:
            self.engine = (
                sqlite.reading_engine(url, size, waits) if self.sqlite else postgresql.engine(url, size, waits)
            )
            self.writing_engine = sqlite.writing_engine(url, waits) if self.sqlite else self.engine
        except (ArgumentError, ValueError):  # their messages may contain a password
            raise DatabaseDown("The database URL is not valid.") from None
        # SQLite allows one writer. Its busy handler sleeps and retries, so a waiting thread could fail by chance; a
        # lock and a queue serve every thread in turn.
        self._one_writer: AbstractContextManager[Any] = Lock() if self.sqlite else nullcontext()
        # One connection of each engine is never kept: it is for checks and migrations.
        self._kept = (KeptConnections(self.engine, size - 1), KeptConnections(self.writing_engine, 1))
        self._reading: Connections = self.engine.execution_options(**_ONE_SNAPSHOT)
        self._writing: Connections = self.writing_engine
        if self.sqlite:
            self._reading, self._writing = self._kept
        self._copied_commits = 0
        self._shared = SharedCommits(
            self._writing, self._unit, self._write_alone, self._one_writer, 1 if self.sqlite else lanes
        )

    def read(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs a reading unit of work over one snapshot of the data, and returns its result. Raises
        DatabaseUnavailable, and DeadlineExceeded if the deadline of the request ends it."""
        check_deadline()
        shared = _shared_snapshot.get()
        if shared is not None and shared.connections is self._reading:
            with database_outages(reading=True):
                return shared.run(lambda connection: work(self._unit(connection)))
        with database_outages(reading=True), self._reading.connect() as connection:
            connection.begin()  # rolled back at the end
            return work(self._unit(connection))

    def one_snapshot(self) -> AbstractContextManager[None]:
        """Lets the reading units in the block have the snapshot of the first of them, until a writing unit runs or
        `end_snapshot` is called. After that each has its own again. If a unit raises, the next begins a new one."""
        return _SharedSnapshot(self._reading)

    def end_snapshot(self) -> None:
        """Ends the snapshot of `one_snapshot`, so that no transaction is open while its caller waits for something
        else."""
        shared = _shared_snapshot.get()
        if shared is not None and shared.connections is self._reading:
            _shared_snapshot.set(None)
            shared.end()

    def write(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs a writing unit of work, and returns its result after a durable commit. If the unit raises, nothing is
        written. Raises DatabaseUnavailable; only if it is `uncertain` may the unit have been committed. Raises
        DeadlineExceeded if the deadline of the request ends the unit before its commit begins."""
        check_deadline()
        self.end_snapshot()
        with database_outages():
            result: T = self._shared.run(work)
            return result

    def _write_alone(self, work: Callable[[UnitOfWork], T]) -> T:
        """Runs a writing unit in a transaction of its own."""
        check_deadline()
        with self._one_writer, self._writing.connect() as connection, connection.begin() as transaction:
            unit = self._unit(connection)
            result = work(unit)
            unit.end()
            unit.trees.append_all()
            check_deadline()
            with database_outages(committing=True), without_deadline():
                transaction.commit()
            return result

    def _unit(self, connection: Connection, trees: LogTrees | None = None) -> UnitOfWork:
        return UnitOfWork(connection, self._clock(), self._keyring, trees)

    def observe_commits(self, observer: Callable[[int], None]) -> None:
        """Calls the observer after each commit on SQLite with the number of units of work in it. It must not raise."""
        if self.sqlite:
            self._shared.observer = observer

    def copy_committed(self) -> None:
        """Copies what has been committed since the last call from SQLite's write-ahead log to the database file. A
        server calls it at intervals, so that no commit has to do it. Writers and readers do not wait for it. Does
        nothing on PostgreSQL. Raises DatabaseUnavailable."""
        commits = self._shared.commits
        if not self.sqlite or commits == self._copied_commits:
            return
        with database_outages(), self._reading.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            driver.execute(sqlite.COPY_COMMITTED).fetchall()
        self._copied_commits = commits

    def ping(self) -> None:
        """Raises DatabaseDown, with a sentence about the cause, unless the database can be read."""
        query = "SELECT count(*) FROM sqlite_schema" if self.sqlite else "SELECT 1"
        try:
            with self.engine.connect() as connection:
                connection.exec_driver_sql(query)
        except DATABASE_ERRORS as error:
            raise DatabaseDown(explain(error)) from error

    def require_disk_space(self) -> None:
        """Raises DatabaseUnavailable if the disk of the SQLite file is full. Small writes may still succeed then, in
        space that the file already has."""
        if self._file is None:
            return
        try:
            free = shutil.disk_usage(self._file.parent).free
        except OSError as error:
            raise DatabaseUnavailable("SQLITE_CANTOPEN") from error
        if free < LEAST_SPACE:
            raise DatabaseUnavailable("SQLITE_FULL")

    def close(self) -> None:
        """Closes all connections."""
        for kept in self._kept:
            kept.close()
        self.engine.dispose()
        self.writing_engine.dispose()


def create_database_file(url: str) -> None:
    """Creates the empty file of a SQLite database, readable by its owner only, and its folder, if there is none. Does
    nothing for PostgreSQL. `Database` creates no file, so that a mistyped path leaves none. Raises DatabaseDown."""
    if not url.startswith(sqlite.PREFIX):
        return
    path = sqlite.file_of(url)
    try:
        create_empty(path)
    except OSError as error:
        raise DatabaseDown(f"The database file {path} cannot be created: {error.strerror}.") from error


@contextmanager
def temporary_database(url: str) -> Iterator[str]:
    """Creates an empty database on the same PostgreSQL server, yields its URL, and drops it afterwards. Raises
    DatabaseDown if the server does not respond or this user may not create databases."""
    engine = postgresql.engine(url, 1, COMMAND).execution_options(isolation_level="AUTOCOMMIT")
    name = f"sesame_demo_{token_hex(6)}"
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseDown(f"No temporary database could be created. {explain(error)}") from error
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()
