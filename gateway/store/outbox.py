"""The outbox: messages for the merchants' systems, written in the transaction of what they tell.

What a message says follows from what it tells of. It is made here, both to write it and to check it later.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Field

from gateway.domain.consent import Consent
from gateway.domain.event import Topic
from gateway.store.base import Table, json_column
from gateway.store.consents import ConsentRow
from gateway.store.database import Session


class OutboxRow(Table, table=True):
    """`aggregate_id` is what the message is about; messages of one aggregate keep the order of their ids.
    `payload` holds no personal data. `id` is the receiver's idempotency key."""

    __tablename__ = "outbox"

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    aggregate_id: str = Field(index=True)
    topic: str
    payload: dict[str, Any] = json_column()
    created_at: datetime


def of_event(event_id: str, merchant_id: str, public: Mapping[str, Any], reference: str, now: datetime) -> OutboxRow:
    """The message that tells of an entry of the decision log. `public` is its public part, `reference` the merchant's
    own for the decision, `now` wall time. Raises KeyError for a public part that is none."""
    return OutboxRow(
        id=event_id,
        merchant_id=merchant_id,
        aggregate_id=public["decision"],
        topic=public["topic"],
        payload={
            "decisionId": public["decision"],
            "merchantReference": reference,
            "from": public["from"],
            "to": public["to"],
            "occurredAt": public["business_at"],
            **({"disputeId": public["dispute"]} if "dispute" in public else {}),
        },
        created_at=now,
    )


def of_consent(message_id: str, consent: Consent | ConsentRow, topic: Topic, now: datetime) -> OutboxRow:
    """The message that a consent was given, changed or ended. `now` is wall time."""
    return OutboxRow(
        id=message_id,
        merchant_id=consent.merchant_id,
        aggregate_id=consent.id,
        topic=topic,
        payload={"consentId": consent.id, "subject": consent.subject},
        created_at=now,
    )


def enqueue(session: Session, message: OutboxRow) -> None:
    """Adds a message to the writing unit of `session`."""
    session.add(message)
