"""The lock of the deployment's tasks: one connection has it until it is closed, and a lost one passes it on."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import psycopg
import pytest

from gateway.store.database import Database
from gateway.store.outages import DatabaseUnavailable
from gateway.store.unit import UnitOfWork
from gateway.store.waits import CHECKS
from tests.support.partner_time import until

SILENT = replace(CHECKS, silence=0.2, idle=0.2)


def try_lock(database: Database) -> bool:
    return database.write(lambda unit: unit.processes.try_lock_tasks())


@pytest.fixture
def pair(postgresql_url: str) -> Iterator[tuple[Database, Database]]:
    """The connections of two processes. The first is replaced after 0.2 s without a sign of life."""
    with ExitStack() as stack:
        waits = (SILENT, CHECKS)
        first, second = (stack.enter_context(closing(Database(postgresql_url, size=1, waits=each))) for each in waits)
        yield first, second


def test_one_connection_has_the_lock_until_it_is_closed(postgresql_url: str) -> None:
    with closing(Database(postgresql_url, size=1, waits=CHECKS)) as second:
        with closing(Database(postgresql_url, size=1, waits=CHECKS)) as first:
            assert [try_lock(each) for each in (first, second, first, second)] == [True, False, True, False]
        until(lambda: try_lock(second), bool)


def test_lock_of_a_lost_connection_passes_on(postgresql_url: str, pair: tuple[Database, Database]) -> None:
    _, second = pair
    with closing(Database(postgresql_url, size=1, waits=CHECKS)) as first:
        assert try_lock(first)
        with psycopg.connect(postgresql_url, autocommit=True) as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        until(lambda: try_lock(second), bool)
        assert not try_lock(first), "it has another connection now"


def test_lock_of_a_suspended_process_passes_on(pair: tuple[Database, Database]) -> None:
    first, second = pair
    assert try_lock(first)
    until(lambda: try_lock(second), bool)
    assert not try_lock(first)


def test_lock_of_a_process_that_is_suspended_in_a_unit_passes_on(pair: tuple[Database, Database]) -> None:
    first, second = pair

    def suspended(unit: UnitOfWork) -> bool:
        return unit.processes.try_lock_tasks() and until(lambda: try_lock(second), bool)

    with pytest.raises(DatabaseUnavailable):
        first.write(suspended)
    assert not try_lock(first)


def test_there_is_no_lock_on_sqlite(sqlite_url: str) -> None:
    with closing(Database(sqlite_url)) as first, closing(Database(sqlite_url)) as second:
        assert try_lock(first)
        assert try_lock(second)
