"""The outbox: messages for the merchants' systems, written in the same transaction as the events that they report.

A message is computed from its event. The same functions write it and check it later.
"""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Field

from gateway.domain.consents.consent import Consent
from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.consents.consents import ConsentRow
from gateway.store.repository import Repository


class OutboxRow(Record):
    """One message. `aggregate_id` is the id of the decision or consent; messages of one aggregate are in the order of
    their ids. `payload` has no personal data. `id` is the receiver's idempotency key."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id", index=True)
    aggregate_id: str = Field(index=True)
    topic: str
    payload: dict[str, Any] = json_column()
    created_at: WallTime = moment_column()


class OutboxTable(OutboxRow, table=True):
    __tablename__ = "outbox"


OUTBOX = table_of(OutboxTable)


def message_of_event(
    event_id: str, merchant_id: str, public: Mapping[str, Any], reference: str, now: WallTime
) -> OutboxRow:
    """Returns the message for an entry of the decision log. `public` is the entry's public part, `reference` the
    merchant's reference of the decision. Raises KeyError if the public part lacks a member."""
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


def message_of_consent(message_id: str, consent: Consent | ConsentRow, topic: Topic, now: WallTime) -> OutboxRow:
    """Returns the message that a consent was given, changed or ended."""
    return OutboxRow(
        id=message_id,
        merchant_id=consent.merchant_id,
        aggregate_id=consent.id,
        topic=topic,
        payload={"consentId": consent.id, "subject": consent.subject},
        created_at=now,
    )


class OutboxRepository(Repository):
    """Writes messages."""

    def add(self, message: OutboxRow) -> None:
        """Writes a message. It is sent after the unit of work has committed."""
        self._insert(OUTBOX, message)
