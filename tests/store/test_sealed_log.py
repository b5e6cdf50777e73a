"""The sealed logs: personal parts can be opened with the person's key only, and the trees stay contiguous."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from gateway.audit.log_verification import verify_logs
from gateway.domain.decisions.transitions import Status
from gateway.kit.clock import WallTime
from gateway.kit.crypto import SealBroken
from gateway.kit.json import canonical, decode
from gateway.store.database import Database
from gateway.store.logs.access_log import ACCESS_LOG
from gateway.store.logs.keys import USER_KEYS, Keyring
from gateway.store.logs.trees import TREES
from gateway.store.unit import UnitOfWork
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.factories import ids, make_cast, make_user
from tests.support.logs import PERSONAL, Forger, log_access, log_decision, log_event, without_triggers
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def open_personal(unit: UnitOfWork, entry_id: str) -> object:
    """Returns the personal part of an entry of the decision log."""
    row = unit.decision_log.load(entry_id)
    assert row is not None
    return unit.decision_log.open_personal(row)


def test_personal_part_can_be_opened_with_the_key(database: Database, database_url: str) -> None:
    with writing(database) as unit:
        _, entry = log_decision(unit, make_cast(unit))
    with reading(database) as unit:
        assert open_personal(unit, entry) == PERSONAL
        row = unit.decision_log.load(entry)
        assert row is not None
        assert b"Personal" not in row.sealed
        assert "Personal" not in row.public
        assert unit.decision_log.load("evt_no") is None
    with closing(Database(database_url, keyring=Keyring(MASTER, ids))) as other, reading(other) as unit:
        assert open_personal(unit, entry) == PERSONAL


def test_personal_part_cannot_be_opened_after_its_key_is_destroyed(database: Database) -> None:
    with writing(database) as unit:
        cast, other = make_cast(unit), make_cast(unit)
        (_, first), (_, second) = log_decision(unit, cast), log_decision(unit, other)
    with writing(database) as unit:
        unit.connection.execute(text("DELETE FROM user_keys WHERE user_id = :user"), {"user": cast.user})
    with reading(database) as unit:
        assert open_personal(unit, first) is None
        rows = sorted(unit.decision_log.list_by_ids([first, second]), key=lambda row: row.id)
        assert unit.decision_log.open_all(rows) == [None, PERSONAL]
        assert unit.decision_log.open_all([]) == []
        assert verify_logs(unit).intact


def test_another_master_key_opens_nothing(database: Database, database_url: str) -> None:
    with writing(database) as unit:
        _, entry = log_decision(unit, make_cast(unit))
    other = Database(database_url, keyring=Keyring(MASTER[::-1], ids))
    with closing(other), reading(other) as unit, pytest.raises(SealBroken):
        open_personal(unit, entry)


def test_sealed_part_opens_only_in_its_own_entry(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        _, first = log_decision(unit, cast)
        log_decision(unit, cast)
    with without_triggers(database, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.put({**forger.row(0), "sealed": forger.row(1)["sealed"]})
    with reading(database) as unit, pytest.raises(SealBroken):
        open_personal(unit, first)


def test_public_part_has_no_personal_data(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision, entry = log_decision(unit, cast)
        user, row = unit.users.load(cast.user), unit.decision_log.load(entry)
    assert user is not None
    assert row is not None
    public, document = row.public, decode(row.public)
    assert canonical(document).decode() == public
    assert (document["id"], document["decision"], document["version"]) == (entry, decision, 2)
    assert document["at"] == "2026-11-23T12:00:00Z"
    assert document["subject"] == user.log_subject
    private = [user.id, user.username, user.display_name, cast.consent.subject]
    assert not [word for word in private if word in public]


def test_entries_are_listed_by_decision_and_by_subject(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        decision, first = log_decision(unit, cast)
        other, other_first = log_decision(unit, cast)
        second = log_event(unit, cast, decision, Status.APPROVED, Status.CANCELLED)
        accesses = [log_access(unit, cast) for _ in range(3)]
        subject = unit.users.load_log_subject(cast.user)
    with reading(database) as unit:
        log = unit.decision_log
        assert [row.id for row in log.list_of_decision(decision)] == [first, second]
        assert [row.id for row in log.list_first([decision, other, "dec_no"])] == [first, other_first]
        assert [row.id for row in unit.access_log.list_of_subject(subject)][:3] == accesses[::-1]
        assert [row.id for row in unit.access_log.list_of_subject(subject, limit=1)] == accesses[-1:]
        assert unit.access_log.list_of_subject("sub_no") == []


def test_failed_unit_leaves_no_gap_in_the_tree(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        log_decision(unit, cast)

    def log_and_fail(unit: UnitOfWork) -> None:
        log_decision(unit, cast)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write(log_and_fail)
    with writing(database) as unit:
        log_decision(unit, cast)
    with reading(database) as unit:
        report = verify_logs(unit)
    assert (report.entries["decision"], report.entries["access"]) == (2, 2)
    assert report.intact


def test_concurrent_writers_keep_the_trees_contiguous(database: Database) -> None:
    """The writers also race to create the person's key."""
    with writing(database) as unit:
        cast = make_cast(unit)

    def write(unit: UnitOfWork, _: int) -> None:
        log_decision(unit, cast)

    for _ in range(3):
        race_writes(database, write)
    with reading(database) as unit:
        report = verify_logs(unit)
        assert report.finding is None
        assert (report.entries["decision"], report.entries["access"]) == (24, 24)
        assert report.decisions == 24
        sizes = {row.log: row.size for row in unit.connection.execute(select(TREES))}
        assert (sizes["decision"], sizes["access"]) == (24, 24)
        indexes = unit.connection.scalars(select(ACCESS_LOG.c.leaf_index).order_by(ACCESS_LOG.c.id)).all()
        assert sorted(indexes) == list(range(24))


def test_person_has_one_key_per_year(database: Database, clock: MovableClock) -> None:
    with writing(database) as unit:
        user = make_user(unit)
    keys = race_writes(database, lambda unit, _: unit.keys.ensure_user_key(user))
    assert len(set(keys)) == 1
    clock.now = WallTime(datetime(2027, 1, 1, tzinfo=UTC))
    with writing(database) as unit:
        assert unit.keys.ensure_user_key(user) != keys[0]
        assert unit.keys.open_user_keys([keys[0][0], "key_no"]) == dict(keys[:1])
        assert set(unit.connection.scalars(select(USER_KEYS.c.year))) == {2026, 2027}


def test_all_merchants_share_one_tree(database: Database) -> None:
    with writing(database) as unit:
        casts = [make_cast(unit), make_cast(unit)]
        entries = [log_decision(unit, cast)[1] for cast in (*casts, casts[0])]
    with reading(database) as unit:
        rows = unit.decision_log.list_by_ids(entries)
        assert {row.leaf_index: row.id for row in rows} == dict(enumerate(entries))


def test_entry_ids_have_the_sandbox_mark(database: Database) -> None:
    with writing(database) as unit:
        _, entry = log_decision(unit, make_cast(unit))
    assert entry.startswith("evt_test_")
    assert ids.new("evt") > entry
