"""Why a database cannot be used, as one sentence for the operator. The sentences have no address and no credentials."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError

from gateway.store.outages import outage_code, sqlstate

_TEXTS = {
    'role "': "The database does not know the user in the URL.",
    "no encryption": "The database accepts encrypted connections only: add ?sslmode=require to the database URL.",
    "no pg_hba.conf entry": "The database does not let this user connect from here: see its pg_hba.conf.",
    "server does not support SSL": "The database URL demands TLS (sslmode), and the server does not offer it.",
    "certificate": "The certificate of the database server is not trusted: check sslmode and sslrootcert in the URL.",
    "resolve host": "The host in the database URL is not known.",
    "translate host": "The host in the database URL is not known.",
    "Name or service not known": "The host in the database URL is not known.",
    "name resolution": "The host in the database URL is not known.",
    "Connection refused": "Nothing listens at the host and port of the database URL.",
    "No such file or directory": "There is no database server at the socket in the database URL.",
    "timeout expired": "The database server does not reply in time.",
}
"""By a part of libpq's text, for failures of a connection, which have no SQLSTATE."""

_STATES = {
    "28P01": "The database refuses the user name or the password.",
    "3D000": "The database that the URL names does not exist on the server.",
    "53300": "The database server has too many connections.",
    "57P03": "The database server is starting, stopping or recovering.",
    "53100": "The disk of the database server is full.",
    "53200": "The database server has no memory left.",
    "25006": "The database accepts no writes: it is a replica, or was set to read only.",
    "55P03": "A lock in the database was held for too long.",
    "57014": "A statement took too long, or was cancelled.",
    "42501": "The database user has not the rights that the gateway needs on its tables.",
    "42P01": "The database is not migrated: gateway database upgrade",
    "28000": "The database does not let this user connect.",
}

_SQLITE = {
    sqlite3.SQLITE_NOTADB: "The database file is not an SQLite database.",
    sqlite3.SQLITE_CORRUPT: "The database file is damaged.",
    sqlite3.SQLITE_BUSY: "The database file is locked by another process.",
    sqlite3.SQLITE_LOCKED: "The database file is locked by another process.",
    sqlite3.SQLITE_READONLY: "The database file, or its folder, cannot be written.",
    sqlite3.SQLITE_CANTOPEN: "The database file cannot be opened: check its folder and its permissions.",
    sqlite3.SQLITE_PERM: "The database file cannot be opened: check its permissions.",
    sqlite3.SQLITE_FULL: "The disk of the database file is full.",
    sqlite3.SQLITE_IOERR: "The disk of the database file cannot be read or written.",
}


def explain(error: BaseException) -> str:
    """One sentence about the cause of a database error, or about its cause if it is an Outage."""
    cause = error.__cause__ or error
    if isinstance(cause, UnicodeError):
        return "The host in the database URL is not known."
    if isinstance(cause, DBAPIError) and cause.orig is not None:
        cause = cause.orig
    if isinstance(cause, psycopg.Error):
        return _explain_postgresql(cause)
    if isinstance(cause, sqlite3.Error):
        return _explain_sqlite(cause)
    return f"The database cannot be used ({outage_code(cause) or type(cause).__name__})."


def _explain_postgresql(error: psycopg.Error) -> str:
    state, text = sqlstate(error), str(error)
    if state is None or state == "28000":
        found = next((sentence for part, sentence in _TEXTS.items() if part in text), None)
        if found is not None:
            return found
    if state is None:
        return "The database server does not respond."
    return _STATES.get(state, f"The database cannot be used (SQLSTATE {state}).")


def _explain_sqlite(error: sqlite3.Error) -> str:
    number = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if number == sqlite3.SQLITE_ERROR and "no such table" in str(error):
        return _STATES["42P01"]
    name = getattr(error, "sqlite_errorname", "SQLITE_ERROR")
    return _SQLITE.get(number, f"The database cannot be used ({name}).")
