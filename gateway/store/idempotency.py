"""Idempotency records: which key did which work, for 24 hours of wall time."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlmodel import Field, col, select

from gateway.store.base import Table, insert_into, json_column
from gateway.store.database import Session


class IdempotencyRow(Table, table=True):
    """`input` is the whole input of the first use, so that a later one can be told where it differs."""

    __tablename__ = "idempotency_records"

    partner_id: str = Field(foreign_key="partners.id", primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", primary_key=True)
    mutation: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    consent_id: str | None = None
    input: dict[str, Any] = json_column()
    decision_id: str = Field(index=True)
    expires_at: datetime = Field(index=True)


def find(
    session: Session, partner_id: str, client_id: str, mutation: str, key: str, now: datetime
) -> IdempotencyRow | None:
    """The record of this key, None if there is none or it is older than it is kept."""
    row = session.exec(
        select(IdempotencyRow)
        .where(
            IdempotencyRow.partner_id == partner_id,
            IdempotencyRow.client_id == client_id,
            IdempotencyRow.mutation == mutation,
            IdempotencyRow.key == key,
        )
        .execution_options(populate_existing=True)
    ).first()
    return row if row and row.expires_at > now else None


def claim(session: Session, record: IdempotencyRow, now: datetime) -> bool:
    """Records the key's first use. False when another unit of work has it: PostgreSQL waits for that unit's end
    first. A record past its time gives way."""
    session.execute(
        delete(IdempotencyRow).where(
            col(IdempotencyRow.partner_id) == record.partner_id,
            col(IdempotencyRow.client_id) == record.client_id,
            col(IdempotencyRow.mutation) == record.mutation,
            col(IdempotencyRow.key) == record.key,
            col(IdempotencyRow.expires_at) <= now,
        )
    )
    statement = (
        insert_into(session, IdempotencyRow)
        .values(record.model_dump())
        .on_conflict_do_nothing()
        .returning(col(IdempotencyRow.key))
    )
    return session.execute(statement).first() is not None
