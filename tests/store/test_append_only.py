"""The append-only triggers of the logs, on both databases: entries cannot be changed, replaced or deleted."""

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from tests.fixtures.settings import MASTER
from tests.support.factories import ids, make_cast
from tests.support.logs import log_access, log_decision
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

BOTH = ("UPDATE {table} SET public = 'x'", "UPDATE {table} SET public = 'x' WHERE id = 'nobody'", "DELETE FROM {table}")
COPY = (
    "INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (id) DO UPDATE SET public = 'x'",
    "INSERT INTO {table} SELECT * FROM {table} WHERE true ON CONFLICT (leaf_index) DO UPDATE SET public = 'x'",
)
ONLY = {
    "sqlite": (
        "INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
        "REPLACE INTO {table} SELECT * FROM {table}",
        "UPDATE OR REPLACE {table} SET leaf_index = 1",
    ),
    "postgresql": (
        "TRUNCATE {table}",
        "TRUNCATE {table} CASCADE",
        "MERGE INTO {table} AS old USING {table} AS new ON old.id = new.id WHEN MATCHED THEN UPDATE SET public = 'x'",
        "MERGE INTO {table} AS old USING {table} AS new ON old.id = new.id WHEN MATCHED THEN DELETE",
        "SET LOCAL session_replication_role = replica; DELETE FROM {table}",
    ),
}
WITHOUT_ROWS = BOTH[1]
TABLES = ("decision_log", "access_log", "record_log")


@pytest.fixture
def logged(database: Database) -> Database:
    """A database with two entries in each log."""
    with writing(database) as unit:
        cast = make_cast(unit)
        for _ in range(2):
            log_decision(unit, cast)
            log_access(unit, cast)
    return database


def contents(database: Database, table: str) -> object:
    with reading(database) as unit:
        return unit.connection.execute(text(f"SELECT * FROM {table} ORDER BY leaf_index")).all()


@pytest.mark.parametrize("table", TABLES)
def test_entries_cannot_be_changed_replaced_or_removed(logged: Database, table: str) -> None:
    before = contents(logged, table)
    for statement in (*BOTH, *COPY, *ONLY["sqlite" if logged.sqlite else "postgresql"]):
        if statement == WITHOUT_ROWS and logged.sqlite:
            continue  # SQLite's triggers are per row, and the statement matches none
        with pytest.raises(DBAPIError, match=f"{table} is append-only"), writing(logged) as unit:
            unit.connection.exec_driver_sql(statement.format(table=table))
        assert contents(logged, table) == before


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("column", ["id", "leaf_index", "rowid"])
def test_connection_without_recursive_triggers_cannot_replace_entries(sqlite_url: str, table: str, column: str) -> None:
    """INSERT OR REPLACE fires the DELETE trigger only if the connection has recursive triggers on."""
    with closing(Database(sqlite_url, keyring=Keyring(MASTER, ids))) as database, writing(database) as unit:
        cast = make_cast(unit)
        log_decision(unit, cast)
        log_access(unit, cast)
    values = {"rowid": "99", "id": "'new'", "leaf_index": "99"} | {column: column}
    columns = {
        "decision_log": "merchant_id, sealed, decision_id",
        "access_log": "merchant_id, sealed, subject",
        "record_log": "kind, record_id, digest",
    }[table]
    statement = (
        f"INSERT OR REPLACE INTO {table} (rowid, id, leaf_index, leaf_hash, public, {columns}) "
        f"SELECT {values['rowid']}, {values['id']}, {values['leaf_index']}, leaf_hash, 'forged', {columns} FROM {table}"
    )
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("PRAGMA recursive_triggers").fetchone() == (0,)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)


def test_entries_can_be_added(logged: Database) -> None:
    with writing(logged) as unit:
        cast = make_cast(unit)
        log_decision(unit, cast)
        log_access(unit, cast)
    with reading(logged) as unit:
        assert unit.connection.execute(text("SELECT count(*) FROM decision_log")).scalar_one() == 3
