"""Shared commits on PostgreSQL: several transactions at once, which never wait for each other in a circle."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from threading import Barrier
from typing import Any

import psycopg
import pytest

from gateway.store.database import Database
from gateway.store.logs.keys import Keyring
from gateway.store.outages import DatabaseUnavailable
from gateway.store.unit import UnitOfWork
from gateway.store.waits import COMMAND
from tests.fixtures.settings import MASTER
from tests.support.factories import ids, make_partner, make_user
from tests.support.locks import locked, wait_for_waiters
from tests.support.race import race
from tests.support.together import Gate, Work, busy, submit, together, until_waiting

KEYRING = Keyring(MASTER, ids)
DEADLOCK_TIMEOUT = 1.0
"""PostgreSQL's deadlock_timeout in seconds: it does not search for a deadlock earlier."""


@pytest.fixture
def two_lanes(postgresql_url: str) -> Iterator[Database]:
    with closing(Database(postgresql_url, lanes=2, keyring=KEYRING)) as database:
        yield database


@pytest.fixture
def one_lane(postgresql_url: str) -> Iterator[Database]:
    with closing(Database(postgresql_url, keyring=KEYRING)) as database:
        yield database


def insert(name: str) -> Work:
    """Inserts a user, with an entry in the record log."""
    return lambda unit: make_user(unit, username=name)


