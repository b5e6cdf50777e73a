"""The PostgreSQL engine. No wait for the server is without an end, also if the server hangs.

The server limits statements and locks itself. A server that hangs (stopped, out of memory, cut off from its disk) keeps
its connections open and does not do that, and TCP does not notice it. So this side limits the wait for each reply.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import waiting
from psycopg.errors import InFailedSqlTransaction, OperationalError, QueryCanceled
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from gateway.kit import json
from gateway.kit.deadline import DeadlineExceeded, check_deadline
from gateway.kit.slow_replies import report_slow
from gateway.store.outages import TOO_MANY_CONNECTIONS, sqlstate
from gateway.store.waits import Waits

_INTERVAL = 0.1

_CANCEL_WAIT = 1.0
"""Seconds to wait for the server to cancel a command. After that the connection is closed."""


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed if a reply takes longer than `longest_wait` seconds. None: no limit."""

    longest_wait: float | None = None

    def wait(self, gen: Any, interval: float = _INTERVAL, timeout: float | None = None) -> Any:
        """Waits for the reply to one command. Raises OperationalError if it takes too long."""
        if timeout is not None:
            return super().wait(gen, interval, timeout)
        return self._wait_until_deadline(gen, interval)

    def _wait_until_deadline(self, gen: Any, interval: float) -> Any:
        """Also ends the command when the deadline is over. Raises DeadlineExceeded."""
        try:
            return self._wait_for_reply(_checking(gen), interval)
        except DeadlineExceeded:
            self._try_cancel(timeout=_CANCEL_WAIT)
            try:
                waiting.wait(gen, self.pgconn.socket, interval, _CANCEL_WAIT)
            except QueryCanceled:
                raise DeadlineExceeded from None
            except psycopg.Error:
                self.pgconn.finish()
            raise

    def _wait_for_reply(self, gen: Any, interval: float) -> Any:
        if self.longest_wait is None:
            return super().wait(gen, interval)
        deadline = time.monotonic() + self.longest_wait
        try:
            return super().wait(gen, interval, self.longest_wait)
        except OperationalError:
            if time.monotonic() >= deadline:
                self.pgconn.finish()  # without the farewell of `close`, for which a server that hangs would be waited
            raise


def _checking(gen: Any) -> Any:
    """The generator of a command. After each interval without a reply it reports the wait, and raises DeadlineExceeded
    if the deadline is over."""
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready:
                report_slow()
                check_deadline()
            wanted = gen.send(ready)
    except StopIteration as end:
        return end.value


class Dialect(PGDialect_psycopg):
    """The dialect of the gateway: the check of an idle connection has a limit of its own."""

    supports_statement_cache = True
    ping_wait: float | None = None

    def do_ping(self, dbapi_connection: Any) -> bool:
        limit = dbapi_connection.longest_wait
        dbapi_connection.longest_wait = self.ping_wait
        try:
            alive: bool = super().do_ping(dbapi_connection)  # type: ignore[no-untyped-call]
            return alive
        finally:
            dbapi_connection.longest_wait = limit

    def do_commit(self, dbapi_connection: Any) -> None:
        """Raises InFailedSqlTransaction if a statement has failed: the server would roll back without an error."""
        if dbapi_connection.pgconn.transaction_status == TransactionStatus.INERROR:
            self.do_rollback(dbapi_connection)
            raise InFailedSqlTransaction("a statement of the transaction has failed")
        super().do_commit(dbapi_connection)  # type: ignore[no-untyped-call]

    def do_rollback(self, dbapi_connection: Any) -> None:
        """Commits if the transaction could only read, which is the same for the database. After a rollback the driver
        forgets its prepared statements, so the server would plan each statement again in the next transaction."""
        is_intact = dbapi_connection.pgconn.transaction_status == TransactionStatus.INTRANS
        if dbapi_connection.read_only and is_intact:
            super().do_commit(dbapi_connection)  # type: ignore[no-untyped-call]
        else:
            super().do_rollback(dbapi_connection)  # type: ignore[no-untyped-call]


registry.register("postgresql.gateway", __name__, Dialect.__name__)


class Connector:
    """Opens connections. After a failure one thread at a time tries again, and the others fail at once: otherwise every
    request would wait for a server that hangs. If the server has too many connections, it waits for a free one."""

    def __init__(self, waits: Waits) -> None:
        self._waits = waits
        self._failed, self._trying = False, threading.Lock()

    def connect(self, arguments: Sequence[Any], parameters: dict[str, Any]) -> BoundedConnection:
        """Returns a new connection. Raises psycopg.OperationalError."""
        if not self._failed:
            return self._try(arguments, parameters)
        if not self._trying.acquire(blocking=False):
            raise OperationalError("the server did not respond to the last attempt, and another one has begun")
        try:
            return self._try(arguments, parameters)
        finally:
            self._trying.release()

    def _try(self, arguments: Sequence[Any], parameters: dict[str, Any]) -> BoundedConnection:
        give_up = time.monotonic() + self._waits.pool
        while True:
            try:
                connection = BoundedConnection.connect(*arguments, **parameters)
            except psycopg.OperationalError as error:
                full = sqlstate(error) == TOO_MANY_CONNECTIONS
                if full and time.monotonic() < give_up:
                    time.sleep(_INTERVAL)
                    continue
                self._failed = not full
                raise
            self._failed = False
            connection.longest_wait = self._waits.reply
            return connection


def engine(url: str, size: int, waits: Waits) -> Engine:
    """Returns an engine with at most `size` connections. Raises ArgumentError, ValueError."""
    parsed = make_url(url).set(drivername="postgresql+gateway")
    settings = [
        "timezone=UTC",
        f"lock_timeout={_milliseconds(waits.lock)}",
        f"statement_timeout={_milliseconds(waits.statement)}",
    ]
    if waits.silence is not None:
        settings.append(f"idle_in_transaction_session_timeout={_milliseconds(waits.silence)}")
    if waits.idle is not None:
        settings.append(f"idle_session_timeout={_milliseconds(waits.idle)}")
    options = [*(f"-c {each}" for each in settings), str(parsed.query.get("options", ""))]
    defaults: dict[str, Any] = {
        "connect_timeout": max(2, round(waits.connect)),
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "application_name": "sesame-gateway",
    }
    made = create_engine(
        parsed,
        pool_size=size,
        max_overflow=0,
        pool_timeout=waits.pool,
        pool_pre_ping=True,
        json_serializer=json.encode_text,
        json_deserializer=json.decode,
        connect_args={
            **{name: value for name, value in defaults.items() if name not in parsed.query},
            "options": " ".join(options).strip(),
        },
    )
    assert isinstance(made.dialect, Dialect)
    made.dialect.ping_wait = waits.connect
    connector = Connector(waits)

    @event.listens_for(made, "do_connect")
    def connect(_: Any, __: Any, arguments: Sequence[Any], parameters: dict[str, Any]) -> BoundedConnection:
        return connector.connect(arguments, parameters)

    return made


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
