"""Users, personas, pairwise ids, browser sessions, and the outbox that tells merchants of them."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.exc import DBAPIError, StatementError
from sqlmodel import select

from gateway.domain.event import Topic
from gateway.kit.clock import rfc3339
from gateway.kit.crypto import digest
from gateway.store import outbox, sessions, users
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.sessions import SessionRow
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast, make_merchant, make_partner, make_persona, make_user
from tests.support.race import race_writes

LATER = NOON + timedelta(minutes=5)


def test_a_user_is_found_by_name_and_id(database: Database) -> None:
    with database.write() as session:
        user = make_user(session, username="li.na")
    with database.read() as session:
        found = users.by_username(session, "li.na")
        assert found is not None
        assert found.id == user
        assert users.load(session, user) == found
        assert users.by_username(session, "LI.NA") is None


def test_a_user_name_is_its_own(database: Database) -> None:
    with database.write() as session:
        make_user(session, username="li.na")
    with pytest.raises(DBAPIError), database.write() as session:
        make_user(session, username="li.na")


def test_log_subjects_are_random(database: Database) -> None:
    assert len({users.new_log_subject() for _ in range(100)}) == 100


def test_a_partner_sees_its_own_personas_only(database: Database) -> None:
    with database.write() as session:
        mine, theirs = make_partner(session), make_partner(session)
        first = make_persona(session, mine, make_user(session, mine), handle="excellent", score=None)
        second = make_persona(session, mine, make_user(session, mine))
        foreign = make_persona(session, theirs, make_user(session, theirs), handle="excellent")
    with database.read() as session:
        assert [row.id for row in users.personas(session, mine)] == [first, second]
        found = users.persona(session, mine, first)
        assert found is not None
        assert found.score is None
        assert users.persona_of(session, found.user_id) == found
        assert users.persona(session, mine, foreign) is None
        assert users.persona(session, mine, "per_no") is None


def test_a_pairwise_id_is_made_once_by_any_number(database: Database) -> None:
    with database.write() as session:
        partner = make_partner(session)
        merchant, other = make_merchant(session, partner), make_merchant(session, partner)
        user = make_user(session, partner)
    made = race_writes(
        database, lambda session, number: users.ensure_pairwise_subject(session, user, merchant, f"sub_{number}")
    )
    assert len(set(made)) == 1
    with database.write() as session:
        assert users.ensure_pairwise_subject(session, user, merchant, "sub_late") == made[0]
        assert users.ensure_pairwise_subject(session, user, other, "sub_other") == "sub_other"


def test_a_session_moves_and_ends_once(database: Database) -> None:
    with database.write() as session:
        user = make_user(session)
        row = SessionRow(digest=digest("cookie"), user_id=user, created_at=NOON, last_seen_at=NOON)
        sessions.insert(session, row)
    with database.write() as session:
        sessions.touch(session, digest("cookie"), LATER)
        sessions.end(session, digest("cookie"), LATER)
        sessions.end(session, digest("cookie"), LATER + timedelta(minutes=1))
    with database.read() as session:
        found = sessions.load(session, digest("cookie"))
        assert found is not None
        assert (found.last_seen_at, found.ended_at, found.authenticated_at) == (LATER, LATER, None)
        assert sessions.load(session, digest("no")) is None


def _public(topic: Topic) -> dict[str, Any]:
    """The part of a log entry that its message repeats."""
    return {"decision": "dec_1", "topic": topic, "from": None, "to": "APPROVED", "business_at": rfc3339(NOON)}


def test_a_message_is_kept_with_what_it_tells_of(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        for topic in (Topic.DECISION_APPROVED, Topic.DECISION_CANCELLED):
            outbox.enqueue(session, outbox.of_event(ids.new("evt"), cast.merchant, _public(topic), "order-1", NOON))
    with database.read() as session:
        rows = session.exec(select(OutboxRow).order_by(OutboxRow.id)).all()
        assert [row.topic for row in rows] == [Topic.DECISION_APPROVED, Topic.DECISION_CANCELLED]
        assert rows[0].payload == {
            "decisionId": "dec_1",
            "merchantReference": "order-1",
            "from": None,
            "to": "APPROVED",
            "occurredAt": "2026-11-23T12:00:00Z",
        }


def test_a_message_of_a_unit_that_fails_is_not_sent(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
    with database.write() as session:
        public = _public(Topic.DECISION_APPROVED)
        outbox.enqueue(session, outbox.of_event("evt_1", cast.merchant, public, "order-1", NOON))
        session.rollback()
    with database.read() as session:
        assert session.exec(select(OutboxRow)).all() == []


def test_times_are_kept_in_utc_to_the_microsecond(database: Database) -> None:
    moment = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai"))
    with database.write() as session:
        sessions.insert(session, SessionRow(digest="d", created_at=moment, last_seen_at=NOON, ended_at=None))
    with database.read() as session:
        row = sessions.load(session, "d")
        assert row is not None
        assert row.created_at == moment
        assert row.created_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    row = SessionRow(digest="d", created_at=naive, last_seen_at=NOON)
    with pytest.raises(StatementError, match="timezone"), database.write() as session:
        sessions.insert(session, row)
