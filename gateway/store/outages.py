"""Which errors of the two databases are outages, and not faults of a statement."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from gateway.kit.deadline import DeadlineExceeded, is_deadline_over
from gateway.kit.outage import Outage

LOCK_WAIT = frozenset({"55P03", "SQLITE_BUSY", "SQLITE_LOCKED"})
"""The codes of a lock that another transaction holds for too long."""

DEADLOCK = "40P01"
"""The code of a transaction that PostgreSQL has ended because it and another one waited for each other."""

CONTENTION = LOCK_WAIT | {DEADLOCK}
"""The codes of a transaction that failed because of another one. It can be repeated."""

NOT_RESPONDING = "NOT_RESPONDING"
"""The code of a lost or refused connection, for which PostgreSQL has no SQLSTATE."""

POOL_EXHAUSTED = "POOL_EXHAUSTED"

TOO_MANY_CONNECTIONS = "53300"

_CLASSES = frozenset({"08", "28", "40", "53", "57", "58"})
"""SQLSTATE classes: connection exception, invalid authorization, transaction rollback, insufficient resources, operator
intervention, system error."""

_ONLY_READS = "25006"
_STATES = frozenset({"55P03", _ONLY_READS, "25P02", "25P03", "3D000", "XX001", "XX002"})
"""A lock wait, a server that only reads, a transaction that has failed before or was idle too long, a database that
does not exist any more, and corrupted data."""

_CONNECTING = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "authentication failed": "28000",
    "too many clients": TOO_MANY_CONNECTIONS,
    "too many connections": TOO_MANY_CONNECTIONS,
    "remaining connection slots": TOO_MANY_CONNECTIONS,
    "the database system is": "57P03",
    'role "': "28000",
    '" does not exist': "3D000",
}

_SQLITE_CODES = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY),
        *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN),
        *(sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_INTERRUPT),
    }
)


_ERRORS = (DBAPIError, PendingRollbackError, PoolTimeout, psycopg.Error, sqlite3.Error)


class DatabaseUnavailable(Outage):
    """The database cannot be used now."""

    def __init__(self, code: str, *, uncertain: bool = False) -> None:
        super().__init__("database", code, "The database cannot be used now.", uncertain=uncertain)


class database_outages:  # noqa: N801  # used like a function; a generator would take three times as long
    """A context manager that raises DatabaseUnavailable for an outage of the database in its block, and
    DeadlineExceeded if the deadline of the request has ended the block. `reading` says that the block is a reading
    unit, in which a write is a fault. `committing` says that it is a commit, so that after a lost connection it is
    uncertain whether it was made."""

    __slots__ = ("_committing", "_reading")

    def __init__(self, *, reading: bool = False, committing: bool = False) -> None:
        self._reading, self._committing = reading, committing

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if not isinstance(error, _ERRORS):
            return
        code = outage_code(error)
        if code is None or (self._reading and code == _ONLY_READS):
            return
        uncertain = self._committing and _may_have_committed(code)
        if not uncertain and is_deadline_over():
            raise DeadlineExceeded from error
        raise DatabaseUnavailable(code, uncertain=uncertain) from error


def outage_code(error: BaseException) -> str | None:
    """The SQLSTATE, the name of the SQLite error, or another code if the error is an outage; otherwise None."""
    if isinstance(error, PoolTimeout):
        return POOL_EXHAUSTED
    if isinstance(error, PendingRollbackError):  # the connection was lost before this statement
        return NOT_RESPONDING
    cause = _driver_error(error)
    if isinstance(cause, psycopg.Error):
        state = sqlstate(cause)
        if state is None:
            return NOT_RESPONDING if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) else None
        return state if state[:2] in _CLASSES or state in _STATES else None
    if isinstance(cause, sqlite3.Error):
        number = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return str(cause.sqlite_errorname) if number & 0xFF in _SQLITE_CODES else None
    return None


def is_lock_wait(error: BaseException) -> bool:
    """Whether the error says that another transaction holds a lock for too long."""
    return (error.code if isinstance(error, DatabaseUnavailable) else outage_code(error)) in LOCK_WAIT


def sqlstate(error: psycopg.Error) -> str | None:
    """The SQLSTATE of an error, None if it has none. libpq gives only the text of an error during a connection, so its
    code is found by the English text."""
    text = str(error)
    return error.sqlstate or next((state for part, state in _CONNECTING.items() if part in text), None)


def code_member(error: BaseException) -> dict[str, str]:
    """The member `database_code` of a log line: the SQLSTATE or the name of the SQLite error. Empty for any other
    error."""
    cause = _driver_error(error)
    name = (
        sqlstate(cause) or NOT_RESPONDING
        if isinstance(cause, psycopg.Error)
        else getattr(cause, "sqlite_errorname", None)
    )
    return {"database_code": name} if name else {}


def _driver_error(error: BaseException) -> BaseException | None:
    return error.orig if isinstance(error, DBAPIError) else error


def _may_have_committed(code: str) -> bool:
    return code == NOT_RESPONDING or code.startswith(("08", "57", "58", "SQLITE_IOERR"))
