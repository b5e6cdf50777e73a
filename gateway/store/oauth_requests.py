"""Pushed authorization requests (RFC 9126) and authorization codes: short-lived, single-use, stored as digests."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Field, col

from gateway.store.base import Table, json_column
from gateway.store.database import Session


class PushedRequestRow(Table, table=True):
    """`parameters` are the validated request parameters as they were pushed. Times are wall time."""

    __tablename__ = "oauth_pushed_requests"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    parameters: dict[str, Any] = json_column()
    expires_at: datetime
    used_at: datetime | None = None


class AuthorizationCodeRow(Table, table=True):
    """A code hangs from the consent that the person just gave. With `dpop_jkt`, the thumbprint of a key, only that
    key's holder can redeem it (RFC 9449 section 10)."""

    __tablename__ = "oauth_codes"

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    consent_id: str = Field(foreign_key="consents.id", index=True)
    redirect_uri: str
    code_challenge: str
    dpop_jkt: str | None = None
    expires_at: datetime
    used_at: datetime | None = None


def pushed_request(session: Session, digest: str) -> PushedRequestRow | None:
    return session.get(PushedRequestRow, digest)


def insert(session: Session, row: PushedRequestRow | AuthorizationCodeRow) -> None:
    session.add(row)
    session.flush()


def open_pushed_request(session: Session, digest: str, now: datetime, short: datetime, until: datetime) -> None:
    """Gives a person who has opened the request until `until` to decide. A request that lasts beyond `short` has been
    opened before and keeps its end; a used or expired one stays as it is."""
    session.execute(
        update(PushedRequestRow)
        .where(
            col(PushedRequestRow.digest) == digest,
            col(PushedRequestRow.used_at).is_(None),
            col(PushedRequestRow.expires_at) > now,
            col(PushedRequestRow.expires_at) <= short,
        )
        .values(expires_at=until)
    )


def use_pushed_request(session: Session, digest: str, now: datetime) -> bool:
    """Marks the request as decided. False when it already was, or has expired: then nothing may be issued."""
    statement = (
        update(PushedRequestRow)
        .where(
            col(PushedRequestRow.digest) == digest,
            col(PushedRequestRow.used_at).is_(None),
            col(PushedRequestRow.expires_at) > now,
        )
        .values(used_at=now)
        .returning(col(PushedRequestRow.digest))
    )
    return session.execute(statement).first() is not None


def code(session: Session, digest: str) -> AuthorizationCodeRow | None:
    return session.get(AuthorizationCodeRow, digest)


def use_code(session: Session, digest: str, now: datetime) -> bool:
    """Redeems the code. False for all but the first of any number of concurrent redemptions."""
    statement = (
        update(AuthorizationCodeRow)
        .where(col(AuthorizationCodeRow.digest) == digest, col(AuthorizationCodeRow.used_at).is_(None))
        .values(used_at=now)
        .returning(col(AuthorizationCodeRow.digest))
    )
    return session.execute(statement).first() is not None
