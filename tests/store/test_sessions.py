"""Browser sessions: all of a user end together, and old ones are deleted in batches."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.store.database import Database
from gateway.store.identity.sessions import SESSIONS, SessionRow
from tests.support.clock import NOON
from tests.support.factories import make_user
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LATER = NOON + timedelta(hours=1)


def row(name: str, user_id: str | None = None, hours: int = 0) -> SessionRow:
    moment = NOON + timedelta(hours=hours)
    return SessionRow(digest=name, user_id=user_id, created_at=moment, last_seen_at=moment)


def names(database: Database) -> set[str]:
    with reading(database) as unit:
        return set(unit.connection.execute(select(SESSIONS.c.digest)).scalars())


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


def test_purge_deletes_the_oldest_sessions_in_batches(database: Database) -> None:
    with writing(database) as unit:
        for number in range(6):
            unit.sessions.insert(row(f"s{number}", hours=number))
    with writing(database) as unit:
        unit.sessions.purge(NOON + timedelta(hours=3), 3)
    assert names(database) == {"s3", "s4", "s5"}
    with writing(database) as unit:
        unit.sessions.purge(NOON + timedelta(hours=3), 3)
    assert names(database) == {"s4", "s5"}


def test_concurrent_purges_delete_different_sessions(database: Database) -> None:
    with writing(database) as unit:
        for number in range(40):
            unit.sessions.insert(row(f"s{number}"))
    race_writes(database, lambda unit, _: unit.sessions.purge(NOON, 5))
    remaining = len(names(database))
    assert remaining <= 35  # at least one purge deleted five; purges skip rows that another has locked
    for _ in range(8):
        with writing(database) as unit:
            unit.sessions.purge(NOON, 5)
    assert names(database) == set()
