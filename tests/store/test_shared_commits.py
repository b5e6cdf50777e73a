"""Units of work that wait for SQLite's writer: they share a commit, and a failing one does not affect the others."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError

from gateway.store.database import Database
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import make_partner
from tests.support.http_server import wait_until
from tests.support.jobs import run_jobs
from tests.support.together import busy, together
from tests.support.units import writing

REQUEST: ContextVar[str] = ContextVar("request", default="none")
Work = Callable[[UnitOfWork], Any]


@pytest.fixture
def shared(database: Database) -> Database:
    if not database.sqlite:
        pytest.skip("PostgreSQL has many writers")
    return database


@pytest.fixture
def commits(shared: Database) -> Iterator[list[None]]:
    """A list that grows by one with each commit."""
    counted: list[None] = []

    def note(_: Any) -> None:
        counted.append(None)

    event.listen(shared.writing_engine, "commit", note)
    yield counted
    event.remove(shared.writing_engine, "commit", note)


def insert(name: str) -> Work:
    return lambda unit: make_partner(unit, name=name)


def names(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM partners")).scalars())


def test_waiting_units_share_a_commit(shared: Database, commits: list[None]) -> None:
    wanted = [f"partner {number}" for number in range(6)]
    futures = together(shared, *map(insert, wanted))
    assert len({future.result() for future in futures}) == 6
    assert names(shared) == set(wanted)
    assert len(commits) == 2  # the first unit became the leader before the others arrived


def test_observer_learns_how_many_units_each_commit_has(shared: Database) -> None:
    observed: list[int] = []
    shared.observe_commits(observed.append)

    def stop(_: UnitOfWork) -> None:
        raise RuntimeError("stop")

    together(shared, *map(insert, "abcd"), stop)
    assert observed == [1, 3], "a unit that raises is in none"


def test_units_of_one_switching_thread_share_a_commit(shared: Database, commits: list[None]) -> None:
    wanted = [f"partner {number}" for number in range(6)]
    made = list[str]()

    def job(name: str) -> Callable[[], None]:
        return lambda: made.append(shared.write(insert(name)))

    with run_jobs(1, *map(job, wanted)) as jobs:
        jobs.wait()
    assert len(set(made)) == 6
    assert names(shared) == set(wanted)
    assert len(commits) == 1


@pytest.mark.parametrize("other_threads", [1, 3])
def test_units_of_switching_and_other_threads_share_a_commit(
    shared: Database, commits: list[None], other_threads: int
) -> None:
    """With one other thread, it leads first and a job leads next; with three, another thread leads next."""
    wanted = [f"partner {number}" for number in range(6)]
    made = list[str]()

    def job(name: str) -> Callable[[], None]:
        return lambda: made.append(shared.write(insert(name)))

    with ThreadPoolExecutor(other_threads) as threads:
        with busy(shared):
            futures = [threads.submit(shared.write, insert(name)) for name in wanted[:other_threads]]
            wait_until(lambda: waiting_units(shared) == other_threads - 1)
            with run_jobs(1, *map(job, wanted[other_threads:])) as jobs:
                wait_until(lambda: waiting_units(shared) == 5)
        jobs.wait()
        assert len({*made, *(future.result() for future in futures)}) == 6
    assert names(shared) == set(wanted)
    assert len(commits) == 2


def waiting_units(shared: Database) -> int:
    assert shared._shared is not None
    return len(shared._shared._waiting) if shared._shared._led else -1


def test_unit_that_raises_rolls_back_only_itself(shared: Database, commits: list[None]) -> None:
    def stop_halfway(unit: UnitOfWork) -> None:
        make_partner(unit, name="halfway")
        raise RuntimeError("halfway")

    futures = together(shared, insert("first"), insert("second"), stop_halfway, insert("third"))
    assert isinstance(futures[2].exception(), RuntimeError)
    assert [future.exception() for future in futures if future is not futures[2]] == [None] * 3
    assert names(shared) == {"first", "second", "third"}
    assert len(commits) == 2


def test_failed_commit_fails_only_the_unit_that_caused_it(shared: Database) -> None:
    def leave_an_orphan(unit: UnitOfWork) -> None:
        unit.connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        unit.connection.exec_driver_sql("INSERT INTO merchant_adapters VALUES ('mer_nobody', 'x', '2026-01-01')")

    futures = together(shared, insert("first"), insert("second"), leave_an_orphan, insert("third"))
    assert isinstance(futures[2].exception(), IntegrityError)
    assert [future.exception() for future in futures if future is not futures[2]] == [None] * 3
    assert names(shared) == {"first", "second", "third"}


def test_interrupted_commit_fails_all_units_that_share_it(shared: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shared._shared is not None
    begin, begun = shared._shared._begin, count()

    @contextmanager
    def interrupted() -> Iterator[Any]:
        with begin() as connection:
            yield connection
            if next(begun) == 1:  # the transaction after that of the first unit
                raise KeyboardInterrupt

    monkeypatch.setattr(shared._shared, "_begin", interrupted)
    futures = together(shared, insert("first"), insert("second"), insert("third"))
    assert [type(future.exception()) for future in futures] == [type(None), KeyboardInterrupt, RuntimeError]
    assert names(shared) == {"first"}


@pytest.mark.parametrize("hidden", [False, True])
def test_lost_transaction_fails_only_one_unit(shared: Database, hidden: bool) -> None:
    with shared.engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER lose BEFORE INSERT ON partners WHEN NEW.name = 'lost'"
            " BEGIN SELECT RAISE(ROLLBACK, 'lost'); END"
        )

    def lose(unit: UnitOfWork) -> None:
        try:
            unit.partners.insert(PartnerRow(id="prt_lost", name="lost", created_at=NOON))
        except IntegrityError:
            if not hidden:
                raise

    futures = together(shared, insert("first"), insert("second"), lose, insert("third"))
    assert [futures[number].exception() for number in (0, 1, 3)] == [None] * 3
    assert futures[2].exception() is not None
    assert names(shared) == {"first", "second", "third"}


def test_each_unit_runs_in_the_context_of_its_request(shared: Database) -> None:
    def request(name: str) -> Work:
        REQUEST.set(name)
        return lambda _: REQUEST.get()

    def run(name: str) -> str:
        seen: str = shared.write(request(name))
        return seen

    with ThreadPoolExecutor(5) as threads:
        with busy(shared):
            futures = [threads.submit(run, f"request {number}") for number in range(5)]
            time.sleep(0.05)
        assert [future.result() for future in futures] == [f"request {number}" for number in range(5)]


def test_a_later_unit_sees_what_an_earlier_one_wrote(shared: Database) -> None:
    def count(unit: UnitOfWork) -> int:
        make_partner(unit)
        return int(unit.connection.execute(text("SELECT count(*) FROM partners")).scalar_one())

    assert [future.result() for future in together(shared, *[count] * 5)] == [1, 2, 3, 4, 5]


def test_writer_is_released_afterwards(shared: Database) -> None:
    together(shared, *map(insert, "abc"))
    with writing(shared) as unit:
        make_partner(unit, name="d")
    assert names(shared) == set("abcd")
