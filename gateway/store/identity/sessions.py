"""Signed-in browser sessions, kept here so that they can be ended. Only the digest of the cookie is stored."""

from sqlalchemy import Integer, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class SessionRow(Record):
    """`authenticated_at` is None for a visitor who has not signed in: such a session carries the CSRF token only."""

    digest: str = Field(primary_key=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    created_at: WallTime = moment_column(index=True)
    last_seen_at: WallTime = moment_column()
    authenticated_at: WallTime | None = moment_column(default=None)
    ended_at: WallTime | None = moment_column(default=None)


class SessionTable(SessionRow, table=True):
    __tablename__ = "sessions"


SESSIONS = table_of(SessionTable)
_SESSION = select(SESSIONS).where(SESSIONS.c.digest == bindparam("digest"))
_END_ANY = SESSIONS.update().where(SESSIONS.c.ended_at.is_(None)).values(ended_at=bindparam("now"))
_END = _END_ANY.where(SESSIONS.c.digest == bindparam("of_digest"))
_END_ALL = _END_ANY.where(SESSIONS.c.user_id == bindparam("of_user")).returning(SESSIONS)
_TOUCH = SESSIONS.update().where(SESSIONS.c.digest == bindparam("of_digest")).values(last_seen_at=bindparam("now"))
_PURGE = SESSIONS.delete().where(
    SESSIONS.c.digest.in_(
        select(SESSIONS.c.digest)
        .where(SESSIONS.c.created_at <= bindparam("before"))
        .order_by(SESSIONS.c.created_at)
        .limit(bindparam("most", type_=Integer))
        .with_for_update(skip_locked=True)
    )
)


class SessionRepository(Repository):
    """Reads and writes browser sessions."""

    def load(self, digest: str) -> SessionRow | None:
        """The session, ended ones too; None if unknown."""
        return self._first(SessionRow, _SESSION, digest=digest)

    def insert(self, session: SessionRow) -> None:
        """Writes a new session."""
        self._insert(SESSIONS, session)

    def touch(self, digest: str, now: WallTime) -> None:
        """Moves the idle limit: the session has been seen at `now`."""
        self._execute(_TOUCH, of_digest=digest, now=now)

    def end(self, digest: str, now: WallTime) -> None:
        """Ends the session, unless it has been ended before."""
        self._execute(_END, of_digest=digest, now=now)

    def end_all(self, user_id: str, now: WallTime) -> list[SessionRow]:
        """Ends every session of this user that has not been ended, and returns them."""
        return self._all(SessionRow, _END_ALL, of_user=user_id, now=now)

    def purge(self, before: WallTime, most: int) -> None:
        """Deletes at most `most` of the sessions that began at `before` or earlier. Two purges at once take different
        sessions."""
        self._execute(_PURGE, before=before, most=most)
