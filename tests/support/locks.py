"""Locks that another process holds."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg
import pytest
from psycopg import sql


@contextmanager
def locked(database_url: str, table: str) -> Iterator[None]:
    """Another process holds a lock that every writing unit over the table needs. On SQLite, every writing unit."""
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"), isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            yield
            holder.execute("ROLLBACK")
        return
    with psycopg.connect(database_url) as connection:
        connection.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(table)))
        yield
        connection.rollback()


def wait_for_waiters(url: str, number: int) -> None:
    """Returns when so many statements of other connections wait for a lock. Fails after 20 seconds."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as connection:
        for _ in range(2000):
            if connection.execute(waiting).fetchone() == (number,):
                return
            time.sleep(0.01)
    pytest.fail(f"There were never {number} statements that wait.")
