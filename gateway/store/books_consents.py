"""The consents in the books: each change of one was told to its merchant, and nothing else was."""

from collections import Counter
from collections.abc import Iterator

from sqlalchemy import func, select
from sqlmodel import col

from gateway.domain.consent_version import ConsentAction
from gateway.domain.event import Topic
from gateway.store import outbox
from gateway.store.consent_versions import ConsentVersionRow
from gateway.store.consents import ConsentRow
from gateway.store.database import Session
from gateway.store.outbox import OutboxRow

_TOPICS = {action.value: action.topic for action in ConsentAction}
_OF_CONSENTS = col(OutboxRow.topic).in_(set(_TOPICS.values()))


def faults(session: Session, batch: int) -> Iterator[str]:
    """A sentence for each message of a consent that is missing, too much, or not what is to be told; `batch` consents
    are read at a time."""
    query = select(ConsentRow).order_by(col(ConsentRow.id)).limit(batch)
    rows = session.scalars(query).all()
    while rows:
        yield from _unlike(session, {row.id: row for row in rows})
        rows = session.scalars(query.where(col(ConsentRow.id) > rows[-1].id)).all()
    stray = select(col(OutboxRow.id)).where(
        _OF_CONSENTS, col(OutboxRow.aggregate_id).not_in(select(col(ConsentRow.id)))
    )
    for message in session.scalars(stray):
        yield f"Message {message}: it tells of a consent that is not there."


def _unlike(session: Session, rows: dict[str, ConsentRow]) -> Iterator[str]:
    of, action = col(ConsentVersionRow.consent_id), col(ConsentVersionRow.action)
    versions = select(of, action, func.count()).where(of.in_(rows)).group_by(of, action)
    due: Counter[tuple[str, Topic | None]] = Counter()
    for consent, done, many in session.execute(versions):
        due[consent, _TOPICS.get(done)] += many
    there: Counter[tuple[str, Topic | None]] = Counter()
    for message in session.scalars(select(OutboxRow).where(_OF_CONSENTS, col(OutboxRow.aggregate_id).in_(rows))):
        topic = Topic(message.topic)
        there[message.aggregate_id, topic] += 1
        told = outbox.of_consent(message.id, rows[message.aggregate_id], topic, message.created_at)
        if told.model_dump() != message.model_dump():
            yield f"Message {message.id}: it does not tell of the consent {message.aggregate_id} what is to be told."
    unequal = {about for about, topic in due.keys() | there.keys() if due[about, topic] != there[about, topic]}
    for consent in sorted(unequal):
        yield f"Consent {consent}: what became of it and the messages that tell of it do not add up."
