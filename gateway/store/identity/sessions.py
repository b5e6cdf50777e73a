"""Browser sessions, stored so that they can be ended. Only the digest of the cookie is stored."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class SessionRow(Record):
    """A browser session of a signed-in user. Rows without a user are of visitors; they are no longer written."""

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


class SessionRepository(Repository):
    """Reads and writes browser sessions."""

    def load(self, digest: str) -> SessionRow | None:
        """Returns the session, including an ended one, or None if it is unknown."""
        return self._first(SessionRow, _SESSION, digest=digest)

    def insert(self, session: SessionRow) -> None:
        """Writes a new session."""
        self._insert(SESSIONS, session)

    def touch(self, digest: str, now: WallTime) -> None:
        """Records a request of the session at `now`, which extends its idle limit."""
        self._execute(_TOUCH, of_digest=digest, now=now)

    def end(self, digest: str, now: WallTime) -> None:
        """Ends the session, if it has not ended before."""
        self._execute(_END, of_digest=digest, now=now)

    def end_all(self, user_id: str, now: WallTime) -> list[SessionRow]:
        """Ends all sessions of the user that have not ended, and returns them."""
        return self._all(SessionRow, _END_ALL, of_user=user_id, now=now)
