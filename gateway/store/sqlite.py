"""The SQLite engines: one for reading and one for writing transactions.

SQLAlchemy leaves BEGIN to the driver, which begins too late for a snapshot and never IMMEDIATE. So the two dialects
execute BEGIN themselves. An event handler would do the same, but costs three times as much as a small statement.
"""

import sqlite3
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool

from gateway.kit import json
from gateway.kit.deadline import is_deadline_over
from gateway.store.waits import Waits

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # a committed request stays committed after a power failure
    # Pages of the write-ahead log, 32 MiB, after which a commit copies them to the database file. A server copies them
    # apart before that (`Database.copy_committed`).
    "wal_autocheckpoint = 8192",
    "cache_size = -16384",  # KiB of one connection; the default of 2 MB is too little for the indexes of many persons
    "temp_store = MEMORY",  # otherwise the pages that a savepoint keeps are written to a temporary file
    "foreign_keys = ON",
    "recursive_triggers = ON",  # otherwise INSERT OR REPLACE would bypass the append-only triggers
)


COPY_COMMITTED = "PRAGMA wal_checkpoint(PASSIVE)"
"""Copies the pages of the write-ahead log that no reader needs, without waiting for anybody."""

_STEPS = 20_000
"""The steps of a statement, less than a millisecond, after which the deadline is checked. SQLite then interrupts it."""


class ReadingDialect(SQLiteDialect_pysqlite):
    """The dialect of transactions that read one snapshot."""

    supports_statement_cache = True
    BEGIN: ClassVar[str] = "BEGIN DEFERRED"

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.execute(self.BEGIN)

    def do_commit(self, dbapi_connection: Any) -> None:
        # The driver's commit raises nothing if the transaction was lost, and leaves it open if COMMIT fails.
        try:
            dbapi_connection.execute("COMMIT")
        except Exception:
            if dbapi_connection.in_transaction:
                dbapi_connection.execute("ROLLBACK")
            raise


class WritingDialect(ReadingDialect):
    """The dialect of transactions that may write. Upgrading a deferred one would fail at once with BUSY_SNAPSHOT."""

    supports_statement_cache = True
    BEGIN: ClassVar[str] = "BEGIN IMMEDIATE"


registry.register("sqlite.reading", __name__, ReadingDialect.__name__)
registry.register("sqlite.writing", __name__, WritingDialect.__name__)


PREFIX = "sqlite:///"


def file_of(url: str) -> Path:
    """Returns the path of the database file in a URL that begins with PREFIX."""
    return Path(url.removeprefix(PREFIX))


def reading_engine(url: str, size: int, waits: Waits) -> Engine:
    """Returns an engine with at most `size` connections for reading transactions. Raises ArgumentError, ValueError."""
    return _engine("reading", url, size, waits)


def writing_engine(url: str, waits: Waits) -> Engine:
    """Returns an engine with two connections for writing transactions, which SQLite allows one at a time: one for units
    of work, and one for migrations. Raises as `reading_engine` does."""
    return _engine("writing", url, 2, waits)


def _engine(dialect: str, url: str, size: int, waits: Waits) -> Engine:
    # The mode "rw" creates no file. SQLite gives the write-ahead log the permissions of the file.
    address = f"{file_of(url).absolute().as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(address, uri=True, check_same_thread=False, timeout=waits.lock)

    engine = create_engine(
        f"sqlite+{dialect}://",  # without the file, in whose name SQLAlchemy would read "?" as the begin of a query
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=waits.pool,
        pool_reset_on_return=None,  # `Database` always ends the transaction before it returns a connection
        json_serializer=json.encode_text,
        json_deserializer=json.decode,
        creator=connect,
    )

    @event.listens_for(engine.pool, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        connection.set_progress_handler(is_deadline_over, _STEPS)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine
