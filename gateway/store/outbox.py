"""The outbox: messages for the merchants' systems, written in the transaction of what they tell."""

from datetime import datetime
from typing import Any

from sqlmodel import Field

from gateway.domain.event import Topic
from gateway.store.base import Table, json_column
from gateway.store.database import Session


class OutboxRow(Table, table=True):
    """`aggregate_id` is what the message is about; messages of one aggregate keep the order of their ids.
    `payload` holds no personal data."""

    __tablename__ = "outbox"

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    aggregate_id: str = Field(index=True)
    topic: str
    payload: dict[str, Any] = json_column()
    created_at: datetime


def enqueue(
    session: Session,
    *,
    message_id: str,
    merchant_id: str,
    aggregate_id: str,
    topic: Topic,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """Adds a message to the writing unit of `session`. `message_id` is the receiver's idempotency key."""
    session.add(
        OutboxRow(
            id=message_id,
            merchant_id=merchant_id,
            aggregate_id=aggregate_id,
            topic=topic,
            payload=payload,
            created_at=now,
        )
    )