def users(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT username FROM users")}


def move(partner: str, barrier: Barrier | None = None) -> Work:
    """Changes a partner, and so locks its row. Then waits for the barrier."""

    def work(unit: UnitOfWork) -> str:
        unit.partners.move_clock(partner, 60)
        if barrier is not None:
            barrier.wait(20)
        return partner

    return work


def assert_no_deadlock(url: str, futures: list[Future[Any]], began: float) -> None:
    for future in futures:
        future.result(20)
    assert time.monotonic() - began < DEADLOCK_TIMEOUT
    with psycopg.connect(url) as connection:
        assert count_deadlocks(connection) == 0


def count_deadlocks(connection: psycopg.Connection[Any]) -> int:
    """The number of deadlocks that PostgreSQL has noticed in the database."""
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return int(connection.execute(query).fetchall()[0][0])


def test_two_lanes_that_lock_rows_in_opposite_orders_do_not_wait_for_each_other(
    two_lanes: Database, postgresql_url: str
) -> None:
    one, other = two_lanes.write(make_partner), two_lanes.write(make_partner)
    both_locked = Barrier(2)
    with ThreadPoolExecutor(4) as threads, Gate(two_lanes) as first, Gate(two_lanes) as second:
        began = time.monotonic()
        futures = submit(threads, two_lanes, move(one, both_locked), move(other))
        first.open()
        while both_locked.n_waiting < 1:
            time.sleep(0.001)
        futures += submit(threads, two_lanes, move(other, both_locked), move(one))
        second.open()
    assert_no_deadlock(postgresql_url, futures, began)


def test_two_processes_that_lock_rows_in_opposite_orders_do_not_wait_for_each_other(
    one_lane: Database, postgresql_url: str
) -> None:
    one, other = one_lane.write(make_partner), one_lane.write(make_partner)
    both_locked = Barrier(2)
    with (
        closing(Database(postgresql_url, keyring=KEYRING)) as process,
        ThreadPoolExecutor(4) as threads,
        Gate(one_lane) as first,
        Gate(process) as second,
    ):
        futures = submit(threads, one_lane, move(one, both_locked), move(other))
        futures += submit(threads, process, move(other, both_locked), move(one))
        began = time.monotonic()
        first.open()
        second.open()
        assert_no_deadlock(postgresql_url, futures, began)


def test_rows_locked_in_any_order_by_lanes_of_two_processes_do_not_deadlock(postgresql_url: str) -> None:
    with (
        closing(Database(postgresql_url, lanes=2, keyring=KEYRING)) as one,
        closing(Database(postgresql_url, lanes=2, keyring=KEYRING)) as other,
    ):
        partners = [one.write(make_partner) for _ in range(3)]

        def write(number: int) -> None:
            for turn in range(25):
                name = f"{number} {turn}"
                (one, other)[number % 2].write(lambda unit, name=name, turn=turn: change(unit, name, turn))  # type: ignore[misc]

        def change(unit: UnitOfWork, name: str, turn: int) -> None:
            move(partners[(len(name) + turn) % 3])(unit)
            make_user(unit, username=name)

        began = time.monotonic()
        race(write, 12)
        took = time.monotonic() - began
    assert len(users(postgresql_url)) == 12 * 25
    with psycopg.connect(postgresql_url) as connection:
        assert count_deadlocks(connection) == 0
        assert connection.execute("SELECT size FROM log_trees WHERE log = 'record'").fetchone() == (12 * 25,)
    assert took < 60


def test_unit_that_would_wait_for_a_lock_runs_alone_and_delays_no_other(
    one_lane: Database, postgresql_url: str
) -> None:
    partner = one_lane.write(make_partner)
    with ThreadPoolExecutor(3) as threads, psycopg.connect(postgresql_url) as holder:
        holder.execute("SELECT FROM partners FOR UPDATE")
        with busy(one_lane):
            first, waits, last = submit(threads, one_lane, insert("first"), move(partner), insert("last"))
        assert first.result(5)
        assert last.result(5)
        wait_for_waiters(postgresql_url, 1)
        assert not waits.done()
        holder.rollback()
        assert waits.result(20) == partner


def test_unit_that_waits_long_lets_others_begin(one_lane: Database, postgresql_url: str) -> None:
    partner = one_lane.write(make_partner)
    with ThreadPoolExecutor(1) as threads, psycopg.connect(postgresql_url) as holder:
        holder.execute("SELECT FROM partners FOR UPDATE")
        waits = threads.submit(one_lane.write, move(partner))
        wait_for_waiters(postgresql_url, 1)
        one_lane.write(insert("other"))
        assert not waits.done()
        holder.rollback()
        assert waits.result(20) == partner
    assert one_lane.write(insert("later"))


def test_slow_statement_within_a_shared_transaction_lets_others_begin(one_lane: Database, postgresql_url: str) -> None:
    def run_long(unit: UnitOfWork) -> None:
        unit.connection.exec_driver_sql(
            "DO $$ BEGIN WHILE NOT pg_try_advisory_xact_lock(1) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$"
        )

    with ThreadPoolExecutor(2) as threads, psycopg.connect(postgresql_url) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        with busy(one_lane):
            slow, same_transaction = submit(threads, one_lane, run_long, insert("same transaction"))
        until_waiting(one_lane, 0)
        one_lane.write(insert("other"))
        assert [slow.done(), same_transaction.done()] == [False, False]
        holder.rollback()
        slow.result(20)
    assert users(postgresql_url) == {"same transaction", "other"}


def test_waits_for_locks_are_as_usual_after_a_shared_transaction(one_lane: Database) -> None:
    def show(unit: UnitOfWork) -> str:
        return str(unit.connection.exec_driver_sql("SHOW lock_timeout").scalar_one())

    shared = [future.result() for future in together(one_lane, show, show)]
    assert shared == ["1ms", "1ms"]
    assert [one_lane.write(show) for _ in range(3)] == ["10s"] * 3


def test_units_are_answered_after_their_commit(one_lane: Database, postgresql_url: str) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute(
            "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION wait()"
        )
    with psycopg.connect(postgresql_url) as holder, ThreadPoolExecutor(2) as threads:
        holder.execute("SELECT pg_advisory_xact_lock(1)")
        with busy(one_lane):
            futures = submit(threads, one_lane, insert("one"), insert("two"))
        wait_for_waiters(postgresql_url, 1)
        assert [future.done() for future in futures] == [False, False]
        holder.rollback()
        assert all(future.result(20) for future in futures)
    assert users(postgresql_url) == {"one", "two"}


def test_h4_units_whose_shared_commit_is_lost_are_uncertain_and_not_run_again(
    one_lane: Database, postgresql_url: str
) -> None:
    with psycopg.connect(postgresql_url) as connection:
        connection.execute(
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        )
        connection.execute(
            "CREATE CONSTRAINT TRIGGER lost AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION lose()"
        )
    runs: list[str] = []

    def write(unit: UnitOfWork) -> None:
        runs.append("run")
        make_user(unit)

    for future in together(one_lane, write, write, write):
        outage = future.exception()
        assert isinstance(outage, DatabaseUnavailable)
        assert outage.uncertain
    assert len(runs) == 3


def test_e13_units_that_wait_for_the_heads_of_the_logs_fail_together(postgresql_url: str) -> None:
    def write(number: int) -> str:
        try:
            return str(database.write(insert(f"user {number}")))
        except DatabaseUnavailable as outage:
            return outage.code

    waits = replace(COMMAND, lock=0.5)
    with (
        closing(Database(postgresql_url, keyring=KEYRING, waits=waits)) as database,
        locked(postgresql_url, "log_trees"),
    ):
        began = time.monotonic()
        assert race(write, 12) == ["55P03"] * 12
        assert time.monotonic() - began < 4, "twelve waits of half a second would take longer"
    assert users(postgresql_url) == set()
