"""Units of work that arrive during a commit: they share the next one, and a failing one does not affect the others."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.kit.clock import WallTime
from gateway.store.database import Database
from gateway.store.decisions.idempotency import IdempotencyRow
from gateway.store.logs.trees import LogTrees
from gateway.store.merchants.partners import PartnerRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import make_client, make_merchant, make_partner
from tests.support.jobs import run_jobs
from tests.support.together import busy, submit, together, until_waiting
from tests.support.units import writing

pytestmark = pytest.mark.postgresql

REQUEST: ContextVar[str] = ContextVar("request", default="none")
Work = Callable[[UnitOfWork], Any]


@pytest.fixture
def commits(database: Database) -> Iterator[list[None]]:
    """A list that grows by one with each commit."""
    counted: list[None] = []

    def note(_: Any) -> None:
        counted.append(None)

    event.listen(database.writing_engine, "commit", note)
    yield counted
    event.remove(database.writing_engine, "commit", note)


def insert(name: str) -> Work:
    return lambda unit: make_partner(unit, name=name)


def names(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM partners")).scalars())


def test_waiting_units_share_a_commit(database: Database, commits: list[None]) -> None:
    wanted = [f"partner {number}" for number in range(6)]
    futures = together(database, *map(insert, wanted))
    assert len({future.result() for future in futures}) == 6
    assert names(database) == set(wanted)
    assert len(commits) == 2  # the first is of the unit that they waited for


def test_observer_learns_how_many_units_each_commit_has_on_sqlite(database: Database) -> None:
    observed: list[int] = []
    database.observe_commits(observed.append)

    def stop(_: UnitOfWork) -> None:
        raise RuntimeError("stop")

    together(database, *map(insert, "abc"), stop)
    assert observed == ([1, 3] if database.sqlite else []), "a unit that raises is in none"


def test_units_of_one_switching_thread_share_a_commit(database: Database, commits: list[None]) -> None:
    wanted = [f"partner {number}" for number in range(6)]
    made = list[str]()

    def job(name: str) -> Callable[[], None]:
        return lambda: made.append(database.write(insert(name)))

    with run_jobs(1, *map(job, wanted)) as jobs:
        jobs.wait()
    assert len(set(made)) == 6
    assert names(database) == set(wanted)
    assert len(commits) == 1


@pytest.mark.parametrize("other_threads", [1, 3])
def test_units_of_switching_and_other_threads_share_a_commit(
    database: Database, commits: list[None], other_threads: int
) -> None:
    """The first of them leads: another thread."""
    wanted = [f"partner {number}" for number in range(6)]
    made = list[str]()

    def job(name: str) -> Callable[[], None]:
        return lambda: made.append(database.write(insert(name)))

    with ThreadPoolExecutor(other_threads) as threads:
        with busy(database):
            futures = [threads.submit(database.write, insert(name)) for name in wanted[:other_threads]]
            until_waiting(database, other_threads)
            with run_jobs(1, *map(job, wanted[other_threads:])) as jobs:
                until_waiting(database, 6)
        jobs.wait()
        assert len({*made, *(future.result() for future in futures)}) == 6
    assert names(database) == set(wanted)
    assert len(commits) == 2


def test_unit_that_raises_rolls_back_only_itself(database: Database, commits: list[None]) -> None:
    def stop_halfway(unit: UnitOfWork) -> None:
        make_partner(unit, name="halfway")
        raise RuntimeError("halfway")

    futures = together(database, insert("first"), insert("second"), stop_halfway, insert("third"))
    assert isinstance(futures[2].exception(), RuntimeError)
    assert [future.exception() for future in futures if future is not futures[2]] == [None] * 3
    assert names(database) == {"first", "second", "third"}
    assert len(commits) == 2


def test_failed_commit_fails_only_the_unit_that_caused_it(database: Database) -> None:
    futures = together(database, insert("first"), insert("second"), leave_an_orphan(database), insert("third"))
    assert isinstance(futures[2].exception(), IntegrityError)
    assert [future.exception() for future in futures if future is not futures[2]] == [None] * 3
    assert names(database) == {"first", "second", "third"}


def leave_an_orphan(database: Database) -> Work:
    """A unit whose commit fails."""
    if not database.sqlite:
        name = "fk_merchant_adapters_merchant_id_merchants"
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"ALTER TABLE merchant_adapters ALTER CONSTRAINT {name} DEFERRABLE")

    def work(unit: UnitOfWork) -> None:
        defer = "PRAGMA defer_foreign_keys = ON" if database.sqlite else "SET CONSTRAINTS ALL DEFERRED"
        unit.connection.exec_driver_sql(defer)
        unit.connection.exec_driver_sql("INSERT INTO merchant_adapters VALUES ('mer_nobody', 'x', '2026-01-01')")

    return work


def test_interrupted_transaction_fails_all_units_that_share_it(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    append_all, transactions = LogTrees.append_all, count()

    def interrupt(trees: LogTrees) -> None:
        if next(transactions) == 1:  # after that of the unit that they waited for
            raise KeyboardInterrupt
        append_all(trees)

    monkeypatch.setattr(LogTrees, "append_all", interrupt)
    with ThreadPoolExecutor(3) as threads, busy(database):
        futures = submit(threads, database, insert("first"), insert("second"), insert("third"))
    assert [type(future.exception()) for future in futures] == [KeyboardInterrupt, RuntimeError, RuntimeError]
    assert names(database) == set()


@pytest.mark.parametrize("hidden", [False, True])
def test_lost_transaction_fails_only_one_unit(database: Database, hidden: bool) -> None:
    if database.sqlite:
        with database.engine.begin() as connection:
            connection.exec_driver_sql(
                "CREATE TRIGGER lose BEFORE INSERT ON partners WHEN NEW.name = 'lost'"
                " BEGIN SELECT RAISE(ROLLBACK, 'lost'); END"
            )

    def lose(unit: UnitOfWork) -> None:
        try:
            if database.sqlite:
                unit.partners.insert(PartnerRow(id="prt_lost", name="lost", created_at=NOON))
            elif hidden:  # an error ends a transaction of PostgreSQL
                unit.connection.exec_driver_sql("SELECT 1 / 0")
            else:
                unit.connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
        except DBAPIError:
            if not hidden:
                raise

    futures = together(database, insert("first"), insert("second"), lose, insert("third"))
    assert [futures[number].exception() for number in (0, 1, 3)] == [None] * 3
    assert futures[2].exception() is not None
    assert names(database) == {"first", "second", "third"}


def test_equal_idempotency_keys_in_one_transaction_are_settled(database: Database) -> None:
    def cast(unit: UnitOfWork) -> tuple[str, str]:
        partner = make_partner(unit)
        return partner, make_client(unit, make_merchant(unit, partner))

    partner, client = database.write(cast)

    def decide(decision_id: str) -> Work:
        def work(unit: UnitOfWork) -> str:
            earlier = unit.idempotency.find(partner, client, "m", "key", unit.wall)
            if earlier is not None:
                return earlier.decision_id
            record = IdempotencyRow(
                partner_id=partner,
                client_id=client,
                mutation="m",
                key="key",
                input=[],
                decision_id=decision_id,
                expires_at=WallTime(unit.wall + timedelta(hours=1)),
            )
            assert unit.idempotency.claim(record, unit.wall)
            return decision_id

        return work

    def fail(unit: UnitOfWork) -> None:
        decide("failed")(unit)
        raise RuntimeError

    first, *others = together(database, fail, *map(decide, "abc"))
    assert isinstance(first.exception(), RuntimeError)
    assert [future.result() for future in others] == ["a", "a", "a"]


def test_each_unit_runs_in_the_context_of_its_request(database: Database) -> None:
    def request(name: str) -> Work:
        REQUEST.set(name)
        return lambda _: REQUEST.get()

    def run(name: str) -> str:
        seen: str = database.write(request(name))
        return seen

    with ThreadPoolExecutor(5) as threads:
        with busy(database):
            futures = [threads.submit(run, f"request {number}") for number in range(5)]
            until_waiting(database, 5)
        assert [future.result() for future in futures] == [f"request {number}" for number in range(5)]


def test_a_later_unit_sees_what_an_earlier_one_wrote(database: Database) -> None:
    def count(unit: UnitOfWork) -> int:
        make_partner(unit)
        return int(unit.connection.execute(text("SELECT count(*) FROM partners")).scalar_one())

    assert [future.result() for future in together(database, *[count] * 5)] == [1, 2, 3, 4, 5]


def test_writer_is_released_afterwards(database: Database) -> None:
    together(database, *map(insert, "abc"))
    with writing(database) as unit:
        make_partner(unit, name="d")
    assert names(database) == set("abcd")
