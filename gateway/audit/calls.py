"""Reconciles idempotency records with the decision log. Each record belongs to an event. A forged record would make a
new call return an existing decision."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from gateway.audit.batches import read_batches
from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.kit.clock import rfc3339
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.idempotency import IDEMPOTENCY_RECORDS
from gateway.store.logs.decision_log import DECISION_LOG, read_public
from gateway.store.unit import UnitOfWork

_CALLS = IDEMPOTENCY_RECORDS.c
_KEY = (_CALLS.decision_id, _CALLS.partner_id, _CALLS.client_id, _CALLS.mutation, _CALLS.key)
_RECORDS = select(IDEMPOTENCY_RECORDS, DECISIONS.c.subject.label("person")).outerjoin(
    DECISIONS, DECISIONS.c.id == _CALLS.decision_id
)
_ENTRIES: Executable = select(DECISION_LOG.c.decision_id, DECISION_LOG.c.public).where(
    DECISION_LOG.c.decision_id.in_(bindparam("ids", expanding=True))
)


def find_mismatches(unit: UnitOfWork, batch: int) -> Iterator[str]:
    """Yields a sentence for each record whose digest is in no entry. Records are read in batches."""
    for rows in read_batches(unit.connection, _RECORDS, _KEY, batch):
        known = [row for row in rows if row.person is not None]
        for decision in sorted({row.decision_id for row in rows} - {row.decision_id for row in known}):
            yield f"Decision {decision}: it does not exist, but an idempotency record refers to it."
        for row in _without_event(unit, known, batch):
            yield f"Decision {row.decision_id}: one of its idempotency records belongs to no event."


def _without_event(unit: UnitOfWork, rows: Sequence[Row[Any]], batch: int) -> list[Row[Any]]:
    """Returns the records that belong to no event of their decision."""
    remaining = {(row.decision_id, digests.try_digest(digests.digest_call, row, row.person)): row for row in rows}
    claimed = {(row.decision_id, _claimed_at(row)) for row in rows}
    without_digest = set()
    ids = sorted({row.decision_id for row in rows})
    for entry in unit.connection.execute(_ENTRIES, {"ids": ids}, execution_options={"yield_per": batch}):
        public = read_public(entry)
        remaining.pop((entry.decision_id, public.get(digests.CALL)), None)
        moment = (entry.decision_id, public.get("at"))
        if digests.DECISION not in public and moment in claimed:
            without_digest.add(moment)  # an old entry without digests: its time must match
    return [row for row in remaining.values() if (row.decision_id, _claimed_at(row)) not in without_digest]


def _claimed_at(row: Row[Any]) -> str:
    expires_at: datetime = row.expires_at
    return rfc3339(expires_at - KEPT_FOR)
