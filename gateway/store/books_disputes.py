"""The disputes in the books: each is what the log tells of it. That the log tells of none that is gone is seen event by
event (gateway.store.books_events)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from gateway.domain.event import Topic
from gateway.store import commitments
from gateway.store.base import core
from gateway.store.batches import batches
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow, public_of
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow

_DISPUTES = core(DisputeRow)
_DECISIONS = core(DecisionRow)
_LOG = core(DecisionLogRow)


@dataclass(slots=True)
class _Told:
    """What the entries about one dispute tell of it, read one after the other."""

    opened_event: str
    answered_event: str | None = None
    resolved_event: str | None = None
    newest: str = ""
    state: str | None = None


def faults(session: Session, batch: int) -> Iterator[str]:
    """A sentence for each dispute that is not what its entries tell; `batch` are read at a time."""
    person = _DECISIONS.c.subject.label("person")
    query = select(_DISPUTES, person).outerjoin(_DECISIONS, _DECISIONS.c.id == _DISPUTES.c.decision_id)
    for rows in batches(session, query, (_DISPUTES.c.id,), batch):
        told = _told(session, {row.decision_id for row in rows}, batch)
        for row in rows:
            yield from _unlike(row, told.get((row.decision_id, row.id)))


def _told(session: Session, decisions: set[str], batch: int) -> dict[tuple[str, str], _Told]:
    query = (
        select(_LOG.c.id, _LOG.c.decision_id, _LOG.c.public)
        .where(_LOG.c.decision_id.in_(decisions), _LOG.c.public.contains('"dispute":'))
        .order_by(_LOG.c.merchant_id, _LOG.c.sequence)
        .execution_options(yield_per=batch)
    )
    found: dict[tuple[str, str], _Told] = {}
    for entry in session.execute(query):
        public = public_of(entry)
        about = entry.decision_id, str(public.get("dispute"))
        if about not in found:
            found[about] = _Told(entry.id)
        elif public.get("topic") == Topic.DISPUTE_RESOLVED:
            found[about].resolved_event = entry.id
        else:
            found[about].answered_event = entry.id
        found[about].newest, found[about].state = entry.id, public.get(commitments.DISPUTE)
    return found


def _unlike(row: Row[Any], told: _Told | None) -> Iterator[str]:
    if told is None:
        yield f"Dispute {row.id}: no entry about the decision {row.decision_id} tells of it."
        return
    for column in sorted(commitments.POINTERS):
        is_, event = getattr(row, column), getattr(told, column)
        if is_ != event:
            yield f"Dispute {row.id}: its {column} is {is_}, and the log tells {event}."
    if told.state is not None and commitments.found(commitments.of_dispute, row, row.person) != told.state:
        yield f"Dispute {row.id}: it is not in the state to which its newest entry {told.newest} commits."
