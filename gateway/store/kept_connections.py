"""Connections that stay open between units of work, because SQLAlchemy's pool takes longer than a small statement."""

from contextlib import AbstractContextManager
from threading import Lock
from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError


class Connections(Protocol):
    """Provides connections: an engine, or KeptConnections."""

    def connect(self) -> AbstractContextManager[Connection]:
        """Returns a connection without a transaction for the block. A transaction that is open at its end is rolled
        back."""


class KeptConnections:
    """The connections of an engine of which up to `most` that nobody uses are kept, and do not return to the pool
    while nobody waits for one. The one that was used last is used next: its cache has the newest pages."""

    def __init__(self, engine: Engine, most: int) -> None:
        self._engine, self._most, self._lock = engine, most, Lock()
        self._kept: list[Connection] = []
        self._waiting = 0

    @property
    def unused(self) -> int:
        """The number of kept connections."""
        return len(self._kept)

    def connect(self) -> AbstractContextManager[Connection]:
        """Returns a connection for the block. Raises as `Engine.connect` does when the block begins."""
        return _Use(self)

    def close(self) -> None:
        """Returns all kept connections to the pool."""
        with self._lock:
            kept, self._kept = self._kept, []
        for connection in kept:
            connection.close()

    def take(self) -> Connection:
        """Returns a connection that nobody uses. Raises as `Engine.connect` does."""
        with self._lock:
            if self._kept:
                return self._kept.pop()
            self._waiting += 1  # from now on, connections return to the pool
        try:
            return self._engine.connect()
        finally:
            with self._lock:
                self._waiting -= 1

    def give_back(self, connection: Connection) -> None:
        """Ends the transaction of a connection, and keeps it or returns it to the pool. Raises DBAPIError."""
        try:
            transaction = connection.get_transaction()
            if transaction is not None:
                transaction.rollback()
        except DBAPIError:  # `close` gives it up
            connection.close()
            raise
        with self._lock:
            is_kept = not self._waiting and len(self._kept) < self._most and not connection.invalidated
            if is_kept:
                self._kept.append(connection)
        if not is_kept:
            connection.close()


class _Use:
    """A context manager: the use of a connection for a block."""

    __slots__ = ("_connection", "_connections")

    def __init__(self, connections: KeptConnections) -> None:
        self._connections = connections

    def __enter__(self) -> Connection:
        self._connection = self._connections.take()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connections.give_back(self._connection)
