"""Users, personas, pairwise ids, browser sessions, and the outbox."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest
from gateway.store.database import Database
from gateway.store.identity.sessions import SessionRow
from gateway.store.identity.users import new_log_subject
from gateway.store.outbox import OUTBOX, message_of_event
from gateway.store.unit import UnitOfWork
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast, make_merchant, make_partner, make_persona, make_user
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LATER = NOON + timedelta(minutes=5)
PAYLOAD: dict[str, Any] = {"data": {"to": Status.APPROVED, "due": None, "注": ["é"]}}


def test_a_user_is_found_by_name_and_id(database: Database) -> None:
    with writing(database) as unit:
        user = make_user(unit, username="li.na")
    with reading(database) as unit:
        loaded = unit.users.load_by_username("li.na")
        assert loaded is not None
        assert loaded.id == user
        assert unit.users.load(user) == loaded
        assert unit.users.load_by_username("LI.NA") is None


def test_username_is_unique(database: Database) -> None:
    with writing(database) as unit:
        make_user(unit, username="li.na")
    with pytest.raises(DBAPIError), writing(database) as unit:
        make_user(unit, username="li.na")


def test_b1_disabled_user_cannot_be_held(database: Database) -> None:
    with writing(database) as unit:
        user, other = make_user(unit), make_user(unit)
        assert unit.users.hold(user)
        unit.users.disable(user, NOON)
        assert (unit.users.hold(user), unit.users.hold(other), unit.users.hold("usr_none")) == (False, True, False)


def test_log_subjects_are_random() -> None:
    assert len({new_log_subject() for _ in range(100)}) == 100


def test_partner_can_read_only_its_own_personas(database: Database) -> None:
    with writing(database) as unit:
        mine, theirs = make_partner(unit), make_partner(unit)
        first = make_persona(unit, mine, make_user(unit, mine), handle="excellent", score=None)
        second = make_persona(unit, mine, make_user(unit, mine))
        foreign = make_persona(unit, theirs, make_user(unit, theirs), handle="excellent")
    with reading(database) as unit:
        assert [row.id for row in unit.users.list_personas(mine)] == [first, second]
        loaded = unit.users.load_persona(mine, first)
        assert loaded is not None
        assert loaded.score is None
        assert unit.users.load_persona(mine, foreign) is None
        assert unit.users.load_persona(mine, "per_no") is None


def test_concurrent_calls_create_one_pairwise_id(database: Database) -> None:
    with writing(database) as unit:
        partner = make_partner(unit)
        merchant, other = make_merchant(unit, partner), make_merchant(unit, partner)
        user = make_user(unit, partner)
    made = race_writes(
        database, lambda unit, number: unit.users.ensure_pairwise_subject(user, merchant, f"sub_{number}")
    )
    assert len(set(made)) == 1
    with writing(database) as unit:
        assert unit.users.ensure_pairwise_subject(user, merchant, "sub_late") == made[0]
        assert unit.users.ensure_pairwise_subject(user, other, "sub_other") == "sub_other"


def test_session_is_touched_and_ends_once(database: Database) -> None:
    with writing(database) as unit:
        user = make_user(unit)
        row = SessionRow(digest=digest("cookie"), user_id=user, created_at=NOON, last_seen_at=NOON)
        unit.sessions.insert(row)
    with writing(database) as unit:
        unit.sessions.touch(digest("cookie"), LATER)
        unit.sessions.end(digest("cookie"), LATER)
        unit.sessions.end(digest("cookie"), LATER + timedelta(minutes=1))
    with reading(database) as unit:
        loaded = unit.sessions.load(digest("cookie"))
        assert loaded is not None
        assert (loaded.last_seen_at, loaded.ended_at, loaded.authenticated_at) == (LATER, LATER, None)
        assert unit.sessions.load(digest("no")) is None


def _public(topic: Topic) -> dict[str, Any]:
    """Returns the part of a log entry that its message repeats."""
    return {"decision": "dec_1", "topic": topic}


def test_message_has_the_content_of_its_event(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        for topic in (Topic.DECISION_APPROVED, Topic.DECISION_CANCELLED):
            unit.outbox.add(message_of_event(ids.new("evt"), cast.merchant, _public(topic), PAYLOAD, NOON))
    with reading(database) as unit:
        rows = unit.connection.execute(select(OUTBOX).order_by(OUTBOX.c.id)).all()
        assert [(row.topic, row.aggregate_id) for row in rows] == [
            (Topic.DECISION_APPROVED, "dec_1"),
            (Topic.DECISION_CANCELLED, "dec_1"),
        ]
        assert rows[0].payload == PAYLOAD


def test_failed_unit_writes_no_message(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)

    def enqueue_and_fail(unit: UnitOfWork) -> None:
        public = _public(Topic.DECISION_APPROVED)
        unit.outbox.add(message_of_event("evt_1", cast.merchant, public, PAYLOAD, NOON))
        raise LookupError

    with pytest.raises(LookupError):
        database.write(enqueue_and_fail)
    with reading(database) as unit:
        assert unit.connection.execute(select(OUTBOX)).all() == []


def test_times_are_stored_in_utc_with_microseconds(database: Database) -> None:
    moment = WallTime(datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai")))
    with writing(database) as unit:
        unit.sessions.insert(SessionRow(digest="d", created_at=moment, last_seen_at=NOON, ended_at=None))
    with reading(database) as unit:
        row = unit.sessions.load("d")
        assert row is not None
        assert row.created_at == moment
        assert row.created_at.utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    naive = NOON.replace(tzinfo=None)
    row = SessionRow(digest="d", created_at=naive, last_seen_at=NOON)
    with pytest.raises(ValueError, match="timezone"), writing(database) as unit:
        unit.sessions.insert(row)
