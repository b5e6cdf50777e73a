"""The two units of work: what they keep, what they undo, what they see, and that SQLite's writers take turns."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from gateway.store import partners
from gateway.store.database import Database, DatabaseDown, Session
from gateway.store.partners import PartnerRow
from tests.support.clock import NOON
from tests.support.factories import make_partner


def offset(session: Session, partner_id: str) -> int:
    return session.exec(select(PartnerRow.clock_offset_seconds).where(PartnerRow.id == partner_id)).one()


def test_a_write_is_there_for_another_process(database: Database, database_url: str) -> None:
    with database.write() as session:
        partner = make_partner(session)
    with closing(Database(database_url)) as other, other.read() as session:
        assert partners.load(session, partner) is not None


def test_a_write_that_raises_leaves_nothing(database: Database) -> None:
    def stop_halfway() -> None:
        with database.write() as session:
            make_partner(session, name="Halfway")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        stop_halfway()
    with database.read() as session:
        assert partners.by_name(session, "Halfway") is None


def test_a_write_whose_commit_fails_raises(database: Database) -> None:
    with database.write() as session:
        make_partner(session, name="Twice")
    with pytest.raises(DBAPIError), database.write() as session:
        session.add(PartnerRow(id="prt_x", name="Twice", created_at=NOON))
    with database.read() as session:
        assert partners.load(session, "prt_x") is None


def test_a_read_changes_nothing(database: Database) -> None:
    with database.write() as session:
        partner = make_partner(session)
    with database.read() as session:
        row = partners.load(session, partner)
        assert row is not None
        row.name = "Changed"
    with database.read() as session:
        row = partners.load(session, partner)
        assert row is not None
        assert row.name != "Changed"


def test_a_read_sees_one_snapshot(database: Database) -> None:
    """What is committed while a document is being read does not show in half of its answer."""
    with database.write() as session:
        partner = make_partner(session)
    with database.read() as reading:
        assert offset(reading, partner) == 0
        with database.write() as session:
            session.execute(update(PartnerRow).values(clock_offset_seconds=60))
        assert offset(reading, partner) == 0
    with database.read() as reading:
        assert offset(reading, partner) == 60


def test_a_write_after_a_read_on_the_same_connection_writes(database_url: str) -> None:
    """Options of one unit of work do not stay on the connection that the next one gets from the pool."""
    with closing(Database(database_url, size=1)) as database:
        for _ in range(3):
            with database.read() as session:
                session.execute(text("SELECT 1"))
            with database.write() as session:
                make_partner(session)


def test_concurrent_read_then_write_units_lose_nothing_on_sqlite(sqlite_url: str) -> None:
    """With a deferred BEGIN this loses updates or fails at once with a snapshot that is too old."""
    with closing(Database(sqlite_url)) as database:
        with database.write() as session:
            partner = make_partner(session)

        def bump(_: int) -> None:
            with database.write() as session:
                row = partners.load(session, partner)
                assert row is not None
                row.clock_offset_seconds += 1

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(bump, range(100)))
        with database.read() as session:
            assert offset(session, partner) == 100


def test_a_reader_does_not_wait_for_a_writer(database: Database) -> None:
    with database.write() as session:
        partner = make_partner(session)
    seen = threading.Event()

    def read() -> int:
        with database.read() as session:
            found = offset(session, partner)
        seen.set()
        return found

    with ThreadPoolExecutor(1) as pool, database.write() as session:
        session.execute(update(PartnerRow).where(col(PartnerRow.id) == partner).values(clock_offset_seconds=5))
        reading = pool.submit(read)
        assert seen.wait(5)
        assert reading.result() == 0


@pytest.mark.parametrize(
    ("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("recursive_triggers", 1)]
)
def test_every_sqlite_connection_is_prepared(sqlite_url: str, pragma: str, value: object) -> None:
    with closing(Database(sqlite_url, size=2)) as database, database.read() as one, database.read() as two:
        for session in (one, two):
            assert session.execute(text(f"PRAGMA {pragma}")).scalar_one() == value


def test_foreign_keys_are_enforced(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(
            text(
                "INSERT INTO merchant_adapters (merchant_id, adapter, enabled_at) VALUES ('mer_no', 'a', '2026-01-01')"
            )
        )


def test_ping_answers(database: Database) -> None:
    database.ping()


def test_a_database_that_is_not_there_is_down(tmp_path: Path) -> None:
    with closing(Database(f"postgresql://gateway:secret@/gateway?host={tmp_path}")) as database:
        with pytest.raises(DatabaseDown) as raised:
            database.ping()
        assert "secret" not in str(raised.value)


def test_a_sqlite_folder_is_made(tmp_path: Path) -> None:
    with closing(Database(f"sqlite:///{tmp_path}/a/b/gateway.db")) as database:
        database.ping()
    assert (tmp_path / "a/b/gateway.db").exists()


def test_a_broken_file_is_down(tmp_path: Path) -> None:
    (tmp_path / "gateway.db").write_bytes(b"not a database" * 100)
    with closing(Database(f"sqlite:///{tmp_path}/gateway.db")) as database, pytest.raises(DatabaseDown):
        database.ping()
