"""Signed-in browser sessions, kept here so that they can be ended. Only the digest of the cookie is stored."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Field, col

from gateway.store.base import Table
from gateway.store.database import Session


class SessionRow(Table, table=True):
    """`authenticated_at` is None for a visitor who has not signed in: such a session carries the CSRF token only."""

    __tablename__ = "sessions"

    digest: str = Field(primary_key=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    created_at: datetime
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


def insert(session: Session, row: SessionRow) -> None:
    session.add(row)
    session.flush()


def touch(session: Session, digest: str, now: datetime) -> None:
    """Moves the idle limit: the session has been seen at `now`."""
    session.execute(update(SessionRow).where(col(SessionRow.digest) == digest).values(last_seen_at=now))
