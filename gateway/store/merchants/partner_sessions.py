"""Sign-in links and browser sessions of partners in a sandbox. Only digests of their secrets are stored."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class SignInLinkRow(Record):
    """A link that starts one session of a partner. Times are wall time."""

    digest: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id", index=True)
    created_at: WallTime = moment_column()
    expires_at: WallTime = moment_column(index=True)
    used_at: WallTime | None = moment_column(default=None)


class SignInLinkTable(SignInLinkRow, table=True):
    __tablename__ = "sign_in_links"


class PartnerSessionRow(Record):
    """A browser session of a partner. Times are wall time."""

    digest: str = Field(primary_key=True)
    partner_id: str = Field(foreign_key="partners.id", index=True)
    created_at: WallTime = moment_column()
    expires_at: WallTime = moment_column(index=True)
    ended_at: WallTime | None = moment_column(default=None)


class PartnerSessionTable(PartnerSessionRow, table=True):
    __tablename__ = "partner_sessions"


SIGN_IN_LINKS = table_of(SignInLinkTable)
PARTNER_SESSIONS = table_of(PartnerSessionTable)
_LINK = select(SIGN_IN_LINKS).where(SIGN_IN_LINKS.c.digest == bindparam("digest"))
_USE = (
    SIGN_IN_LINKS.update()
    .where(
        SIGN_IN_LINKS.c.digest == bindparam("of_digest"),
        SIGN_IN_LINKS.c.used_at.is_(None),
        SIGN_IN_LINKS.c.expires_at > bindparam("now"),
    )
    .values(used_at=bindparam("now"))
    .returning(SIGN_IN_LINKS.c.partner_id)
)
_SESSION = select(PARTNER_SESSIONS).where(
    PARTNER_SESSIONS.c.digest == bindparam("digest"),
    PARTNER_SESSIONS.c.ended_at.is_(None),
    PARTNER_SESSIONS.c.expires_at > bindparam("now"),
)
_END = (
    PARTNER_SESSIONS.update()
    .where(PARTNER_SESSIONS.c.digest == bindparam("of_digest"), PARTNER_SESSIONS.c.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)


_MOVE = tuple(
    table.update().where(table.c.partner_id == bindparam("of_partner")).values(partner_id=bindparam("new_id"))
    for table in (SIGN_IN_LINKS, PARTNER_SESSIONS)
)


class PartnerSessionRepository(Repository):
    """Reads and writes sign-in links and sessions of partners."""

    def insert_link(self, link: SignInLinkRow) -> None:
        """Writes a new link."""
        self._insert(SIGN_IN_LINKS, link)

    def load_link(self, digest: str) -> SignInLinkRow | None:
        """Returns the link, including a used or expired one, or None if it is unknown."""
        return self._first(SignInLinkRow, _LINK, digest=digest)

    def use_link(self, digest: str, now: WallTime) -> bool:
        """Marks the link as used. False if it was already used, is unknown or has expired. Of several concurrent uses
        only one succeeds."""
        return self._changes(_USE, of_digest=digest, now=now)

    def insert(self, session: PartnerSessionRow) -> None:
        """Writes a new session."""
        self._insert(PARTNER_SESSIONS, session)

    def load(self, digest: str, now: WallTime) -> PartnerSessionRow | None:
        """Returns the session if it is live at `now`, else None."""
        return self._first(PartnerSessionRow, _SESSION, digest=digest, now=now)

    def move(self, partner_id: str, new_id: str) -> None:
        """Lets the links and sessions of a partner be those of another one."""
        for statement in _MOVE:
            self._execute(statement, of_partner=partner_id, new_id=new_id)

    def end(self, digest: str, now: WallTime) -> None:
        """Ends the session, if it has not ended before."""
        self._execute(_END, of_digest=digest, now=now)
