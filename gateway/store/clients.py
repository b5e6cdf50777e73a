"""OAuth clients (RFC 6749 section 2): a merchant's software, with its profile, redirect URIs and scopes."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Field, col, select

from gateway.store.base import Table, json_column
from gateway.store.database import Session


class ClientRow(Table, table=True):
    """`id` is the client_id. `secret_digest` is set for the baseline profile only; for fapi2 either `jwks`, a set of
    public keys, or `jwks_uri`, the address of one. `scopes` is the most this client may be given, of both kinds of
    token; `authorization_details_types` are the types it may ask for (RFC 9396 section 10), null for all that its
    scopes allow; `awaiting` is what it has asked for beyond both. `registration_digest` is that of the token by which
    it manages itself (RFC 7592), if it may."""

    __tablename__ = "oauth_clients"

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
    created_at: datetime
    disabled_at: datetime | None = None


def load(session: Session, client_id: str) -> ClientRow | None:
    """The client, None if it is unknown or disabled."""
    row = session.get(ClientRow, client_id)
    return row if row and row.disabled_at is None else None


def locked(session: Session, client_id: str) -> ClientRow | None:
    """The client as `load` answers it, which then cannot change before the unit of work ends."""
    query = select(ClientRow).where(ClientRow.id == client_id, col(ClientRow.disabled_at).is_(None))
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def listed(session: Session, merchant_id: str | None = None) -> Sequence[ClientRow]:
    """All clients, disabled ones too, or those of one merchant, oldest first."""
    query = select(ClientRow).order_by(col(ClientRow.id))
    return session.exec(query.where(ClientRow.merchant_id == merchant_id) if merchant_id else query).all()


def of_other_profiles(session: Session, profiles: Collection[str]) -> Sequence[ClientRow]:
    """The enabled clients whose profile is none of these, oldest first."""
    foreign = col(ClientRow.profile).not_in(profiles), col(ClientRow.disabled_at).is_(None)
    return session.exec(select(ClientRow).where(*foreign).order_by(col(ClientRow.id))).all()
