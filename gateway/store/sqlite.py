"""SQLite's engines: one whose transactions read, one whose transactions may write.

SQLAlchemy leaves BEGIN to the driver, whose own comes too late for a snapshot and is never IMMEDIATE. The two dialects
say it themselves: an event handler would do the same at three times the cost of a small statement.
"""

from typing import Any, ClassVar

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.pool import QueuePool

from gateway.kit import json

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",  # an answered request is a committed request, also after a power cut
    "foreign_keys = ON",
    "busy_timeout = 10000",
    "recursive_triggers = ON",  # or INSERT OR REPLACE would slip past the append-only triggers
)


class ReadingDialect(SQLiteDialect_pysqlite):
    """Begins a transaction that reads one snapshot."""

    supports_statement_cache = True
    BEGIN: ClassVar[str] = "BEGIN DEFERRED"

    def do_begin(self, dbapi_connection: Any) -> None:
        dbapi_connection.execute(self.BEGIN)

    def do_commit(self, dbapi_connection: Any) -> None:
        # The driver's own commit says nothing where the transaction was lost, and leaves it open where COMMIT fails.
        try:
            dbapi_connection.execute("COMMIT")
        except Exception:
            if dbapi_connection.in_transaction:
                dbapi_connection.execute("ROLLBACK")
            raise


class WritingDialect(ReadingDialect):
    """Begins a transaction that may write: upgrading a deferred one fails at once with BUSY_SNAPSHOT."""

    supports_statement_cache = True
    BEGIN: ClassVar[str] = "BEGIN IMMEDIATE"


registry.register("sqlite.reading", __name__, ReadingDialect.__name__)
registry.register("sqlite.writing", __name__, WritingDialect.__name__)


def reading_engine(url: str, size: int) -> Engine:
    """An engine of at most `size` connections whose transactions only read. Raises ArgumentError, ValueError."""
    return _engine(url.replace("sqlite://", "sqlite+reading://", 1), size)


def writing_engine(url: str) -> Engine:
    """An engine of one connection whose transactions may write. Raises as `reading_engine` does."""
    return _engine(url.replace("sqlite://", "sqlite+writing://", 1), 1)


def _engine(url: str, size: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_reset_on_return=None,  # whoever borrows a connection ends its transaction
        json_serializer=json.encode_text,
        json_deserializer=json.decode,
        connect_args={"check_same_thread": False},
    )

    @event.listens_for(engine.pool, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    return engine
