"""Reconciles consents with the outbox: each version of a consent has one message, and each message a version."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from gateway.audit.batches import read_batches
from gateway.domain.consents.version import ConsentAction
from gateway.domain.events import Topic
from gateway.store.base import read_row
from gateway.store.consents.consents import CONSENTS, ConsentRow
from gateway.store.consents.versions import CONSENT_VERSIONS
from gateway.store.outbox import OUTBOX, content_of, message_of_consent
from gateway.store.unit import UnitOfWork

_TOPICS = {action.value: action.topic for action in ConsentAction}
_OF_CONSENTS = OUTBOX.c.topic.in_(sorted(set(_TOPICS.values())))
_CONSENTS = select(CONSENTS)
_VERSIONS = (
    select(CONSENT_VERSIONS.c.consent_id, CONSENT_VERSIONS.c.action, func.count().label("versions"))
    .where(CONSENT_VERSIONS.c.consent_id.in_(bindparam("ids", expanding=True)))
    .group_by(CONSENT_VERSIONS.c.consent_id, CONSENT_VERSIONS.c.action)
)
_MESSAGES = select(OUTBOX).where(_OF_CONSENTS, OUTBOX.c.aggregate_id.in_(bindparam("ids", expanding=True)))
_OF_NO_CONSENT = select(OUTBOX.c.id).where(_OF_CONSENTS, OUTBOX.c.aggregate_id.not_in(select(CONSENTS.c.id)))


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each message about a consent that is missing, superfluous or has other content. Consents
    are read in batches."""
    for rows in read_batches(unit.connection, _CONSENTS, (CONSENTS.c.id,), batch):
        yield from _compare(unit, rows)
    for message in unit.connection.scalars(_OF_NO_CONSENT):
        yield f"Message {message}: its consent does not exist."


def _compare(unit: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[str]:
    consents: Mapping[str, ConsentRow] = {row.id: read_row(ConsentRow, row) for row in rows}
    parameters = {"ids": list(consents)}
    expected: Counter[tuple[str, Topic | None]] = Counter()
    for consent_id, action, versions in unit.connection.execute(_VERSIONS, parameters):
        expected[consent_id, _TOPICS.get(action)] += versions
    written: Counter[tuple[str, Topic | None]] = Counter()
    for message in unit.connection.execute(_MESSAGES, parameters):
        topic, consent = Topic(message.topic), consents[message.aggregate_id]
        written[consent.id, topic] += 1
        expected_message = message_of_consent(message.id, consent, topic, message.created_at)
        if content_of(expected_message) != content_of(message):
            yield f"Message {message.id}: its content does not match the consent {consent.id}."
    unequal = {key[0] for key in expected.keys() | written.keys() if expected[key] != written[key]}
    for consent_id in sorted(unequal):
        yield f"Consent {consent_id}: its messages do not match its versions."
