"""Browser sessions as rows: ended together, and cleared away a few at a time."""

from datetime import timedelta

from sqlmodel import select

from gateway.store import sessions
from gateway.store.database import Database
from gateway.store.sessions import SessionRow
from tests.support.clock import NOON
from tests.support.factories import make_user
from tests.support.race import race_writes

LATER = NOON + timedelta(hours=1)


def row(name: str, user_id: str | None = None, hours: int = 0) -> SessionRow:
    moment = NOON + timedelta(hours=hours)
    return SessionRow(digest=name, user_id=user_id, created_at=moment, last_seen_at=moment)


def names(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.exec(select(SessionRow.digest)).all())


def test_all_sessions_of_one_user_end(database: Database) -> None:
    with database.write() as session:
        mei, bo = make_user(session), make_user(session)
        for each in (row("a", mei), row("b", mei), row("c", mei), row("d", bo), row("e")):
            sessions.insert(session, each)
        sessions.end(session, "c", NOON)
    with database.write() as session:
        assert {ended.digest for ended in sessions.end_all(session, mei, LATER)} == {"a", "b"}
    with database.write() as session:
        assert sessions.end_all(session, mei, LATER) == []
    with database.read() as session:
        ended = {each.digest: each.ended_at for each in session.exec(select(SessionRow)).all()}
    assert ended == {"a": LATER, "b": LATER, "c": NOON, "d": None, "e": None}


def test_the_oldest_go_a_few_at_a_time(database: Database) -> None:
    with database.write() as session:
        for number in range(6):
            sessions.insert(session, row(f"s{number}", hours=number))
    with database.write() as session:
        sessions.purge(session, NOON + timedelta(hours=3), 3)
    assert names(database) == {"s3", "s4", "s5"}
    with database.write() as session:
        sessions.purge(session, NOON + timedelta(hours=3), 3)
    assert names(database) == {"s4", "s5"}


def test_many_may_clear_away_at_once(database: Database) -> None:
    with database.write() as session:
        for number in range(40):
            sessions.insert(session, row(f"s{number}"))
    race_writes(database, lambda session, _: sessions.purge(session, NOON, 5))
    left = len(names(database))
    assert left <= 35  # at least one took five; those that met rows of another left them to it
    for _ in range(8):
        with database.write() as session:
            sessions.purge(session, NOON, 5)
    assert names(database) == set()
