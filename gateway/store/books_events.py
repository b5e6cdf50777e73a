"""The events in the books: each entry of the decision log has all that was written together with it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlmodel import col

from gateway.domain.errors import InvalidInput
from gateway.domain.idempotency import KEPT_FOR
from gateway.domain.period import parse_moment
from gateway.store import commitments, outbox
from gateway.store.base import core
from gateway.store.batches import batches
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow, public_of
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow
from gateway.store.idempotency import IdempotencyRow
from gateway.store.outbox import OutboxRow

_LOG = core(DecisionLogRow)
_DECISIONS = core(DecisionRow)
_CALLS = core(IdempotencyRow)
MARGIN = timedelta(minutes=5)
"""By so much the clocks of servers that share a database may differ: a record about to run out may be gone."""


def faults(session: Session, now: datetime, batch: int) -> Iterator[str]:
    """A sentence for each thing that an entry tells of and that is not there or is not so; `batch` entries are read at
    a time. `now` is wall time."""
    query = select(_LOG.c.id, _LOG.c.merchant_id, _LOG.c.decision_id, _LOG.c.public)
    for rows in batches(session, query, (_LOG.c.id,), batch):
        entries = [_Entry(row) for row in rows]
        yield from _messages(session, entries)
        yield from _disputes(session, entries)
        yield from _calls(session, [entry for entry in entries if entry.at and entry.at + KEPT_FOR > now + MARGIN])
    yield from _groundless(session)


class _Entry:
    def __init__(self, row: Row[Any]) -> None:
        self.id, self.merchant_id, self.decision_id = row.id, row.merchant_id, row.decision_id
        self.public = public_of(row)
        self.at = _moment(self.public.get("at"))

    def message(self, reference: str) -> OutboxRow | None:
        """The message that tells of it; None where the public part is none, which the log's own check says."""
        if self.at is None:
            return None
        try:
            return outbox.of_event(self.id, self.merchant_id, self.public, reference, self.at)
        except KeyError:
            return None


def _moment(text: object) -> datetime | None:
    try:
        return parse_moment(str(text))
    except InvalidInput:
        return None


def _messages(session: Session, entries: Sequence[_Entry]) -> Iterator[str]:
    named = col(DecisionRow.id).in_({entry.decision_id for entry in entries})
    query = select(col(DecisionRow.id), col(DecisionRow.merchant_reference)).where(named)
    references = {row[0]: row[1] for row in session.execute(query)}
    ids = [entry.id for entry in entries]
    messages = {row.id: row for row in session.scalars(select(OutboxRow).where(col(OutboxRow.id).in_(ids)))}
    for entry in entries:
        reference, message = references.get(entry.decision_id), messages.get(entry.id)
        if reference is None:
            yield f"Event {entry.id}: the decision {entry.decision_id}, of which it tells, is not there."
        if message is None:
            yield f"Event {entry.id}: it was logged, but no message tells of it."
        elif reference is not None:
            told = entry.message(reference)
            if told is not None and told.model_dump() != message.model_dump():
                yield f"Message {message.id}: it does not tell what was logged."


def _disputes(session: Session, entries: Sequence[_Entry]) -> Iterator[str]:
    named = {str(entry.public["dispute"]): entry.id for entry in entries if "dispute" in entry.public}
    there = set(session.scalars(select(col(DisputeRow.id)).where(col(DisputeRow.id).in_(named)))) if named else set()
    for dispute in sorted(named.keys() - there):
        yield f"Dispute {dispute}: event {named[dispute]} tells of it, but it is not there."


def _calls(session: Session, entries: Sequence[_Entry]) -> Iterator[str]:
    """The work that calls have done lately against the idempotency records, without which it could be done again."""
    claimed = [entry for entry in entries if commitments.CALL in entry.public]
    moments = {entry.at + KEPT_FOR for entry in claimed if entry.at}
    query = (
        select(_CALLS, _DECISIONS.c.subject.label("person"))
        .join(_DECISIONS, _DECISIONS.c.id == _CALLS.c.decision_id)
        .where(_CALLS.c.decision_id.in_({entry.decision_id for entry in claimed}), _CALLS.c.expires_at.in_(moments))
    )
    rows = session.execute(query) if claimed else ()
    there = {commitments.found(commitments.of_call, row, row.person) for row in rows}
    for entry in claimed:
        if entry.public[commitments.CALL] not in there:
            yield f"Event {entry.id}: the idempotency record of its call is not there, or was changed."


def _groundless(session: Session) -> Iterator[str]:
    """Messages that tell neither of an event nor of a consent (gateway.store.books_consents)."""
    query = select(col(OutboxRow.id)).where(
        col(OutboxRow.topic).not_like("CONSENT\\_%", escape="\\"), col(OutboxRow.id).not_in(select(_LOG.c.id))
    )
    for message in session.scalars(query):
        yield f"Message {message}: it tells of an event that is not logged."
