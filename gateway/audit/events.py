"""Reconciles entries of the decision log with the decisions, messages, disputes and idempotency records that were
written together with them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Executable, Row, bindparam, func, not_, or_, select

from gateway.audit.batches import read_batches
from gateway.audit.triggered import IS_TRIGGERED
from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.domain.errors import InvalidInput
from gateway.domain.events import InternalTopic, Topic
from gateway.domain.period import parse_moment
from gateway.kit.clock import WallTime
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS
from gateway.store.logs.decision_log import DECISION_LOG, read_public
from gateway.store.outbox import OUTBOX, content_of, message_of_event
from gateway.store.unit import UnitOfWork

MARGIN = timedelta(minutes=5)
"""The largest difference between the clocks of servers that share a database. A record that expires within it may
already be deleted."""

_IDS: Any = bindparam("ids", expanding=True)
_CALLS = IDEMPOTENCY_RECORDS.c
_LOG = DECISION_LOG.c
_ENTRIES = select(_LOG.id, _LOG.merchant_id, _LOG.decision_id, _LOG.public)
_DECISIONS: Executable = select(DECISIONS.c.id, DECISIONS.c.merchant_reference, DECISIONS.c.subject).where(
    DECISIONS.c.id.in_(_IDS)
)
_MESSAGES = select(OUTBOX).where(OUTBOX.c.id.in_(_IDS))
_DISPUTES = select(DISPUTES.c.id).where(DISPUTES.c.id.in_(_IDS))
_RECORDS = (
    select(IDEMPOTENCY_RECORDS, DECISIONS.c.subject.label("person"))
    .join(DECISIONS, DECISIONS.c.id == _CALLS.decision_id)
    .where(_CALLS.decision_id.in_(_IDS), _CALLS.expires_at.in_(bindparam("moments", expanding=True)))
)
_INTERNAL = frozenset(topic.value for topic in InternalTopic)
_REPEATED = frozenset({"decision", "topic", "from", "to", "business_at"})
"""The members of an entry that its message repeats."""

_OF_NO_EVENT = select(OUTBOX.c.id).where(
    OUTBOX.c.topic.not_like("CONSENT\\_%", escape="\\"),
    OUTBOX.c.topic.not_in(
        sorted((Topic.ENDPOINT_DISABLED, Topic.DISPUTE_REMINDER, Topic.DECISION_EXPIRING, Topic.TIER_CORRECTED))
    ),
    OUTBOX.c.id.not_in(select(_LOG.id)),
    not_(IS_TRIGGERED),
)
"""Messages without an event, except those about consents (gateway.audit.consents), those that have none, and
those that a merchant triggered."""
_NUMBERED_WRONGLY = (
    select(OUTBOX.c.aggregate_id)
    .group_by(OUTBOX.c.aggregate_id)
    .having(or_(func.min(OUTBOX.c.sequence) != 1, func.max(OUTBOX.c.sequence) != func.count()))
    .order_by(OUTBOX.c.aggregate_id)
)


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each part of an event that is missing or differs, and for each message without an event.
    Entries are read in batches."""
    for rows in read_batches(unit.connection, _ENTRIES, (_LOG.id,), batch):
        entries = [_Entry(row) for row in rows]
        yield from _check_messages(unit, entries)
        yield from _check_disputes(unit, entries)
        yield from _check_calls(unit, [entry for entry in entries if entry.has_record(unit.wall)])
    for message in unit.connection.scalars(_OF_NO_EVENT):
        yield f"Message {message}: the log has no entry for its event."
    for subject in unit.connection.scalars(_NUMBERED_WRONGLY):
        yield f"{subject}: its messages are not numbered from 1 on."


class _Entry:
    def __init__(self, row: Row[Any]) -> None:
        self.id, self.merchant_id, self.decision_id = row.id, row.merchant_id, row.decision_id
        self.public = read_public(row)
        self.at = _parse(self.public.get("at"))

    def has_record(self, now: WallTime) -> bool:
        """Whether an idempotency record of this entry is still kept."""
        return self.at is not None and self.at + KEPT_FOR > now + MARGIN

    @property
    def is_internal(self) -> bool:
        """Whether merchants get no message of the event."""
        return self.public.get("topic") in _INTERNAL

    def matches(self, message: Row[Any], decision: Row[Any]) -> bool:
        """Whether a message has the content of this entry. An entry with an invalid public part matches, because
        gateway.audit.log_verification reports it."""
        if self.at is None or not self.public.keys() >= _REPEATED:
            return True
        payload = message.payload
        if digests.MESSAGE in self.public:
            digest = digests.try_digest(digests.digest_message, payload, decision.subject)
            is_same = digest == self.public[digests.MESSAGE]
        else:
            is_same = payload == _old_payload(self.public, decision.merchant_reference)
        expected = content_of(message_of_event(self.id, self.merchant_id, self.public, {}, self.at))
        return is_same and {**expected, "payload": payload} == content_of(message)


def _old_payload(public: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """Returns the payload of a message whose entry has no digest of it. Each member is derived from the entry and the
    merchant's reference of the decision."""
    return {
        "decisionId": public["decision"],
        "merchantReference": reference,
        "from": public["from"],
        "to": public["to"],
        "occurredAt": public["business_at"],
        **({"disputeId": public["dispute"]} if "dispute" in public else {}),
    }


def _parse(text: object) -> WallTime | None:
    try:
        return WallTime(parse_moment(str(text)))
    except InvalidInput:
        return None


def _check_messages(unit: UnitOfWork, entries: Sequence[_Entry]) -> Iterator[str]:
    ids = {"ids": sorted({entry.decision_id for entry in entries})}
    decisions = {row.id: row for row in unit.connection.execute(_DECISIONS, ids)}
    written = unit.connection.execute(_MESSAGES, {"ids": [entry.id for entry in entries]})
    messages = {row.id: row for row in written}
    for entry in entries:
        decision, message = decisions.get(entry.decision_id), messages.get(entry.id)
        if decision is None:
            yield f"Event {entry.id}: its decision {entry.decision_id} does not exist."
        if entry.is_internal:
            if message is not None:
                yield f"Message {message.id}: its event is not for merchants."
        elif message is None:
            yield f"Event {entry.id}: the outbox has no message for it."
        elif decision is not None and not entry.matches(message, decision):
            yield f"Message {message.id}: its content does not match the log."


def _check_disputes(unit: UnitOfWork, entries: Sequence[_Entry]) -> Iterator[str]:
    named = {str(entry.public["dispute"]): entry.id for entry in entries if "dispute" in entry.public}
    existing = set(unit.connection.scalars(_DISPUTES, {"ids": sorted(named)})) if named else set()
    for dispute in sorted(named.keys() - existing):
        yield f"Dispute {dispute}: it does not exist, but event {named[dispute]} is about it."


def _check_calls(unit: UnitOfWork, entries: Sequence[_Entry]) -> Iterator[str]:
    """Yields a sentence for each event whose idempotency record is missing: such a call could be made again."""
    of_calls = [entry for entry in entries if digests.CALL in entry.public]
    if not of_calls:
        return
    moments: list[datetime] = sorted({entry.at + KEPT_FOR for entry in of_calls if entry.at})
    parameters = {"ids": sorted({entry.decision_id for entry in of_calls}), "moments": moments}
    records = unit.connection.execute(_RECORDS, parameters)
    written = {digests.try_digest(digests.digest_call, row, row.person) for row in records}
    for entry in of_calls:
        if entry.public[digests.CALL] not in written:
            yield f"Event {entry.id}: its idempotency record does not exist or was changed."
