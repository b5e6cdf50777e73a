"""Access and refresh tokens: opaque, stored as digests. Each belongs to a client, and user tokens to a consent.
`gateway.store.oauth.endings` ends them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Label, Table, bindparam, select
from sqlmodel import Field

from gateway.domain.consents.consent import Consent
from gateway.kit.clock import WallTime
from gateway.store.base import Record, columns_of, json_column, moment_column, record_of, table_of
from gateway.store.consents.consents import CONSENTS, ConsentRow, read_consent
from gateway.store.identity.clients import CLIENTS, ClientRow
from gateway.store.identity.users import USERS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.merchants.partners import PARTNERS, PartnerRow
from gateway.store.repository import Repository
from gateway.store.statements import RawRow, fetch_raw


class AccessTokenRow(Record):
    """An access token. `consent_id` is None for a merchant token. `family` is the refresh token family that issued it,
    if any. With `jkt`, the thumbprint of a key, the token is valid only with a proof of that key (RFC 9449 section
    6)."""

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", index=True)
    consent_id: str | None = Field(default=None, foreign_key="consents.id", index=True)
    family: str | None = Field(default=None, index=True)
    scopes: list[str] = json_column()
    jkt: str | None = None
    issued_at: WallTime = moment_column()
    expires_at: WallTime = moment_column(index=True)
    revoked_at: WallTime | None = moment_column(default=None)


class AccessTokenTable(AccessTokenRow, table=True):
    __tablename__ = "oauth_access_tokens"


class RefreshTokenRow(Record):
    """A refresh token of a rotating family. `successor` is the digest of the token that replaced it."""

    digest: str = Field(primary_key=True)
    family: str = Field(index=True)
    client_id: str = Field(foreign_key="oauth_clients.id", index=True)
    consent_id: str = Field(foreign_key="consents.id", index=True)
    issued_at: WallTime = moment_column()
    expires_at: WallTime = moment_column(index=True)
    used_at: WallTime | None = moment_column(default=None)
    successor: str | None = None
    revoked_at: WallTime | None = moment_column(default=None)


class RefreshTokenTable(RefreshTokenRow, table=True):
    __tablename__ = "oauth_refresh_tokens"


@dataclass(frozen=True, slots=True)
class LoadedToken:
    """An access token, of type Bearer or DPoP, with its client, partner and consent."""

    token: AccessTokenRow
    client: ClientRow
    partner: PartnerRow
    consent: Consent | None


@dataclass(frozen=True, slots=True)
class LockedRefreshToken:
    """A refresh token with its consent, which is locked. `user_disabled_at` is None unless the user of the consent is
    disabled."""

    token: RefreshTokenRow
    consent: Consent
    user_disabled_at: WallTime | None


_MOST_LOADED, _MOST_LOCKED = 2_048, 1_024
"""The numbers of access and refresh tokens that are kept in the memory of one process, about 15 KB each with client and
consent, and 10 KB with consent."""

_PARTS: tuple[type[Record], ...] = (AccessTokenRow, ClientRow, PartnerRow, ConsentRow)
_REFRESH_PARTS: tuple[type[Record], ...] = (RefreshTokenRow, ConsentRow)
_MOST_CLIENTS = 512


def _columns(table: Table, record: type[Record]) -> Iterable[Label[Any]]:
    return [column.label(f"{table.name}_{column.name}") for column in columns_of(table, record)]


def _parts(row: RawRow, records: Iterable[type[Record]]) -> Iterator[RawRow]:
    """Yields the parts of a row that begins with the columns of these records."""
    start = 0
    for record in records:
        yield row.part(start, len(record.model_fields))
        start += len(record.model_fields)


@lru_cache(maxsize=_MOST_CLIENTS)
def _client(part: RawRow) -> ClientRow:
    return record_of(ClientRow, part.read_values())


@lru_cache(maxsize=_MOST_CLIENTS)
def _partner(part: RawRow) -> PartnerRow:
    return record_of(PartnerRow, part.read_values())


@lru_cache(maxsize=_MOST_LOADED)
def _loaded(row: RawRow) -> LoadedToken:
    """Returns the token in a row. The row is read at each request. If it is the same as before, so is the token. What
    is equal in the rows of several tokens is converted once."""
    parts = _parts(row, _PARTS)
    token, client, partner = record_of(AccessTokenRow, next(parts).read_values()), next(parts), next(parts)
    consent = None if token.consent_id is None else read_consent(next(parts))
    return LoadedToken(token, _client(client), _partner(partner), consent)


@lru_cache(maxsize=_MOST_LOCKED)
def _locked(row: RawRow) -> LockedRefreshToken:
    """Returns the token in a row, which is read at each request as in `_loaded`."""
    token, consent = _parts(row, _REFRESH_PARTS)
    disabled_at = row.read().user_disabled_at
    return LockedRefreshToken(record_of(RefreshTokenRow, token.read_values()), read_consent(consent), disabled_at)


ACCESS_TOKENS = table_of(AccessTokenTable)
REFRESH_TOKENS = table_of(RefreshTokenTable)
_ACCESS_TOKEN = select(ACCESS_TOKENS).where(ACCESS_TOKENS.c.digest == bindparam("digest"))
_REFRESH_TOKEN = select(REFRESH_TOKENS).where(REFRESH_TOKENS.c.digest == bindparam("digest"))
_LOCK_CONSENT = (
    select(CONSENTS.c.id)
    .join(REFRESH_TOKENS, REFRESH_TOKENS.c.consent_id == CONSENTS.c.id)
    .where(REFRESH_TOKENS.c.digest == bindparam("digest"), REFRESH_TOKENS.c.client_id == bindparam("client_id"))
    .with_for_update(of=CONSENTS)
)
_WITH_CLIENT = (
    select(
        *(
            column
            for table, record in zip((ACCESS_TOKENS, CLIENTS, PARTNERS, CONSENTS), _PARTS, strict=True)
            for column in _columns(table, record)
        )
    )
    .select_from(
        ACCESS_TOKENS.join(CLIENTS, CLIENTS.c.id == ACCESS_TOKENS.c.client_id)
        .join(MERCHANTS, MERCHANTS.c.id == CLIENTS.c.merchant_id)
        .join(PARTNERS, PARTNERS.c.id == MERCHANTS.c.partner_id)
        .outerjoin(CONSENTS, CONSENTS.c.id == ACCESS_TOKENS.c.consent_id)
        .outerjoin(USERS, USERS.c.id == CONSENTS.c.user_id)
    )
    .where(ACCESS_TOKENS.c.digest == bindparam("digest"), USERS.c.disabled_at.is_(None))
)
_WITH_CONSENT = (
    select(
        *(
            column
            for table, record in zip((REFRESH_TOKENS, CONSENTS), _REFRESH_PARTS, strict=True)
            for column in _columns(table, record)
        ),
        USERS.c.disabled_at.label("user_disabled_at"),
    )
    .select_from(
        REFRESH_TOKENS.join(CONSENTS, CONSENTS.c.id == REFRESH_TOKENS.c.consent_id).join(
            USERS, USERS.c.id == CONSENTS.c.user_id
        )
    )
    .where(REFRESH_TOKENS.c.digest == bindparam("digest"))
)
_UNUSED = REFRESH_TOKENS.update().where(
    REFRESH_TOKENS.c.digest == bindparam("of_digest"),
    REFRESH_TOKENS.c.used_at.is_(None),
    REFRESH_TOKENS.c.revoked_at.is_(None),
)
_USE = _UNUSED.values(used_at=bindparam("now"), successor=bindparam("next_digest")).returning(REFRESH_TOKENS.c.digest)
_REVOKE_UNUSED = _UNUSED.values(revoked_at=bindparam("now")).returning(REFRESH_TOKENS.c.digest)
_PUT_SUCCESSOR = (
    REFRESH_TOKENS.update()
    .where(REFRESH_TOKENS.c.digest == bindparam("of_digest"))
    .values(successor=bindparam("next_digest"))
)


class TokenRepository(Repository):
    """Reads and writes access and refresh tokens."""

    def load_with_client(self, digest: str) -> LoadedToken | None:
        """Returns the access token with its client, partner and consent, including expired and revoked ones. Returns
        None for an unknown token and for a token of a disabled user."""
        rows = fetch_raw(self._connection, _WITH_CLIENT, {"digest": digest})
        return _loaded(rows[0]) if rows else None

    def load_access_token(self, digest: str) -> AccessTokenRow | None:
        """Returns the access token, including an expired or revoked one, or None if it is unknown."""
        return self._first(AccessTokenRow, _ACCESS_TOKEN, digest=digest)

    def load_refresh_token(self, digest: str) -> RefreshTokenRow | None:
        """Returns the refresh token, including a used, expired or revoked one, or None if it is unknown."""
        return self._first(RefreshTokenRow, _REFRESH_TOKEN, digest=digest)

    def lock_refresh_token(self, digest: str, client_id: str) -> LockedRefreshToken | None:
        """Locks the consent of this client's refresh token until the unit of work ends, then returns the token,
        including a used, expired or revoked one, as it is under the lock. Returns None for an unknown token, and for
        one of another client."""
        if self._row(_LOCK_CONSENT, digest=digest, client_id=client_id) is None:
            return None
        (row,) = fetch_raw(self._connection, _WITH_CONSENT, {"digest": digest})
        return _locked(row)

    def insert_access_token(self, token: AccessTokenRow) -> None:
        """Writes a new access token."""
        self._insert(ACCESS_TOKENS, token)

    def insert_refresh_token(self, token: RefreshTokenRow) -> None:
        """Writes a new refresh token."""
        self._insert(REFRESH_TOKENS, token)

    def use_refresh_token(self, digest: str, successor: str, now: WallTime) -> bool:
        """Rotates the token. Returns False for a used or revoked token. Of several concurrent uses only one returns
        True."""
        return self._changes(_USE, of_digest=digest, next_digest=successor, now=now)

    def replace_successor(self, digest: str, old: str, new: str, now: WallTime) -> bool:
        """Revokes the unused successor `old` of a used token and replaces it by `new`, for a retry. Returns False if
        `old` has been used or revoked."""
        if not self._changes(_REVOKE_UNUSED, of_digest=old, now=now):
            return False
        self._execute(_PUT_SUCCESSOR, of_digest=digest, next_digest=new)
        return True
