"""Signed-in browser sessions, kept here so that they can be ended. Only the digest of the cookie is stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Field, col, select

from gateway.store.base import Table
from gateway.store.database import Session


class SessionRow(Table, table=True):
    """`authenticated_at` is None for a visitor who has not signed in: such a session carries the CSRF token only."""

    __tablename__ = "sessions"

    digest: str = Field(primary_key=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    created_at: datetime = Field(index=True)
    last_seen_at: datetime
    authenticated_at: datetime | None = None
    ended_at: datetime | None = None


def load(session: Session, digest: str) -> SessionRow | None:
    return session.get(SessionRow, digest)


def end(session: Session, digest: str, now: datetime) -> None:
    session.execute(
        update(SessionRow)
        .where(col(SessionRow.digest) == digest, col(SessionRow.ended_at).is_(None))
        .values(ended_at=now)
    )


def end_all(session: Session, user_id: str, now: datetime) -> Sequence[SessionRow]:
    """Ends every session of this user that has not been ended, and returns their rows."""
    ended = (
        update(SessionRow)
        .where(col(SessionRow.user_id) == user_id, col(SessionRow.ended_at).is_(None))
        .values(ended_at=now)
        .returning(SessionRow)
    )
    return session.execute(ended).scalars().all()


def purge(session: Session, before: datetime, most: int) -> None:
    """Deletes at most `most` of the sessions that began at `before` or earlier. Two that purge at once take different
    ones."""
    old = (
        select(SessionRow.digest)
        .where(col(SessionRow.created_at) <= before)
        .order_by(col(SessionRow.created_at))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(SessionRow).where(col(SessionRow.digest).in_(old)))


def insert(session: Session, row: SessionRow) -> None:
    session.add(row)
    session.flush()


def touch(session: Session, digest: str, now: datetime) -> None:
    """Moves the idle limit: the session has been seen at `now`."""
    session.execute(update(SessionRow).where(col(SessionRow.digest) == digest).values(last_seen_at=now))
