"""The engine and the two units of work. Nothing else in the gateway begins, commits or rolls back.

SQLite: WAL, one writing process. A unit that may write begins IMMEDIATE: upgrading a deferred read fails at once
with BUSY_SNAPSHOT, whatever the timeout. PostgreSQL: a unit that reads is REPEATABLE READ and read-only, one that
writes READ COMMITTED; races are closed by conditional statements and row locks, the same on both.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.pool import QueuePool
from sqlmodel import Session

__all__ = ["UNUSABLE", "Database", "DatabaseDown", "Session", "throwaway"]


UNUSABLE = (DBAPIError, UnicodeError)
"""What a database raises that is not there, is none, or has other tables; and what a host does whose name is none."""

_ONE_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class DatabaseDown(Exception):
    """The database cannot be reached. The message names no credentials."""


class Database:
    """One engine. `size` connections at most, which must be at least the number of worker threads."""

    def __init__(self, url: str, *, size: int = 16) -> None:
        self.sqlite = url.startswith("sqlite")
        if self.sqlite:
            try:
                Path(url.removeprefix("sqlite:///")).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise DatabaseDown(f"The folder of the database cannot be made: {error.strerror}.") from error
        try:
            self._engine = _sqlite_engine(url, size) if self.sqlite else _postgresql_engine(url, size)
        except (ArgumentError, ValueError):  # whose text may repeat a password
            raise DatabaseDown("The address of the database cannot be read.") from None
        self._writing = self._engine.execution_options(begin="IMMEDIATE")
        # SQLite has one writer. Threads that wait for it here are woken when it is free; left to SQLite's busy handler
        # they would sleep and try again, and one that is unlucky long enough would fail.
        self._one_writer: AbstractContextManager[Any] = Lock() if self.sqlite else nullcontext()
        self._reading = self._engine if self.sqlite else self._engine.execution_options(**_ONE_SNAPSHOT)

    @property
    def engine(self) -> Engine:
        """For migrations and checks; services use `read` and `write`."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A unit of work that only reads: one snapshot of the data, rolled back at its end."""
        with Session(self._reading, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A unit of work that writes: committed durably when the block ends, rolled back when it raises."""
        with (
            self._one_writer,
            Session(self._writing, autoflush=False, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    def ping(self) -> None:
        """Raises DatabaseDown unless the database answers."""
        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql("SELECT 1")
        except UNUSABLE as error:
            raise DatabaseDown("The database does not answer.") from error

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def throwaway(url: str) -> Iterator[str]:
    """The address of a new, empty database on the same PostgreSQL server, dropped afterwards with all it holds.
    Raises DatabaseDown when the server does not answer or does not let this user create one."""
    engine = _postgresql_engine(url, 1).execution_options(isolation_level="AUTOCOMMIT")
    name = f"sesame_demo_{token_hex(6)}"
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except DBAPIError as error:
        engine.dispose()
        raise DatabaseDown("The PostgreSQL server does not let us create a throw-away database.") from error
    try:
        yield make_url(url).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


def _sqlite_engine(url: str, size: int) -> Engine:
    engine = create_engine(
        url, poolclass=QueuePool, pool_size=size, max_overflow=0, connect_args={"check_same_thread": False}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late and is never IMMEDIATE
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # an answered request is a committed request, also after a power cut
            "foreign_keys = ON",
            "busy_timeout = 10000",
            "recursive_triggers = ON",  # or INSERT OR REPLACE would slip past the append-only triggers
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get('begin', 'DEFERRED')}")

    return engine


def _postgresql_engine(url: str, size: int) -> Engine:
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": "-c timezone=UTC -c lock_timeout=10s -c statement_timeout=30s"},
    )
