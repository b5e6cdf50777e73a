"""Browser sessions: all of a user end together."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.store.database import Database
from gateway.store.identity.sessions import SESSIONS, SessionRow
from tests.support.clock import NOON
from tests.support.factories import make_user
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LATER = NOON + timedelta(hours=1)


def row(name: str, user_id: str | None = None) -> SessionRow:
    return SessionRow(digest=name, user_id=user_id, created_at=NOON, last_seen_at=NOON)


def test_end_all_ends_the_sessions_of_one_user(database: Database) -> None:
    with writing(database) as unit:
        mei, bo = make_user(unit), make_user(unit)
        for each in (row("a", mei), row("b", mei), row("c", mei), row("d", bo), row("e")):
            unit.sessions.insert(each)
        unit.sessions.end("c", NOON)
    with writing(database) as unit:
        assert {ended.digest for ended in unit.sessions.end_all(mei, LATER)} == {"a", "b"}
    with writing(database) as unit:
        assert unit.sessions.end_all(mei, LATER) == []
    with reading(database) as unit:
        ended = {each.digest: each.ended_at for each in unit.connection.execute(select(SESSIONS))}
    assert ended == {"a": LATER, "b": LATER, "c": NOON, "d": None, "e": None}
