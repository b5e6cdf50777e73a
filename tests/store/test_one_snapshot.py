"""Reading units that have one snapshot, and what ends it."""

import pytest
from sqlalchemy import text

from gateway.kit.deadline import DeadlineExceeded
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from tests.support.factories import make_partner
from tests.support.units import used_connections, writing

pytestmark = pytest.mark.postgresql


def names(unit: UnitOfWork) -> list[str]:
    return list(unit.connection.execute(text("SELECT name FROM partners ORDER BY name")).scalars())


def add(database: Database, name: str) -> None:
    """Commits a partner as another request would."""
    with writing(database) as unit:
        make_partner(unit, name=name)


def test_units_in_the_block_read_the_snapshot_of_the_first(database: Database) -> None:
    add(database, "a")
    with database.one_snapshot():
        assert database.read(names) == ["a"]
        add(database, "b")
        assert database.read(names) == ["a"]
    assert database.read(names) == ["a", "b"]


def test_snapshot_begins_with_the_first_unit(database: Database) -> None:
    with database.one_snapshot():
        add(database, "a")
        assert database.read(names) == ["a"]


def test_writing_unit_ends_the_snapshot_before_it_begins(database: Database) -> None:
    def write(unit: UnitOfWork) -> None:
        held.append(used_connections(database) - (not database.sqlite))  # its own is of the same pool on PostgreSQL
        make_partner(unit, name="b")

    held = list[int]()
    add(database, "a")
    with database.one_snapshot():
        assert database.read(names) == ["a"]
        database.write(write)
        assert held == [0]
        assert database.read(names) == ["a", "b"]
        add(database, "c")
        assert database.read(names) == ["a", "b", "c"], "each unit has its own snapshot again"


def test_snapshot_can_be_ended_before_a_wait(database: Database) -> None:
    with database.one_snapshot():
        assert database.read(names) == []
        assert used_connections(database) == 1
        database.end_snapshot()
        assert used_connections(database) == 0
        add(database, "a")
        assert database.read(names) == ["a"]


def test_unit_after_one_that_raised_has_a_new_snapshot(database: Database) -> None:
    def fail(unit: UnitOfWork) -> None:
        unit.connection.execute(text("SELECT 1"))
        raise DeadlineExceeded

    with database.one_snapshot():
        assert database.read(names) == []
        add(database, "a")
        with pytest.raises(DeadlineExceeded):
            database.read(fail)
        assert used_connections(database) == 0
        assert database.read(names) == ["a"]
    assert used_connections(database) == 0


def test_connection_that_is_lost_after_the_last_unit_is_no_error(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    try:
        with database.one_snapshot():
            process = database.read(lambda unit: unit.connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
            with database.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:process, 5000)"), {"process": process})
        assert database.read(names) == []
        assert used_connections(database) == 0
    finally:
        database.close()


def test_other_databases_keep_their_own_snapshots(database: Database, sqlite_url: str) -> None:
    other = Database(sqlite_url)
    try:
        with database.one_snapshot():
            assert other.read(names) == []
            add(other, "a")
            assert other.read(names) == ["a"]
    finally:
        other.close()
