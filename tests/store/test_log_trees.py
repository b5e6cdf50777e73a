"""Entries of units that share a transaction: appended once, in the order of the units, and never those of a unit that
failed."""

import pytest
from sqlalchemy import text

from gateway.audit.log_verification import verify_logs
from gateway.domain.decisions.transitions import Status
from gateway.store.database import Database
from gateway.store.logs.trees import LogTrees
from gateway.store.unit import UnitOfWork
from tests.support.factories import Cast, make_cast
from tests.support.logs import find_in_logs, log_access, log_decision, log_event
from tests.support.race import race
from tests.support.statements import statements
from tests.support.together import together
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


@pytest.fixture
def cast(database: Database) -> Cast:
    with writing(database) as unit:
        return make_cast(unit)


def entries(database: Database) -> int:
    with reading(database) as unit:
        report = verify_logs(unit)
    assert report.finding is None
    return report.entries["access"]


def test_entries_of_one_transaction_are_numbered_by_its_units(database: Database, cast: Cast) -> None:
    logged = [future.result() for future in together(database, *[lambda unit: log_access(unit, cast)] * 6)]
    with reading(database) as unit:
        rows = unit.access_log.list_by_ids(logged)
    assert [row.id for row in sorted(rows, key=lambda row: row.leaf_index)] == logged
    assert entries(database) == 6


@pytest.mark.parametrize("reads", [False, True], ids=["", "reads-the-log"])
def test_failed_unit_of_a_shared_transaction_leaves_no_entry(database: Database, cast: Cast, reads: bool) -> None:
    def fail(unit: UnitOfWork) -> None:
        entry = log_access(unit, cast)
        if reads:  # which writes its entry and those of the units before it
            assert [row.id for row in unit.access_log.list_by_ids([entry])] == [entry]
        unit.clients.update(unit.clients.list_clients()[0])
        raise RuntimeError("after the entry")

    def log(unit: UnitOfWork) -> str:
        return log_access(unit, cast)

    futures = together(database, log, log, fail, log)
    assert [type(future.exception()) for future in futures] == [type(None), type(None), RuntimeError, type(None)]
    assert entries(database) == 3
    with reading(database) as unit:
        assert verify_logs(unit).entries["record"] == 4


def test_unit_reads_its_own_entries(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        decision, first = log_decision(unit, cast)
        assert [row.id for row in unit.decision_log.list_of_decision(decision)] == [first]
        second = log_event(unit, cast, decision, Status.APPROVED, Status.CANCELLED)
        assert [row.id for row in unit.decision_log.list_of_decision(decision)] == [first, second]
        unit.connection.execute(text("UPDATE decisions SET status = 'CANCELLED'"))
    assert find_in_logs(database) is None


def test_heads_are_locked_after_everything_else(database: Database, cast: Cast) -> None:
    def work(unit: UnitOfWork) -> None:
        log_decision(unit, cast)
        unit.clients.update(unit.clients.list_clients()[0])

    with statements(database) as sent:
        database.write(work)
    first = next(number for number, each in enumerate(sent) if "log_trees" in each)
    written = [each for each in sent[first + 1 :] if not any(log in each for log in ("_log", "log_trees"))]
    assert written == []
    assert len([each for each in sent if "SELECT log_trees" in each]) == 1


def test_concurrent_units_with_entries_in_all_logs_do_not_deadlock(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        casts = [cast, *(make_cast(unit) for _ in range(3))]

    def write(number: int) -> None:
        own = casts[number]

        def work(unit: UnitOfWork) -> None:
            log_access(unit, own)
            unit.clients.update(next(each for each in unit.clients.list_clients() if each.id == own.client))
            log_decision(unit, own)

        for _ in range(5):
            database.write(work)

    race(write, 4)
    assert entries(database) == 4 * 5 * 2


def test_missing_head_stops_all_entries(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        unit.connection.execute(text("DELETE FROM log_trees WHERE log = 'access'"))
    with pytest.raises(RuntimeError, match="head of the access log is missing"):
        database.write(lambda unit: log_access(unit, cast))


def test_trees_without_entries_run_no_statement(database: Database) -> None:
    with statements(database) as sent, writing(database) as unit:
        LogTrees(unit.connection).append_all()
    assert not [each for each in sent if "log_trees" in each]


def test_entries_that_were_written_after_a_mark_are_forgotten_and_earlier_ones_are_written_again(
    database: Database, cast: Cast
) -> None:
    """A large unit writes its entries in batches. If it is rolled back, those of earlier units are not lost."""
    with writing(database) as unit:
        log_access(unit, cast)
        unit.connection.exec_driver_sql("SAVEPOINT unit")
        mark = unit.trees.mark()
        log_access(unit, cast)
        unit.trees.append_all()
        log_access(unit, cast)
        unit.connection.exec_driver_sql("ROLLBACK TO unit")
        unit.trees.return_to(mark)
        log_access(unit, cast)
    assert entries(database) == 2
    with reading(database) as unit:
        assert verify_logs(unit).intact
