"""Reads the events that messages to merchants are about, for a token: one, a page of the feed, or those of a consent.

An event that changed a decision or a dispute is an entry of the decision log. All other events have their message only.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.domain.json_members import decode
from gateway.domain.period import parse_moment
from gateway.domain.webhooks.notice import DecisionData, DisputeData, SubjectType, data_type_of, subject_type_of
from gateway.services.decisions.queries import read_events as read_log
from gateway.services.query_unit import QueryUnit
from gateway.store.events import MessageWindow
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork

FEED_SCOPES = {
    SubjectType.DECISION: "decisions:read",
    SubjectType.CONSENT: "consents:read",
    SubjectType.ENDPOINT: "webhooks:manage",
    SubjectType.TEST: "webhooks:manage",
}
"""The scope that a token needs for the events of each kind of subject in the feed."""


@dataclass(frozen=True, slots=True)
class MerchantEvent:
    """An event. `occurred_at` is business time. `sequence` is its number among the events of its subject. `logged` is
    its entry in the decision log. If there is none, such as when an approval expires soon, it has what the message
    says. None for events of disputes without an entry, and of consents, endpoints and tests. `dispute_id` is set for
    events of a dispute."""

    id: str
    topic: Topic
    occurred_at: datetime
    sequence: int
    subject_id: str
    logged: LoggedEvent | None
    dispute_id: str | None = None


def find_event(query: QueryUnit, event_id: str) -> MerchantEvent | None:
    """Returns an event, None if it does not exist or the token may not read it: a merchant token can read the events of
    its merchant, a user token those of its consent and of the decisions under it."""

    def read(unit: UnitOfWork) -> MerchantEvent | None:
        message = unit.outbox.load(event_id)
        return _read(unit, [message])[0] if message and _is_visible(query, unit, message) else None

    return query.read(read)


def load_events(query: QueryUnit, event_ids: Iterable[str]) -> Mapping[str, MerchantEvent]:
    """Returns events by their ids. The caller has checked that the token may read them."""
    return query.read(lambda unit: {each.id: each for each in _read(unit, unit.events.list_by_ids(event_ids))})


def load_sequences(query: QueryUnit, event_ids: Iterable[str]) -> Mapping[str, int]:
    """Returns the sequence numbers of events by their ids."""
    return query.read(lambda unit: unit.events.load_sequences(event_ids))


def list_feed(
    query: QueryUnit,
    topics: Set[Topic] | None,
    size: int,
    *,
    backward: bool = False,
    after: str | None = None,
    before: str | None = None,
) -> list[MerchantEvent]:
    """Returns at most `size` events of the token's merchant after and before these event ids, in the order in which
    they became visible, or in reverse if `backward`. None as topics: all that the scopes of the token allow; others are
    left out. Raises InvalidInput with the field "after" or "before" for an event that is not in the merchant's feed."""
    allowed = query.principal.allowed
    wanted = [
        each for each in Topic if FEED_SCOPES[subject_type_of(each)] in allowed and (topics is None or each in topics)
    ]

    def read(unit: UnitOfWork) -> list[MerchantEvent]:
        window = MessageWindow(size, backward, position(unit, "after", after), position(unit, "before", before))
        return _read(unit, unit.events.list_feed(query.principal.merchant_id, wanted, window))

    def position(unit: UnitOfWork, field: str, event_id: str | None) -> int | None:
        message = unit.outbox.load(event_id) if event_id else None
        if event_id is None:
            return None
        if message is None or message.merchant_id != query.principal.merchant_id or message.position is None:
            raise InvalidInput("INVALID", "is not an event of this feed", (field,))
        return message.position

    return query.read(read)


def list_of_consent(
    query: QueryUnit,
    consent_id: str,
    size: int,
    *,
    backward: bool = False,
    after: str | None = None,
    before: str | None = None,
) -> list[MerchantEvent]:
    """Returns at most `size` events of a consent that the token may read, after and before these event ids, oldest
    first or, if `backward`, newest first. Raises InvalidInput with the field "after" or "before" for the event of
    another subject."""

    def read(unit: UnitOfWork) -> list[MerchantEvent]:
        window = MessageWindow(size, backward, sequence(unit, "after", after), sequence(unit, "before", before))
        return _read(unit, unit.events.list_of_subject(consent_id, window))

    def sequence(unit: UnitOfWork, field: str, event_id: str | None) -> int | None:
        message = unit.outbox.load(event_id) if event_id else None
        if event_id is None:
            return None
        if message is None or message.aggregate_id != consent_id:
            raise InvalidInput("INVALID", "is not an event of this consent", (field,))
        return message.sequence

    return query.read(read)


def _is_visible(query: QueryUnit, unit: UnitOfWork, message: OutboxRow) -> bool:
    principal = query.principal
    if message.merchant_id != principal.merchant_id:
        return False
    if principal.consent is None:
        return True
    if subject_type_of(Topic(message.topic)) is SubjectType.DECISION:
        decision = unit.decisions.load(message.aggregate_id)
        return decision is not None and decision.consent_id == principal.consent.id
    return message.aggregate_id == principal.consent.id


def _read(unit: UnitOfWork, messages: Sequence[OutboxRow]) -> list[MerchantEvent]:
    """The events of messages, in their order. Reads all log entries with one query."""
    of_log = [each.id for each in messages if subject_type_of(Topic(each.topic)) is SubjectType.DECISION]
    logged = {event.id: event for event in read_log(unit, unit.decision_log.list_by_ids(of_log))} if of_log else {}
    moments = _moments(unit, [message for message in messages if message.id not in logged])
    return [
        _of_log(message, logged[message.id]) if message.id in logged else _of_message(message, moments[message.id])
        for message in messages
    ]


def _of_log(message: OutboxRow, event: LoggedEvent) -> MerchantEvent:
    topic, subject = Topic(message.topic), message.aggregate_id
    return MerchantEvent(message.id, topic, event.occurred_at, message.sequence, subject, event, event.dispute_id)


def _of_message(message: OutboxRow, occurred_at: datetime) -> MerchantEvent:
    topic, subject = Topic(message.topic), message.aggregate_id
    logged, dispute_id = None, None
    if subject_type_of(topic) is SubjectType.DECISION:
        data = decode(data_type_of(topic), message.payload["data"])
        if isinstance(data, DisputeData):
            dispute_id = data.dispute_id
        elif isinstance(data, DecisionData):
            actor = Actor(message.payload["actor"])
            logged = LoggedEvent(message.id, subject, occurred_at, topic, data.before, data.after, actor, None)
    return MerchantEvent(message.id, topic, occurred_at, message.sequence, subject, logged, dispute_id)


def _moments(unit: UnitOfWork, messages: Sequence[OutboxRow]) -> dict[str, datetime]:
    """When these events occurred, by event id. A message about a consent that has no time of its own is the one about
    the version with its number."""
    known = {each.id: parse_moment(each.payload["occurredAt"]) for each in messages if "occurredAt" in each.payload}
    others = [each for each in messages if each.id not in known]
    versions = unit.consent_versions.load_moments({each.aggregate_id for each in others}) if others else {}
    return known | {each.id: versions[each.aggregate_id, each.sequence] for each in others}
