"""OAuth clients (RFC 6749 section 2): a merchant's software, with its profile, redirect URIs and scopes."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of, values_of
from gateway.store.logs.record_log import RecordLog
from gateway.store.repository import Repository
from gateway.store.statements import RawRow, fetch_raw


class ClientRow(Record):
    """An OAuth client. `id` is the client_id. A baseline client has `secret_digest`. A fapi2 client has `jwks`, a set
    of public keys, or `jwks_uri`, its address. `scopes` are the scopes that its tokens of both kinds may have.
    `authorization_details_types` are the types it may ask for (RFC 9396 section 10), null for all that its scopes
    allow. `awaiting` are requested rights that the operator has not approved. `registration_digest` is the digest of
    the token by which the client manages itself (RFC 7592), null if it may not."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    name: str
    profile: str
    secret_digest: str | None = None
    jwks: dict[str, Any] | None = json_column(optional=True, default=None)
    jwks_uri: str | None = None
    redirect_uris: list[str] = json_column()
    grant_types: list[str] = json_column()
    scopes: list[str] = json_column()
    authorization_details_types: list[str] | None = json_column(optional=True, default=None)
    token_endpoint_auth_signing_alg: str | None = None
    awaiting: dict[str, Any] | None = json_column(optional=True, default=None)
    registration_digest: str | None = None
    created_at: WallTime = moment_column()
    disabled_at: WallTime | None = moment_column(default=None)


class ClientTable(ClientRow, table=True):
    __tablename__ = "oauth_clients"


_MOST_LOADED = 512
"""The number of clients that are kept in the memory of one process, about 10 KB each, and 100 KB at most."""

CLIENTS = table_of(ClientTable)
_ALL = select(CLIENTS).order_by(CLIENTS.c.id)
_OF_MERCHANT = _ALL.where(CLIENTS.c.merchant_id == bindparam("merchant_id"))
_ENABLED = select(CLIENTS).where(CLIENTS.c.id == bindparam("client_id"), CLIENTS.c.disabled_at.is_(None))
# FOR NO KEY UPDATE: rows that refer to the client can be inserted meanwhile, so this lock cannot deadlock with them.
_LOCKED = _ENABLED.with_for_update(key_share=True)
_HELD = _ENABLED.with_for_update(read=True)
_OF_OTHER_PROFILES = _ALL.where(
    CLIENTS.c.profile.not_in(bindparam("profiles", expanding=True)), CLIENTS.c.disabled_at.is_(None)
)
_UPDATE = CLIENTS.update().where(CLIENTS.c.id == bindparam("client_id"))


@lru_cache(maxsize=_MOST_LOADED)
def _values(row: RawRow) -> Mapping[str, Any]:
    """Returns the values of a row. The row is read at each request. If it is the same as before, so are the values."""
    return values_of(row.read())


class ClientRepository(Repository):
    """Reads and writes clients. Each change is noted for the record log."""

    def __init__(self, connection: Connection, records: RecordLog) -> None:
        super().__init__(connection)
        self._records = records

    def load(self, client_id: str) -> ClientRow | None:
        """Returns the client, or None if it is unknown or disabled."""
        rows = fetch_raw(self._connection, _ENABLED, {"client_id": client_id})
        return ClientRow.of_values(_values(rows[0])) if rows else None

    def lock(self, client_id: str) -> ClientRow | None:
        """Returns the client as `load` does, and locks it until the unit of work ends."""
        return self._first(ClientRow, _LOCKED, client_id=client_id)

    def hold(self, client_id: str) -> bool:
        """Whether the client is enabled. Then it stays enabled and unchanged until the unit of work ends. Several units
        can hold a client at once."""
        return self._row(_HELD, client_id=client_id) is not None

    def list_clients(self, merchant_id: str | None = None) -> list[ClientRow]:
        """Returns all clients or those of one merchant, including disabled ones, oldest first."""
        if merchant_id is None:
            return self._all(ClientRow, _ALL)
        return self._all(ClientRow, _OF_MERCHANT, merchant_id=merchant_id)

    def list_of_other_profiles(self, profiles: Collection[str]) -> list[ClientRow]:
        """Returns the enabled clients with any other profile, oldest first."""
        return self._all(ClientRow, _OF_OTHER_PROFILES, profiles=list(profiles))

    def insert(self, client: ClientRow) -> None:
        """Writes a new client."""
        self._insert(CLIENTS, client)
        self._records.note(CLIENTS, client.id)

    def update(self, client: ClientRow) -> None:
        """Writes all columns of a stored client."""
        self._execute(_UPDATE, client_id=client.id, **client.model_dump(exclude={"id"}))
        self._records.note(CLIENTS, client.id)
