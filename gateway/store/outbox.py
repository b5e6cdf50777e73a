"""The outbox: messages for the merchants' systems, written in the same transaction as the events that they report.

A message has a snapshot of its event, from which it is rendered. The entry of the decision log has its digest. After
the commit it gets its position, and a delivery to each webhook endpoint that has its topic
(gateway.services.webhooks.fan_out).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Index,
    Update,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    text,
)
from sqlmodel import Field

from gateway.domain.consents.consent import Consent
from gateway.domain.consents.version import ConsentVersion
from gateway.domain.environment import EnvironmentLabel
from gateway.domain.events import Topic
from gateway.domain.webhooks.notice import Notice
from gateway.domain.webhooks.snapshot import (
    Snapshot,
    notice_of_snapshot,
    snapshot_consent,
    snapshot_endpoint,
    snapshot_first_use,
    snapshot_tier_correction,
)
from gateway.domain.webhooks.variant import variant_of
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.base import Record, Row, json_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into
from gateway.store.rows_at_once import MOST_ROWS, numbered, run_at_once


class OutboxRow(Record):
    """One message. `aggregate_id` is the id of its subject: a decision, a consent, an endpoint or a
    test. `sequence` is 1 for the first message of a subject, 2 for the next, and so on. `position` is the message's
    place among those of all merchants, in the order in which they became visible; None until it has one. `payload` is
    the snapshot of the event, without personal data. `id` is the receiver's idempotency key."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    aggregate_id: str
    sequence: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    position: int | None = Field(default=None, sa_type=BigInteger)
    topic: str
    payload: dict[str, Any] = json_column()
    created_at: WallTime = moment_column()


_WAITS, _PLACED = text("position IS NULL"), text("position IS NOT NULL")


def _of_placed(*columns: str) -> Index:
    """Returns an index of the messages that have a position: the commit of an event does not write it."""
    name = f"ix_outbox_{'_'.join(columns)}"
    return Index(name, *columns, postgresql_where=_PLACED, sqlite_where=_PLACED)


class OutboxTable(OutboxRow, table=True):
    __tablename__ = "outbox"
    __table_args__ = (
        Index("uq_outbox_aggregate_id_sequence", "aggregate_id", "sequence", unique=True),
        _of_placed("merchant_id", "position"),
        _of_placed("merchant_id", "topic", "position"),
        _of_placed("position"),
        Index("ix_outbox_created_at_id", "created_at", "id", postgresql_where=_WAITS, sqlite_where=_WAITS),
    )


OUTBOX = table_of(OutboxTable)
_O, _EARLIER = OUTBOX.c, OUTBOX.alias("earlier")
_E = _EARLIER.c
_INSERT = insert_into(OUTBOX).values(
    sequence=select(func.coalesce(func.max(_E.sequence), 0) + 1)
    .where(_E.aggregate_id == bindparam("of_aggregate"))
    .scalar_subquery()
)
_WAITING = (
    select(OUTBOX)
    .where(
        _O.position.is_(None),
        # Two processes can number a subject's messages in one order and date them in the other, if their clocks differ.
        ~exists().where(
            _E.aggregate_id == _O.aggregate_id,
            _E.position.is_(None),
            _E.sequence < _O.sequence,
            or_(_E.created_at > _O.created_at, and_(_E.created_at == _O.created_at, _E.id > _O.id)),
        ),
    )
    .order_by(_O.created_at, _O.id)
    .limit(bindparam("most"))
)
_GIVEN = ("id", "merchant_id", "aggregate_id", "topic", "payload", "created_at")
_LAST_POSITION = select(func.coalesce(func.max(_O.position), 0)).where(_O.position.is_not(None))
_SINCE = (
    select(OUTBOX)
    .where(
        _O.merchant_id == bindparam("merchant_id"),
        _O.position > bindparam("after"),
        _O.topic.in_(bindparam("topics", expanding=True)),
        _O.created_at >= bindparam("since"),
    )
    .order_by(_O.position)
    .limit(bindparam("most"))
)
_OF_TOPIC = select(_O.id, _O.payload).where(_O.topic == bindparam("topic"), _O.id.in_(bindparam("ids", expanding=True)))
_BY_ID = select(OUTBOX).where(_O.id == bindparam("event_id"))
_LAST = (
    select(OUTBOX)
    .where(_O.aggregate_id == bindparam("aggregate_id"), _O.topic == bindparam("topic"))
    .order_by(_O.sequence.desc())
    .limit(1)
)
_FAN_OUT = 0x5E5A41  # the number of an advisory lock that nothing else uses in this database
_LOCK_FAN_OUT = select(func.pg_try_advisory_xact_lock(_FAN_OUT))


@cache
def _place(size: int) -> Update:
    """Gives as many messages the positions from `first` on."""
    ids = list(numbered("id", _O.id.type, size))
    offset = case(*((_O.id == each, literal_column(str(number))) for number, each in enumerate(ids)))
    return OUTBOX.update().where(_O.id.in_(ids)).values(position=bindparam("first", type_=_O.position.type) + offset)


def content_of(message: OutboxRow | Row) -> dict[str, Any]:
    """Returns the columns of a message that its event determines: all but its sequence number and position."""
    return {name: getattr(message, name) for name in _GIVEN}


def message_of_event(
    event_id: str, merchant_id: str, public: Mapping[str, Any], payload: Snapshot, now: WallTime
) -> OutboxRow:
    """Returns the message for an entry of the decision log. `public` is the entry's public part, `payload` the snapshot
    of its event. Raises KeyError if the public part lacks a member."""
    return OutboxRow(
        id=event_id,
        merchant_id=merchant_id,
        aggregate_id=public["decision"],
        topic=public["topic"],
        payload=payload,
        created_at=now,
    )


