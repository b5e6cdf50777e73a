"""Outages of the database: each raises DatabaseUnavailable within its limit, and nothing was written."""

import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest

from gateway.store.database import Database
from gateway.store.outages import DatabaseUnavailable
from gateway.store.postgresql import BoundedConnection
from gateway.store.unit import UnitOfWork
from gateway.store.waits import COMMAND, Waits
from tests.support.factories import make_partner
from tests.support.locks import locked
from tests.support.postgresql import Cluster
from tests.support.race import race
from tests.support.units import reading, writing

SHORT = Waits(lock=0.3, statement=1, pool=0.3, connect=2, grace=0.5)
LONGEST = 8.0
"""Seconds within which an outage is noticed with SHORT, on a busy machine."""


def names(database: Database) -> list[str]:
    return sorted(partner.name for partner in database.read(lambda unit: unit.partners.list_partners()))


def outage_of(work: Callable[[], object]) -> DatabaseUnavailable:
    """The outage that the work raises, which must come within LONGEST."""
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable) as raised:
        work()
    assert time.monotonic() - began < LONGEST
    return raised.value


@pytest.mark.postgresql
def test_e13_lock_wait_writes_nothing_and_the_unit_can_run_again(database_url: str) -> None:
    with closing(Database(database_url, waits=SHORT)) as database:
        with locked(database_url, "partners"):
            outage = outage_of(lambda: database.write(lambda unit: make_partner(unit, name="One")))
        assert outage.code in {"SQLITE_BUSY", "55P03"}
        assert not outage.uncertain
        assert names(database) == []
        database.write(lambda unit: make_partner(unit, name="One"))
        assert names(database) == ["One"]


def test_e13_units_that_wait_for_one_lock_fail_together(sqlite_url: str) -> None:
    """Units that share a transaction do not wait for the lock one after the other."""

    def write(number: int) -> str:
        try:
            return database.write(lambda unit: make_partner(unit, name=f"P{number}"))
        except DatabaseUnavailable as outage:
            return outage.code

    with closing(Database(sqlite_url, waits=replace(SHORT, lock=1))) as database, locked(sqlite_url, "partners"):
        began = time.monotonic()
        assert race(write, 12) == ["SQLITE_BUSY"] * 12
        assert time.monotonic() - began < 6, "twelve waits of a second would take longer"


def test_h3_full_disk_writes_nothing(sqlite_url: str) -> None:
    def fill(unit: UnitOfWork) -> None:
        pages = unit.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        unit.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        for number in range(2000):
            make_partner(unit, name=f"{number} {'x' * 500}")

    with closing(Database(sqlite_url, waits=SHORT)) as database:
        assert outage_of(lambda: database.write(fill)).code == "SQLITE_FULL"
        assert names(database) == []


@pytest.mark.postgresql
def test_h6_thread_waits_for_a_free_connection(database_url: str) -> None:
    with closing(Database(database_url, size=1)) as database:
        assert race(lambda _: names(database), 12) == [[]] * 12


@pytest.mark.postgresql
def test_h6_wait_for_a_free_connection_ends(database_url: str) -> None:
    with closing(Database(database_url, size=1, waits=SHORT)) as database, reading(database):
        assert outage_of(lambda: names(database)).code == "POOL_EXHAUSTED"


@pytest.mark.slow  # it waits for seconds; the test above waits for a connection of its own pool
def test_h6_waits_for_a_server_with_too_many_connections(own_postgresql: Cluster) -> None:
    own_postgresql.kill()
    own_postgresql.configure("max_connections = 5\nsuperuser_reserved_connections = 0")
    own_postgresql.start()
    url = own_postgresql.url("gateway")
    others = [psycopg.connect(url) for _ in range(5)]
    with closing(Database(url, waits=SHORT)) as hasty, closing(Database(url)) as patient:
        assert outage_of(lambda: names(hasty)).code == "53300"
        threading.Timer(0.3, others[0].close).start()
        assert names(patient) == []
    for each in others:
        each.close()


@pytest.mark.slow
def test_h2_server_that_hangs_is_noticed(own_postgresql: Cluster) -> None:
    with closing(Database(own_postgresql.url("gateway"), waits=SHORT)) as database:
        names(database)
        with own_postgresql.hanging():
            for work in (lambda: names(database), lambda: database.write(make_partner)):
                assert outage_of(work).code == "NOT_RESPONDING"
            began = time.monotonic()
            race(lambda _: outage_of(lambda: names(database)), 12)
            assert time.monotonic() - began < LONGEST, "they do not wait one after the other"
        assert names(database) == []


def test_h2_server_that_hangs_within_a_unit_is_noticed(own_postgresql: Cluster) -> None:
    def hang(unit: UnitOfWork) -> None:
        make_partner(unit, name="Lost")
        with own_postgresql.hanging():
            unit.partners.list_partners()

    with closing(Database(own_postgresql.url("gateway"), waits=SHORT)) as database:
        outage = outage_of(lambda: database.write(hang))
        assert (outage.code, outage.uncertain) == ("NOT_RESPONDING", False)
        assert names(database) == []


def test_h2_locks_of_a_process_that_hangs_within_a_unit_are_released(postgresql_url: str) -> None:
    def hang(unit: UnitOfWork) -> None:
        make_partner(unit, name="One")
        unit.connection.exec_driver_sql("LOCK TABLE partners IN EXCLUSIVE MODE")
        other.write(lambda unit: make_partner(unit, name="Two"))  # waits for the lock

    with (
        closing(Database(postgresql_url, waits=replace(SHORT, silence=0.2))) as database,
        closing(Database(postgresql_url, waits=COMMAND)) as other,
    ):
        assert outage_of(lambda: database.write(hang)).service == "database"
        assert names(database) == ["Two"]


def test_h4_server_that_stops_is_noticed_and_used_again(own_postgresql: Cluster) -> None:
    with closing(Database(own_postgresql.url("gateway"), waits=SHORT)) as database:
        database.write(lambda unit: make_partner(unit, name="Before"))
        own_postgresql.kill()
        for work in (lambda: names(database), lambda: database.write(make_partner)):
            assert not outage_of(work).uncertain
        own_postgresql.start()
        database.write(lambda unit: make_partner(unit, name="Later"))
        assert set(names(database)) - {"Before"} == {"Later"}


def test_h4_commit_over_a_lost_connection_is_uncertain(own_postgresql: Cluster) -> None:
    def lose(unit: UnitOfWork) -> None:
        make_partner(unit)
        own_postgresql.kill()

    with closing(Database(own_postgresql.url("gateway"), waits=SHORT)) as database:
        assert outage_of(lambda: database.write(lose)).uncertain


@pytest.mark.postgresql
def test_h4_fault_of_a_statement_is_no_outage(database: Database) -> None:
    database.write(lambda unit: make_partner(unit, name="Twice"))
    with pytest.raises(Exception, match=r"(?i)unique") as raised, writing(database) as unit:
        make_partner(unit, name="Twice")
    assert not isinstance(raised.value, DatabaseUnavailable)


def test_h2_statement_of_a_command_may_take_half_an_hour(postgresql_url: str) -> None:
    with closing(Database(postgresql_url)) as database:
        show = "SHOW statement_timeout"
        assert database.read(lambda unit: unit.connection.exec_driver_sql(show).scalar()) == "30min"
        with database.engine.connect() as connection:
            driver = connection.connection.driver_connection
            assert isinstance(driver, BoundedConnection)
            assert driver.longest_wait == COMMAND.reply == 1802
