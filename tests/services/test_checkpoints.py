"""Checkpoints: what is signed, where it is kept, and when nothing is signed."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.kit.checkpoints import Checkpoint, parse_checkpoints
from gateway.kit.merkle import EMPTY_ROOT
from gateway.services.checkpoints import CheckpointRefused, CheckpointService
from gateway.store.database import Database
from gateway.store.logs.checkpoints import CheckpointRow
from tests.support.clock import MovableClock
from tests.support.factories import Cast, make_cast
from tests.support.logs import ISSUER, Forger, log_decision, without_triggers
from tests.support.statements import statements
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

ORIGINS = [f"gateway.example/{log}-log" for log in ("access", "decision", "record")]


@pytest.fixture
def cast(database: Database) -> Cast:
    with writing(database) as unit:
        cast = make_cast(unit)
        log_decision(unit, cast)
    return cast


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "checkpoints"


@pytest.fixture
def service(database: Database, file: Path) -> CheckpointService:
    return CheckpointService(database, ISSUER, file)


def grow(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        log_decision(unit, cast)


def read(text: str) -> list[Checkpoint]:
    return [each.checkpoint for each in parse_checkpoints(text)]


def stored(database: Database) -> list[CheckpointRow]:
    with reading(database) as unit:
        return unit.checkpoints.list_of_log("decision")


def test_each_log_has_a_checkpoint_signed_by_the_key_in_force(
    database: Database, service: CheckpointService, cast: Cast
) -> None:
    text = service.sign()
    assert [(each.origin, each.size) for each in read(text)] == list(zip(ORIGINS, (1, 1, 4), strict=True))
    with reading(database) as unit:
        key = unit.keys.load_signing_key()
        assert key is not None
        assert [each.is_signed_by([key.public]) for each in parse_checkpoints(text)] == [True] * 3
        assert [each.root for each in read(text)] == [log.load_tree().root() for log in unit.logs]


def test_an_empty_log_has_a_checkpoint(service: CheckpointService) -> None:
    assert {(each.size, each.root) for each in read(service.sign())} == {(0, EMPTY_ROOT)}


def test_file_has_the_newest_checkpoint_of_each_log_for_all_readers(
    database: Database, service: CheckpointService, cast: Cast, file: Path
) -> None:
    service.sign()
    grow(database, cast)
    assert file.read_text() != service.sign() or file.read_text() == service.sign()
    assert [each.size for each in read(file.read_text())] == [2, 2, 4]
    assert file.stat().st_mode & 0o777 == 0o644


def test_a_log_that_has_not_grown_is_not_signed_again(
    database: Database, service: CheckpointService, cast: Cast, clock: MovableClock
) -> None:
    first = service.sign()
    clock.advance(timedelta(seconds=1))
    with statements(database) as executed:
        assert service.sign() == first
    assert not [each for each in executed if "INSERT" in each]


def test_table_keeps_the_last_checkpoint_of_each_day(
    database: Database, service: CheckpointService, cast: Cast, clock: MovableClock
) -> None:
    for _ in range(3):
        for _ in range(2):
            service.sign()
            grow(database, cast)
            clock.advance(timedelta(hours=1))
        clock.advance(timedelta(hours=22))
    assert [(row.day, row.size) for row in stored(database)] == [
        ("2026-11-23", 2),
        ("2026-11-24", 4),
        ("2026-11-25", 6),
    ]


def test_file_that_cannot_be_written_is_written_later(
    database: Database, cast: Cast, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "blocked").touch()
    service = CheckpointService(database, ISSUER, tmp_path / "blocked" / "file")
    with pytest.raises(OSError, match="directory"):
        service.sign()
    service.sign_or_log()
    (tmp_path / "blocked").unlink()
    service.sign_or_log()
    assert [each.size for each in read((tmp_path / "blocked" / "file").read_text())] == [1, 1, 4]


def test_a_log_that_was_cut_is_not_signed(database: Database, service: CheckpointService, cast: Cast) -> None:
    grow(database, cast)
    kept = service.sign()
    with without_triggers(database, "decision_log") as connection:
        Forger(connection, "decision_log").truncate(1)
    for signer in (service, CheckpointService(database, ISSUER, None)):
        with pytest.raises(CheckpointRefused, match="decision log"):
            signer.sign()
    grow(database, cast)
    grow(database, cast)
    with pytest.raises(CheckpointRefused):  # also when it has grown past the checkpoint
        CheckpointService(database, ISSUER, None).sign()
    assert stored(database)[-1].note in kept


def test_a_log_shorter_than_the_file_is_not_signed(
    database: Database, service: CheckpointService, cast: Cast, file: Path
) -> None:
    grow(database, cast)
    kept = service.sign()
    with without_triggers(database, "decision_log") as connection:
        Forger(connection, "decision_log").truncate(1)
        connection.execute(text("DELETE FROM log_checkpoints"))
    with pytest.raises(CheckpointRefused):
        CheckpointService(database, ISSUER, file).sign()
    assert (file.read_text(), stored(database)) == (kept, [])


def test_a_file_of_something_else_is_not_overwritten(
    database: Database, service: CheckpointService, cast: Cast, file: Path
) -> None:
    file.parent.mkdir()
    file.write_text("My notes\n")
    with pytest.raises(CheckpointRefused, match="not a file of checkpoints"):
        service.sign()
    assert file.read_text() == "My notes\n"


def test_missing_head_is_not_signed(database: Database, service: CheckpointService, cast: Cast) -> None:
    with writing(database) as unit:
        unit.connection.execute(text("DELETE FROM log_trees WHERE log = 'decision'"))
    with pytest.raises(CheckpointRefused):
        service.sign()


def test_another_process_continues(database: Database, cast: Cast, file: Path, database_url: str) -> None:
    first, second = (CheckpointService(database, ISSUER, file) for _ in range(2))
    first.sign()
    grow(database, cast)
    second.sign()
    grow(database, cast)
    assert [each.size for each in read(first.sign())] == [3, 3, 4]


@pytest.fixture
def large(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A database whose logs have more than one tile."""
    with writing(database) as unit:
        cast = make_cast(unit)
        for _ in range(300):
            log_decision(unit, cast)
    with closing(database):
        yield database


def test_growth_over_tiles_is_signed(large: Database, file: Path) -> None:
    before = read(CheckpointService(large, ISSUER, file).sign())
    with writing(large) as unit:
        cast = make_cast(unit)
        for _ in range(300):
            log_decision(unit, cast)
    service = CheckpointService(large, ISSUER, file)  # has signed nothing itself, so it computes the earlier roots
    after = read(service.sign())
    assert [(a.size, b.size) for a, b in zip(before, after, strict=True)] == [(300, 600), (300, 600), (4, 8)]
