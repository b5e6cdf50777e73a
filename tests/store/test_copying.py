"""SQLite's write-ahead log is copied to the database file apart from commits."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from gateway.store.database import Database
from tests.support.factories import make_partner
from tests.support.units import reading

NAME = "A partner with a rare name"
MEBIBYTE = 2**20


@pytest.fixture
def file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))


@pytest.fixture
def written(sqlite_url: str) -> Iterator[Database]:
    """A database in which a partner has been written."""
    with closing(Database(sqlite_url)) as database:
        database.write(lambda unit: make_partner(unit, name=NAME))
        yield database


def test_commit_leaves_its_pages_in_the_write_ahead_log(written: Database, file: Path) -> None:
    assert NAME.encode() not in file.read_bytes()
    assert NAME.encode() in file.with_name(f"{file.name}-wal").read_bytes()


def test_pages_are_copied_to_the_file(written: Database, file: Path) -> None:
    written.copy_committed()
    assert NAME.encode() in file.read_bytes()


def test_reader_of_an_older_snapshot_is_not_waited_for(written: Database, file: Path) -> None:
    with reading(written) as older:
        assert older.partners.load_by_name("Another one") is None
        written.write(lambda unit: make_partner(unit, name="Another one"))
        written.copy_committed()
        assert older.partners.load_by_name("Another one") is None
    assert b"Another one" not in file.read_bytes()
    written.write(make_partner)
    written.copy_committed()
    assert b"Another one" in file.read_bytes()


def test_nothing_is_copied_without_a_commit(written: Database, file: Path) -> None:
    written.copy_committed()
    before = file.stat().st_mtime_ns
    written.copy_committed()
    assert file.stat().st_mtime_ns == before


def test_log_does_not_grow_without_limit(written: Database, file: Path) -> None:
    """Also without a server that copies it: a commit does."""
    log, name, total = file.with_name(f"{file.name}-wal"), "x" * MEBIBYTE, 0
    while total < 64 * MEBIBYTE:
        written.write(partial(make_partner, name=f"{name} {total}"))
        total += 2 * MEBIBYTE  # the name is in the table and in an index
    assert log.stat().st_size < 40 * MEBIBYTE
