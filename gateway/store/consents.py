"""Consents: one row each, which says what holds now. Rows are ended, never deleted."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import false, update
from sqlmodel import Field, col, select

from gateway.domain.authorization_detail import parse_details
from gateway.domain.consent import Consent
from gateway.store.base import Table, json_column
from gateway.store.database import Session


class ConsentRow(Table, table=True):
    """`details` are RFC 9396 documents, complete. Times are business time of the merchant's partner."""

    __tablename__ = "consents"

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    user_id: str = Field(foreign_key="users.id", index=True)
    subject: str
    scopes: list[str] = json_column()
    details: list[dict[str, Any]] = json_column()
    granted_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    single_use: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


def value(row: ConsentRow) -> Consent:
    """The domain value of a row."""
    return Consent(
        id=row.id,
        merchant_id=row.merchant_id,
        client_id=row.client_id,
        user_id=row.user_id,
        subject=row.subject,
        scopes=tuple(row.scopes),
        details=parse_details(row.details),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        single_use=row.single_use,
    )


def insert(session: Session, consent: Consent) -> None:
    session.add(
        ConsentRow(
            id=consent.id,
            merchant_id=consent.merchant_id,
            client_id=consent.client_id,
            user_id=consent.user_id,
            subject=consent.subject,
            scopes=list(consent.scopes),
            details=[detail.document() for detail in consent.details],
            granted_at=consent.granted_at,
            expires_at=consent.expires_at,
            single_use=consent.single_use,
        )
    )
    session.flush()


def change(session: Session, consent: Consent) -> None:
    """Writes what a consent has come to. Its row is locked by the caller."""
    row = session.get_one(ConsentRow, consent.id)
    row.scopes = list(consent.scopes)
    row.details = [detail.document() for detail in consent.details]
    row.granted_at, row.expires_at = consent.granted_at, consent.expires_at
    session.flush()


def load(session: Session, consent_id: str, *, lock: bool = False) -> Consent | None:
    """The consent; several looks within one unit of work cost one. With `lock` it is read anew, and its row stays as
    it is until the unit ends (PostgreSQL; on SQLite the writing unit has locked everything)."""
    if not lock:
        row = session.get(ConsentRow, consent_id)
    else:
        query = select(ConsentRow).where(ConsentRow.id == consent_id).execution_options(populate_existing=True)
        row = session.exec(query.with_for_update()).first()
    return value(row) if row else None


def user_of(session: Session, consent_id: str) -> str:
    """The person who gave a consent."""
    return session.get_one(ConsentRow, consent_id).user_id


def of_user(session: Session, user_id: str) -> Sequence[Consent]:
    """A person's consents, newest first."""
    rows = select(ConsentRow).where(ConsentRow.user_id == user_id).order_by(col(ConsentRow.id).desc())
    return [value(row) for row in session.exec(rows)]


def unended(session: Session, client_id: str) -> Sequence[str]:
    """The ids of the consents to a client that nobody has ended, those that have run out too, oldest first."""
    query = select(ConsentRow.id).where(ConsentRow.client_id == client_id, col(ConsentRow.revoked_at).is_(None))
    return session.exec(query.order_by(col(ConsentRow.id))).all()


def revoke(session: Session, consent_id: str, now: datetime) -> bool:
    """Ends the consent. False when it had been revoked before."""
    statement = (
        update(ConsentRow)
        .where(col(ConsentRow.id) == consent_id, col(ConsentRow.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(ConsentRow.id))
    )
    return session.execute(statement).first() is not None
