"""The idempotency records in the books: each belongs to something that was done. One that was made up would let a call
be answered as if it had been made before."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from gateway.domain.idempotency import KEPT_FOR
from gateway.kit.clock import rfc3339
from gateway.store import commitments
from gateway.store.base import core
from gateway.store.batches import batches
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow, public_of
from gateway.store.decisions import DecisionRow
from gateway.store.idempotency import IdempotencyRow

_LOG = core(DecisionLogRow)
_CALLS = core(IdempotencyRow)
_DECISIONS = core(DecisionRow)


def faults(session: Session, batch: int) -> Iterator[str]:
    """A sentence for each record that no entry commits to; `batch` are read at a time."""
    columns = _CALLS.c
    query = select(_CALLS, _DECISIONS.c.subject.label("person")).outerjoin(
        _DECISIONS, _DECISIONS.c.id == columns.decision_id
    )
    place = columns.decision_id, columns.partner_id, columns.client_id, columns.mutation, columns.key
    for rows in batches(session, query, place, batch):
        known = [row for row in rows if row.person is not None]
        for decision in sorted({row.decision_id for row in rows} - {row.decision_id for row in known}):
            yield f"Decision {decision}: an idempotency record leads to it, but it is not there."
        for row in _unclaimed(session, known, batch):
            yield f"Decision {row.decision_id}: no event there is of the call whose idempotency record leads to it."


def _unclaimed(session: Session, rows: Sequence[Row[Any]], batch: int) -> list[Row[Any]]:
    committed = {(row.decision_id, commitments.found(commitments.of_call, row, row.person)): row for row in rows}
    before = {(row.decision_id, _claimed_at(row)) for row in rows}
    query = select(_LOG.c.decision_id, _LOG.c.public).where(_LOG.c.decision_id.in_({row.decision_id for row in rows}))
    old = set()
    for entry in session.execute(query.execution_options(yield_per=batch)):
        public = public_of(entry)
        committed.pop((entry.decision_id, public.get(commitments.CALL)), None)
        moment = (entry.decision_id, public.get("at"))
        if commitments.DECISION not in public and moment in before:
            old.add(moment)  # of an entry that commits to nothing the moment has to do
    return [row for row in committed.values() if (row.decision_id, _claimed_at(row)) not in old]


def _claimed_at(row: Row[Any]) -> str:
    expires_at: datetime = row.expires_at
    return rfc3339(expires_at - KEPT_FOR)
