"""Reconciles consents with the outbox: each version of a consent has one message, and each message a version.

The message of a version that allows less than the one before has CONSENT_NARROWED, or CONSENT_GRANTED: earlier
revisions sent no other topic, and a threshold inquiry can have narrowed the consent after the version before.

The message of the first use agrees with the time in the consent, and there is one at most: older consents have none.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, bindparam, not_, or_, select

from gateway.audit.batches import read_batches
from gateway.audit.triggered import IS_TRIGGERED
from gateway.domain.consents.authorization_detail import parse_details
from gateway.domain.consents.coverage import allows_less
from gateway.domain.consents.request import Request
from gateway.domain.consents.version import ConsentAction, ConsentVersion
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.snapshot import Snapshot, snapshot_consent, snapshot_first_use
from gateway.store.consents.consents import CONSENTS
from gateway.store.consents.versions import CONSENT_VERSIONS
from gateway.store.outbox import OUTBOX
from gateway.store.unit import UnitOfWork

_TOPICS = {action.value: action.topic for action in ConsentAction}
_OF_CONSENTS = OUTBOX.c.topic.in_(sorted({*_TOPICS.values(), Topic.CONSENT_NARROWED}))
_CONSENTS = select(CONSENTS)
_V = CONSENT_VERSIONS.c
_VERSIONS: Executable = (
    select(_V.consent_id, _V.version, _V.action, _V.actor, _V.scopes, _V.details, _V.at)
    .where(_V.consent_id.in_(bindparam("ids", expanding=True)))
    .order_by(_V.consent_id, _V.version)
)
_MESSAGES = (
    select(OUTBOX)
    .where(_OF_CONSENTS, OUTBOX.c.aggregate_id.in_(bindparam("ids", expanding=True)))
    .order_by(OUTBOX.c.aggregate_id, OUTBOX.c.sequence)
)
_IS_FIRST_USE = OUTBOX.c.topic == Topic.CONSENT_FIRST_USED.value
_FIRST_USES = (
    select(OUTBOX)
    .where(_IS_FIRST_USE, OUTBOX.c.aggregate_id.in_(bindparam("ids", expanding=True)))
    .order_by(OUTBOX.c.aggregate_id, OUTBOX.c.sequence)
)
_OF_NO_CONSENT = select(OUTBOX.c.id).where(
    or_(_OF_CONSENTS, _IS_FIRST_USE), OUTBOX.c.aggregate_id.not_in(select(CONSENTS.c.id)), not_(IS_TRIGGERED)
)


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each message about a consent that is missing, superfluous or has other content. Consents
    are read in batches."""
    for rows in read_batches(unit.connection, _CONSENTS, (CONSENTS.c.id,), batch):
        yield from _compare(unit, rows)
    for message in unit.connection.scalars(_OF_NO_CONSENT):
        yield f"Message {message}: its consent does not exist."


def _compare(unit: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[str]:
    consents = {row.id: row for row in rows}
    parameters = {"ids": list(consents)}
    expected: Counter[tuple[str, str | None]] = Counter()
    payloads: defaultdict[tuple[str, str | None], list[Snapshot]] = defaultdict(list)
    narrowed: list[Snapshot] = []
    scopes: defaultdict[str, list[Sequence[str]]] = defaultdict(list)
    previous: Row[Any] | None = None
    for row in unit.connection.execute(_VERSIONS, parameters):
        key = row.consent_id, _TOPICS.get(row.action)
        snapshots = _snapshots(row, consents[row.consent_id].subject)
        scopes[row.consent_id].append(row.scopes)
        expected[key] += 1
        payloads[key] += snapshots
        if previous is not None and previous.consent_id == row.consent_id and _allows_less(row, previous):
            narrowed += snapshots
        previous = row
    written: Counter[tuple[str, str | None]] = Counter()
    with_snapshots: set[str] = set()
    for message in unit.connection.execute(_MESSAGES, parameters):
        consent, topic = consents[message.aggregate_id], message.topic
        if topic == Topic.CONSENT_NARROWED and message.payload in narrowed:
            topic = Topic.CONSENT_GRANTED
        key = message.aggregate_id, topic
        written[key] += 1
        is_same = message.payload in payloads[key]
        if is_same:
            payloads[key].remove(message.payload)
            with_snapshots.add(consent.id)
        elif consent.id not in with_snapshots:  # older versions wrote messages without snapshots
            is_same = message.payload == {"consentId": consent.id, "subject": consent.subject}
        if not is_same or message.merchant_id != consent.merchant_id:
            yield f"Message {message.id}: its content does not match the consent {consent.id}."
    unequal = {key[0] for key in expected.keys() | written.keys() if expected[key] != written[key]}
    for consent_id in sorted(unequal):
        yield f"Consent {consent_id}: its messages do not match its versions."
    yield from _compare_first_uses(unit, consents, scopes)


def _compare_first_uses(
    unit: UnitOfWork, consents: Mapping[str, Row[Any]], scopes: Mapping[str, Sequence[Sequence[str]]]
) -> Iterator[str]:
    """`scopes` has the scopes of each version of a consent: the first use can have been under any of them."""
    used: set[str] = set()
    for message in unit.connection.execute(_FIRST_USES, {"ids": list(consents)}):
        consent = consents[message.aggregate_id]
        at = consent.first_used_at
        possible = [snapshot_first_use(consent.id, consent.subject, each, at) for each in scopes[consent.id] if at]
        if consent.id in used or message.payload not in possible or message.merchant_id != consent.merchant_id:
            yield f"Message {message.id}: its content does not match the first use of the consent {consent.id}."
        used.add(consent.id)


def _snapshots(row: Row[Any], subject: str) -> list[Snapshot]:
    """Returns the snapshot in the message about a version. Empty for a version that cannot be read."""
    try:
        action, actor = ConsentAction(row.action), Actor(row.actor)
    except ValueError:
        return []
    version = ConsentVersion(row.consent_id, row.version, action, actor, tuple(row.scopes), (), None, row.at)
    return [snapshot_consent(subject, version)]


def _allows_less(row: Row[Any], previous: Row[Any]) -> bool:
    """Whether a version allows less than the one before it. False for versions that cannot be read."""
    try:
        after, before = (Request(tuple(each.scopes), parse_details(each.details)) for each in (row, previous))
        return allows_less(after, before, row.at - previous.at)
    except (InvalidInput, TypeError, ValueError):
        return False
