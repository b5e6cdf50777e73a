"""Initial access tokens (RFC 7591 section 3): with each, one client of one merchant can register once."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.repository import Repository


class InitialAccessTokenRow(Record):
    """An initial access token. `scopes` and `authorization_details_types` are granted to the client without further
    approval. Times are wall time."""

    digest: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    scopes: list[str] = json_column()
    authorization_details_types: list[str] = json_column()
    created_at: WallTime = moment_column()
    expires_at: WallTime = moment_column()
    used_at: WallTime | None = moment_column(default=None)


class InitialAccessTokenTable(InitialAccessTokenRow, table=True):
    __tablename__ = "oauth_initial_access_tokens"


INITIAL_ACCESS_TOKENS = table_of(InitialAccessTokenTable)
_IS_USABLE = (
    INITIAL_ACCESS_TOKENS.c.digest == bindparam("of_digest"),
    INITIAL_ACCESS_TOKENS.c.used_at.is_(None),
    INITIAL_ACCESS_TOKENS.c.expires_at > bindparam("now"),
)
_USABLE = select(INITIAL_ACCESS_TOKENS.c.digest).where(*_IS_USABLE)
_USE = (
    INITIAL_ACCESS_TOKENS.update().where(*_IS_USABLE).values(used_at=bindparam("now")).returning(INITIAL_ACCESS_TOKENS)
)


class InitialAccessTokenRepository(Repository):
    """Reads and writes initial access tokens."""

    def insert(self, token: InitialAccessTokenRow) -> None:
        """Writes a new token."""
        self._insert(INITIAL_ACCESS_TOKENS, token)

    def is_usable(self, digest: str, now: WallTime) -> bool:
        """Whether the token is known, unused and not expired."""
        return self._row(_USABLE, of_digest=digest, now=now) is not None

    def use(self, digest: str, now: WallTime) -> InitialAccessTokenRow | None:
        """Marks the token as used and returns it. Returns None if it was already used, is unknown or has expired. Of
        several concurrent uses only one succeeds."""
        return self._first(InitialAccessTokenRow, _USE, of_digest=digest, now=now)
