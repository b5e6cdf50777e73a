"""The sealed logs: what is appended can be read back with the person's key only, and chains stay contiguous."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlmodel import select

from gateway.domain.decision import Status
from gateway.kit.crypto import SealBroken
from gateway.kit.json import canonical, decode
from gateway.store import access_log, decision_log, log_check
from gateway.store.access_log import AccessLogRow
from gateway.store.database import Database, Session
from gateway.store.keys import UserKeyRow
from gateway.store.sealed_log import LogHeadRow
from gateway.store.users import UserRow
from tests.support.clock import NOON
from tests.support.factories import Cast, ids, make_cast, make_client, make_consent, make_merchant, make_user
from tests.support.logs import MASTER, Forger, Logs, behind_the_triggers
from tests.support.race import race_writes


def test_the_personal_part_is_read_back_with_the_key(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        _, entry = logs.decide(session, make_cast(session))
    with database.read() as session:
        row = decision_log.load(session, entry)
        assert row is not None
        assert logs.decisions.personal(session, row) == {"note": "Personal", "tier": "GOOD"}
        assert Logs().decisions.personal(session, row) == {"note": "Personal", "tier": "GOOD"}  # another process
        assert b"Personal" not in row.sealed
        assert "Personal" not in row.public


def test_a_destroyed_key_closes_the_personal_part_for_ever(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        _, entry = logs.decide(session, cast)
    with database.write() as session:
        session.execute(text("DELETE FROM user_keys WHERE user_id = :user"), {"user": cast.user})
    with database.read() as session:
        row = decision_log.load(session, entry)
        assert row is not None
        assert logs.decisions.personal(session, row) is None
        assert log_check.check(session).intact


def test_another_master_key_opens_nothing(database: Database) -> None:
    with database.write() as session:
        _, entry = Logs().decide(session, make_cast(session))
    with database.read() as session:
        row = decision_log.load(session, entry)
        assert row is not None
        with pytest.raises(SealBroken):
            Logs(MASTER[::-1]).decisions.personal(session, row)


def test_a_sealed_part_opens_in_its_own_entry_only(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        _, first = logs.decide(session, cast)
        logs.decide(session, cast)
    with behind_the_triggers(database, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.put({**forger.row(1), "sealed": forger.row(2)["sealed"]})
    with database.read() as session:
        row = decision_log.load(session, first)
        assert row is not None
        with pytest.raises(SealBroken):
            logs.decisions.personal(session, row)


def test_the_public_part_names_no_person(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        decision, entry = Logs().decide(session, cast)
        user = session.get_one(UserRow, cast.user)
        row = decision_log.load(session, entry)
        assert row is not None
        public, document = row.public, decode(row.public)
        private = [user.id, user.username, user.display_name, cast.consent.subject]
        log_subject = user.log_subject
    assert canonical(document).decode() == public
    assert (document["id"], document["decision"], document["sequence"]) == (entry, decision, 1)
    assert document["at"] == "2026-11-23T12:00:00Z"
    assert document["subject"] == log_subject
    assert not [word for word in private if word in public]


def test_a_timeline_and_a_persons_accesses_are_found(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        decision, first = logs.decide(session, cast)
        logs.decide(session, cast)
        second = logs.tell(session, cast, decision, Status.APPROVED, Status.CANCELLED)
        accesses = [logs.access(session, cast) for _ in range(3)]
        subject = session.get_one(UserRow, cast.user).log_subject
    with database.read() as session:
        assert [row.id for row in decision_log.of_decision(session, decision)] == [first, second]
        assert [row.id for row in access_log.of_subject(session, subject)] == accesses[::-1]
        assert [row.id for row in access_log.of_subject(session, subject, limit=1)] == accesses[-1:]
        assert access_log.of_subject(session, "sub_no") == []


def test_a_unit_that_fails_leaves_no_gap(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        logs.decide(session, cast)
    with database.write() as session:
        logs.decide(session, cast)
        session.rollback()
    with database.write() as session:
        logs.decide(session, cast)
    with database.read() as session:
        assert log_check.check(session).entries == {"decision": 2, "access": 0}
        assert log_check.check(session).intact


def test_eight_writers_keep_one_chain_contiguous(database: Database) -> None:
    """From the first entry on: they also race for the head, the signing key and the person's key."""
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)

    def write(session: Session, _: int) -> None:
        logs.decide(session, cast)
        logs.access(session, cast)

    for _ in range(3):
        race_writes(database, write)
    with database.read() as session:
        report = log_check.check(session)
        assert report.finding is None
        assert report.entries == {"decision": 24, "access": 24}
        assert report.decisions == 24
        assert session.exec(select(LogHeadRow.sequence)).all() == [24, 24]
        sequences = session.exec(select(AccessLogRow.sequence).order_by(AccessLogRow.id)).all()
        assert sorted(sequences) == list(range(1, 25))


def test_one_person_has_one_key_a_year(database: Database) -> None:
    with database.write() as session:
        user = make_user(session)
    keys = race_writes(database, lambda session, _: Logs().keyring.user_key(session, user, NOON))
    assert len(set(keys)) == 1
    with database.write() as session:
        keyring = Logs().keyring
        next_year = keyring.user_key(session, user, datetime(2027, 1, 1, tzinfo=UTC))
        assert next_year != keys[0]
        assert keyring.open_keys(session, [keys[0][0], "key_no"]) == dict(keys[:1])
        assert {row.year for row in session.exec(select(UserKeyRow))} == {2026, 2027}


def test_each_merchant_has_a_chain_of_its_own(database: Database) -> None:
    logs = Logs()
    with database.write() as session:
        cast = make_cast(session)
        other = make_merchant(session, cast.partner)
        consent = make_consent(session, make_client(session, other), cast.user)
        second = Cast(cast.partner, other, consent.client_id, cast.user, consent)
        for each in (cast, second, cast):
            logs.decide(session, each)
        heads = session.exec(select(LogHeadRow)).all()
        assert {head.merchant_id: head.sequence for head in heads} == {cast.merchant: 2, other: 1}


def test_ids_are_marked_as_the_sandboxs(database: Database) -> None:
    with database.write() as session:
        _, entry = Logs().decide(session, make_cast(session))
    assert entry.startswith("evt_test_")
    assert ids.new("evt") > entry
