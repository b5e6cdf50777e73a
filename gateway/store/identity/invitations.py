"""Invitations: links with which a person sets a password, once. Only the digest of the token is stored."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class InvitationRow(Record):
    """An invitation of a user. Times are wall time. One that was replaced by a newer one, or whose user was disabled,
    expires at that moment."""

    digest: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    created_at: WallTime = moment_column()
    expires_at: WallTime = moment_column(index=True)
    used_at: WallTime | None = moment_column(default=None)

    def is_open(self, now: WallTime) -> bool:
        """Whether it can be used at `now`."""
        return self.used_at is None and now < self.expires_at


class InvitationTable(InvitationRow, table=True):
    __tablename__ = "invitations"


INVITATIONS = table_of(InvitationTable)
_INVITATION = select(INVITATIONS).where(INVITATIONS.c.digest == bindparam("digest"))
_OPEN = (INVITATIONS.c.used_at.is_(None), INVITATIONS.c.expires_at > bindparam("now"))
_OPEN_OF_USER = select(INVITATIONS).where(INVITATIONS.c.user_id == bindparam("user_id"), *_OPEN)
_USE = (
    INVITATIONS.update()
    .where(INVITATIONS.c.digest == bindparam("of_digest"), *_OPEN)
    .values(used_at=bindparam("now"))
    .returning(INVITATIONS.c.user_id)
)
_END = (
    INVITATIONS.update()
    .where(INVITATIONS.c.user_id == bindparam("of_user"), *_OPEN)
    .values(expires_at=bindparam("now"))
)


class InvitationRepository(Repository):
    """Reads and writes invitations."""

    def insert(self, invitation: InvitationRow) -> None:
        """Writes a new invitation."""
        self._insert(INVITATIONS, invitation)

    def load(self, digest: str) -> InvitationRow | None:
        """Returns the invitation, including a used or expired one, or None if it is unknown."""
        return self._first(InvitationRow, _INVITATION, digest=digest)

    def load_open(self, user_id: str, now: WallTime) -> InvitationRow | None:
        """Returns the invitation that the user can use at `now`, or None."""
        return self._first(InvitationRow, _OPEN_OF_USER, user_id=user_id, now=now)

    def use(self, digest: str, now: WallTime) -> bool:
        """Marks the invitation as used. False if it was already used, is unknown or has expired. Of several concurrent
        uses only one succeeds."""
        return self._changes(_USE, of_digest=digest, now=now)

    def end_of_user(self, user_id: str, now: WallTime) -> None:
        """Lets the open invitations of the user expire. The caller has locked the user."""
        self._execute(_END, of_user=user_id, now=now)