def message_of_consent(
    message_id: str, consent: Consent, version: ConsentVersion, now: WallTime, topic: Topic | None = None
) -> OutboxRow:
    """Returns the message that a consent was given, changed or ended. `version` is the version that the change made.
    The message has this topic, or that of the version's action."""
    return OutboxRow(
        id=message_id,
        merchant_id=consent.merchant_id,
        aggregate_id=consent.id,
        topic=topic or version.action.topic,
        payload=snapshot_consent(consent.subject, version),
        created_at=now,
    )


def message_of_first_use(message_id: str, consent: Consent, at: BusinessTime, now: WallTime) -> OutboxRow:
    """Returns the message that the merchant has used a consent for the first time."""
    return OutboxRow(
        id=message_id,
        merchant_id=consent.merchant_id,
        aggregate_id=consent.id,
        topic=Topic.CONSENT_FIRST_USED,
        payload=snapshot_first_use(consent.id, consent.subject, consent.scopes, at),
        created_at=now,
    )


def message_of_tier_correction(message_id: str, consent: Consent, at: BusinessTime, now: WallTime) -> OutboxRow:
    """Returns the message that the tier that was read under a consent has been corrected."""
    return OutboxRow(
        id=message_id,
        merchant_id=consent.merchant_id,
        aggregate_id=consent.id,
        topic=Topic.TIER_CORRECTED,
        payload=snapshot_tier_correction(consent, at),
        created_at=now,
    )


def message_of_endpoint(
    message_id: str, merchant_id: str, endpoint_id: str, reason: str, at: BusinessTime, now: WallTime
) -> OutboxRow:
    """Returns the message that the gateway has disabled an endpoint."""
    return OutboxRow(
        id=message_id,
        merchant_id=merchant_id,
        aggregate_id=endpoint_id,
        topic=Topic.ENDPOINT_DISABLED,
        payload=snapshot_endpoint(endpoint_id, reason, at),
        created_at=now,
    )


def notice_of(message: OutboxRow, environment: EnvironmentLabel) -> Notice:
    """Returns the event that a message is about. Raises ValueError for a message of a version that did not deliver
    messages: it has no snapshot."""
    return notice_of_snapshot(
        message.payload,
        topic=Topic(message.topic),
        event_id=message.id,
        merchant_id=message.merchant_id,
        subject_id=message.aggregate_id,
        sequence=message.sequence,
        environment=environment,
    )


class OutboxRepository(Repository):
    """Writes messages, and gives them their positions."""

    def add(self, message: OutboxRow) -> None:
        """Writes a message, with the next sequence number of its subject. The caller has locked the subject, or has
        just created it. The message is sent after the unit of work has committed."""
        values = vars(message)
        self._run(_INSERT, {**{name: values[name] for name in _GIVEN}, "of_aggregate": message.aggregate_id})

    def try_lock_fan_out(self) -> bool:
        """Whether this transaction alone may give positions, so that their order is that of the commits. On SQLite only
        one transaction writes at a time."""
        return self._connection.dialect.name == "sqlite" or bool(self._value(_LOCK_FAN_OUT))

    def list_waiting(self, limit: int) -> list[OutboxRow]:
        """Returns at most `limit` messages without a position, oldest first. Those of one subject are in the order of
        their sequence, without gaps."""
        return self._all(OutboxRow, _WAITING, most=limit)

    def place(self, messages: Sequence[OutboxRow]) -> list[OutboxRow]:
        """Gives these messages the next positions, in their order, and returns them with their positions. The caller
        has locked the fan-out."""
        if not messages:
            return []
        first = int(self._value(_LAST_POSITION)) + 1
        placed = [OutboxRow.of_values({**vars(each), "position": at}) for at, each in enumerate(messages, first)]
        for start in range(0, len(placed), MOST_ROWS):
            part = placed[start : start + MOST_ROWS]
            run_at_once(self._connection, _place, [{"id": each.id} for each in part], first=first + start)
        return placed

    def last_position(self) -> int:
        """Returns the last position that a message has, 0 if none has one."""
        return int(self._value(_LAST_POSITION))

    def list_since(
        self, merchant_id: str, topics: Sequence[str], since: WallTime, limit: int, *, after: int = 0
    ) -> list[OutboxRow]:
        """Returns at most `limit` messages of a merchant about these topics, written at `since` or later, that have a
        position above `after`, in its order."""
        parameters = {"merchant_id": merchant_id, "topics": list(topics), "since": since, "after": after, "most": limit}
        return self._all(OutboxRow, _SINCE, **parameters)

    def list_of_topic(self, topic: Topic, event_ids: Sequence[str]) -> list[str]:
        """Returns those of these events that have this topic and happened: none that a merchant triggered."""
        rows = self._rows(_OF_TOPIC, topic=topic, ids=sorted(set(event_ids))) if event_ids else []
        return [row.id for row in rows if variant_of(row.payload) is None]

    def load(self, event_id: str) -> OutboxRow | None:
        """Returns the message about an event, or None for an unknown id."""
        return self._first(OutboxRow, _BY_ID, event_id=event_id)

    def load_last(self, aggregate_id: str, topic: Topic) -> OutboxRow | None:
        """Returns the last message of this topic about a subject, or None."""
        return self._first(OutboxRow, _LAST, aggregate_id=aggregate_id, topic=topic.value)
