"""Reading and writing units of work: commits, rollbacks, snapshots, and SQLite's one writer."""

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gateway.store.database import Database, DatabaseDown, create_database_file
from gateway.store.merchants.partners import PARTNERS, PartnerRow
from gateway.store.outages import DatabaseUnavailable
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import make_partner
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def offset(unit: UnitOfWork, partner_id: str) -> int:
    partner = unit.partners.load(partner_id)
    assert partner is not None
    return partner.clock_offset_seconds


def test_write_is_visible_to_another_database_object(database: Database, database_url: str) -> None:
    partner = database.write(make_partner)
    with closing(Database(database_url)) as other:
        assert other.read(lambda unit: unit.partners.load(partner)) is not None


def test_unit_that_raises_writes_nothing(database: Database) -> None:
    def stop_halfway(unit: UnitOfWork) -> None:
        make_partner(unit, name="Halfway")
        raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        database.write(stop_halfway)
    assert database.read(lambda unit: unit.partners.load_by_name("Halfway")) is None


def test_a_write_that_breaks_a_constraint_raises(database: Database) -> None:
    database.write(lambda unit: make_partner(unit, name="Twice"))
    with pytest.raises(DBAPIError), writing(database) as unit:
        unit.partners.insert(PartnerRow(id="prt_x", name="Twice", created_at=NOON))
    assert database.read(lambda unit: unit.partners.load("prt_x")) is None


def test_failed_commit_writes_nothing_and_releases_the_writer(database: Database) -> None:
    if not database.sqlite:
        pytest.skip("its constraints are not deferrable")

    def leave_an_orphan(unit: UnitOfWork) -> None:
        make_partner(unit, name="Lost")
        unit.connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        unit.connection.execute(text("INSERT INTO merchant_adapters VALUES ('mer_nobody', 'x', '2026-01-01')"))

    with pytest.raises(DBAPIError):
        database.write(leave_an_orphan)
    database.write(lambda unit: make_partner(unit, name="Next"))
    assert database.read(lambda unit: unit.partners.load_by_name("Lost")) is None
    assert database.read(lambda unit: unit.partners.load_by_name("Next")) is not None


def test_unit_that_hides_an_error_of_a_statement_is_not_reported_as_committed(postgresql_url: str) -> None:
    def hide(unit: UnitOfWork) -> None:
        make_partner(unit, name="Lost")
        with suppress(DBAPIError):
            unit.connection.execute(text("SELECT 1 / 0"))

    with closing(Database(postgresql_url)) as database:
        with pytest.raises(DatabaseUnavailable) as raised:
            database.write(hide)
        assert not raised.value.uncertain
        assert database.read(lambda unit: unit.partners.load_by_name("Lost")) is None
        database.write(make_partner)  # over the same connection


def test_reading_unit_cannot_write(database: Database) -> None:
    partner = database.write(make_partner)
    with suppress(DBAPIError):  # PostgreSQL refuses the statement
        database.read(lambda unit: unit.partners.move_clock(partner, 60))
    assert database.read(lambda unit: offset(unit, partner)) == 0


def test_a_read_sees_one_snapshot(database: Database) -> None:
    """Data that is committed during a query does not appear in a part of its result."""
    partner = database.write(make_partner)
    with reading(database) as unit:
        assert offset(unit, partner) == 0
        database.write(lambda other: other.partners.move_clock(partner, 60))
        assert offset(unit, partner) == 0
    assert database.read(lambda unit: offset(unit, partner)) == 60


def test_connection_can_write_after_it_read(database_url: str) -> None:
    """Options of one unit of work do not remain on the pooled connection."""
    with closing(Database(database_url, size=1)) as database:
        for _ in range(3):
            database.read(lambda unit: unit.partners.list_partners())
            database.write(make_partner)


def test_statements_of_reading_units_stay_prepared(postgresql_url: str) -> None:
    """A statement that has run five times is prepared. Otherwise the server would plan it each time."""

    def count_prepared(unit: UnitOfWork) -> int:
        unit.partners.load("ptn_test_1")
        return int(unit.connection.execute(text("SELECT count(*) FROM pg_prepared_statements")).scalar_one())

    with closing(Database(postgresql_url, size=1)) as database:
        assert [database.read(count_prepared) for _ in range(8)][-1] == 2
        with suppress(DBAPIError), reading(database) as unit:
            unit.connection.execute(text("SELECT 1 / 0"))
        assert database.read(count_prepared) == 0, "a transaction that failed was rolled back"


def test_concurrent_read_modify_write_units_lose_no_update_on_sqlite(sqlite_url: str) -> None:
    """With a deferred BEGIN, updates are lost or fail at once with BUSY_SNAPSHOT."""
    with closing(Database(sqlite_url)) as database:
        partner = database.write(make_partner)

        def bump(unit: UnitOfWork) -> None:
            seconds = offset(unit, partner) + 1
            unit.connection.execute(PARTNERS.update().values(clock_offset_seconds=seconds))

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: database.write(bump), range(100)))
        assert database.read(lambda unit: offset(unit, partner)) == 100


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    partner = database.write(make_partner)
    seen = threading.Event()

    def read() -> int:
        seconds = database.read(lambda unit: offset(unit, partner))
        seen.set()
        return seconds

    with ThreadPoolExecutor(1) as pool, writing(database) as unit:
        unit.partners.move_clock(partner, 5)
        result = pool.submit(read)
        assert seen.wait(5)
        assert result.result() == 0


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("recursive_triggers", 1)]
)
def test_every_sqlite_connection_is_prepared(sqlite_url: str, pragma: str, value: object) -> None:
    with closing(Database(sqlite_url, size=2)) as database, reading(database) as one, reading(database) as two:
        for unit in (one, two):
            assert unit.connection.execute(text(f"PRAGMA {pragma}")).scalar_one() == value


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(DBAPIError), writing(database) as unit:
        unit.merchants.enable_adapter("mer_no", "car_rental", NOON)


def test_ping_succeeds(database: Database) -> None:
    database.ping()


def test_unreachable_database_is_down(tmp_path: Path) -> None:
    with closing(Database(f"postgresql://gateway:secret@/gateway?host={tmp_path}")) as database:
        with pytest.raises(DatabaseDown) as raised:
            database.ping()
        assert "secret" not in str(raised.value)


def test_f4_files_of_a_sqlite_database_are_their_owners_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/a/b/gateway.db"
    umask = os.umask(0)
    try:
        create_database_file(url)
        with closing(Database(url)) as database:
            database.write(lambda unit: unit.wall)
            with database.writing_engine.begin() as connection:
                connection.exec_driver_sql("CREATE TABLE t (x)")
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a/b").iterdir()}
    finally:
        os.umask(umask)
    assert modes == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b")] == [0o700, 0o700]


def test_f4_existing_database_file_is_kept(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_text("mine")
    create_database_file(f"sqlite:///{tmp_path}/gateway.db")
    assert (tmp_path / "gateway.db").read_text() == "mine"


@pytest.mark.parametrize("name", ["typo.db", "odd name?mode=rwc#%41.db"])
def test_f4_opening_a_database_creates_no_file(tmp_path: Path, name: str) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/no/{name}")) as database, pytest.raises(DatabaseDown):
        database.ping()
    with closing(Database(f"sqlite:///{tmp_path}/{name}")) as database, pytest.raises(DatabaseDown):
        database.ping()
    assert list(tmp_path.iterdir()) == []


def test_a_broken_file_is_down(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"not a database" * 100)
    with closing(Database(f"sqlite:///{tmp_path}/gateway.db")) as database, pytest.raises(DatabaseDown):
        database.ping()
