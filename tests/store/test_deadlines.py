"""Deadlines and the database: a running statement is ended, a commit is not, and nothing is written in part."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from gateway.kit.deadline import Deadline, DeadlineExceeded, Deadlines, current_deadline
from gateway.store.database import Database
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.together import busy, until_waiting

LIMIT = 0.2
pytestmark = pytest.mark.postgresql


def run_long(unit: UnitOfWork) -> None:
    """Runs a statement that takes about a minute."""
    if unit.connection.dialect.name == "sqlite":
        steps = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 500000000) SELECT count(*) FROM n"
        unit.connection.execute(text(steps))
    else:
        unit.connection.execute(text("SELECT pg_sleep(60)"))


def insert(unit: UnitOfWork, name: str) -> None:
    unit.partners.insert(PartnerRow(id=f"par_{name}", name=name, created_at=NOON))


def names(database: Database) -> set[str]:
    rows = database.read(lambda unit: unit.connection.execute(text("SELECT name FROM partners")).all())
    return {row.name for row in rows}


def within(seconds: float, call: Callable[[], Any]) -> Any:
    """Makes the call with a deadline. It must end long before a statement of `run_long`."""
    began = time.monotonic()
    try:
        with Deadlines(seconds).running():
            return call()
    finally:
        assert time.monotonic() - began < 20


def wait_until_over() -> None:
    deadline = current_deadline()
    assert deadline is not None
    while not deadline.is_over:
        time.sleep(0.001)


def test_a1_deadline_ends_a_reading_statement(database: Database) -> None:
    with pytest.raises(DeadlineExceeded):
        within(LIMIT, lambda: database.read(run_long))
    assert names(database) == set()  # the connection can be used


def test_a1_deadline_ends_a_writing_unit_without_a_trace(database: Database) -> None:
    def work(unit: UnitOfWork) -> None:
        insert(unit, "a")
        run_long(unit)

    with pytest.raises(DeadlineExceeded):
        within(LIMIT, lambda: database.write(work))
    assert names(database) == set()
    database.write(lambda unit: insert(unit, "b"))
    assert names(database) == {"b"}


def test_a1_unit_does_not_begin_after_its_deadline(database: Database) -> None:
    begun: list[str] = []
    for run in (database.read, database.write):
        with pytest.raises(DeadlineExceeded):
            within(0, lambda run=run: run(lambda _: begun.append("begun")))  # type: ignore[misc]
    assert begun == []


def test_a1_unit_is_not_committed_after_its_deadline(database: Database) -> None:
    def work(unit: UnitOfWork) -> None:
        insert(unit, "a")
        wait_until_over()

    with pytest.raises(DeadlineExceeded):
        within(LIMIT, lambda: database.write(work))
    assert names(database) == set()


def test_a1_cancelling_ends_a_statement_of_another_thread(database: Database) -> None:
    deadlines, begun = Deadlines(60), threading.Event()

    def work(unit: UnitOfWork) -> None:
        begun.set()
        run_long(unit)

    def call() -> None:
        with deadlines.running():
            database.write(work)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(call)
        assert begun.wait(20)
        deadlines.cancel_all()
        with pytest.raises(DeadlineExceeded):
            running.result(20)
    with deadlines.running() as later, pytest.raises(DeadlineExceeded):
        later.check()


def test_a1_commit_that_has_begun_is_not_ended(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    with database.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION nap() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$"
            " LANGUAGE plpgsql"
        )
        connection.exec_driver_sql(
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON partners DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION nap()"
        )

    def work() -> str:
        database.write(lambda unit: insert(unit, "a"))
        deadline = current_deadline()
        assert deadline is not None
        return "over" if deadline.is_over else "running"

    assert within(LIMIT, work) == "over"  # it ended during the commit
    assert names(database) == {"a"}
    database.close()


def test_a1_deadline_of_one_unit_does_not_end_units_that_share_its_commit(database: Database) -> None:
    short = Deadline(LIMIT)

    def outlast(unit: UnitOfWork) -> str:
        insert(unit, "last")
        while not short.is_over:
            time.sleep(0.001)
        return "last"

    def write(seconds: float, work: Callable[[UnitOfWork], Any]) -> Any:
        with Deadlines(seconds).running():
            return database.write(work)

    with ThreadPoolExecutor(3) as pool:
        with busy(database):
            ended = pool.submit(write, 2 * LIMIT, run_long)
            kept = pool.submit(write, 60, lambda unit: insert(unit, "kept"))
            last = pool.submit(write, 60, outlast)
            until_waiting(database, 3)
        with pytest.raises(DeadlineExceeded):
            ended.result(20)
        assert (kept.result(20), last.result(20)) == (None, "last")
    assert names(database) == {"kept", "last"}
