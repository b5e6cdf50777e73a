"""Compares everything that was written in one transaction: decisions, totals, disputes, log, outbox and idempotency
records. A mismatch is a defect of the gateway, or a change by hand.

The decision log is taken as true here: it is signed, and verified by gateway.audit.log_verification.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from gateway.audit import calls, consents, disputes, events, totals
from gateway.audit.batches import read_batches
from gateway.audit.logged_decisions import compare_decisions
from gateway.domain.decisions.dispute import OPEN
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.unit import UnitOfWork

BATCH = 500
_DECISIONS = select(DECISIONS)
_OPEN_DISPUTES = (
    select(DISPUTES.c.decision_id, func.count().label("disputes"))
    .where(DISPUTES.c.decision_id.in_(bindparam("ids", expanding=True)), DISPUTES.c.status.in_(sorted(OPEN)))
    .group_by(DISPUTES.c.decision_id)
)


def find_mismatches(unit: UnitOfWork) -> Iterator[str]:
    """A sentence for each mismatch in the unit's snapshot, with ids only and nothing about a person."""
    yield from (finding.sentence for _, finding in compare_decisions(unit, BATCH) if finding)
    for rows in read_batches(unit.connection, _DECISIONS, (DECISIONS.c.id,), BATCH):
        yield from _check_rows(unit, rows)
    yield from totals.find_mismatches(unit)
    yield from disputes.find_mismatches(unit, BATCH)
    yield from events.find_mismatches(unit, BATCH)
    yield from calls.find_mismatches(unit, BATCH)
    yield from consents.find_mismatches(unit, BATCH)


def _check_rows(unit: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Derived columns, and whether a decision with an open dispute is contested."""
    counted = unit.connection.execute(_OPEN_DISPUTES, {"ids": [row.id for row in rows]})
    open_disputes = {row.decision_id: row.disputes for row in counted}
    for row in rows:
        yield from _check_row(row, open_disputes.get(row.id, 0))


def _check_row(row: Row[Any], open_disputes: int) -> Iterator[str]:
    try:
        state = MAPPING.read(row)
        derived = MAPPING.derive(state)
    except Exception:  # noqa: BLE001  # whatever somebody has written there, the check goes on
        yield f"Decision {row.id}: its row cannot be read."
        return
    for column, expected in derived.items():
        written = row._mapping[column]
        if written != expected:
            yield f"Decision {row.id}: its {column} is {written}, and by its state {expected}."
    if open_disputes != int(state.contested):
        contested = "is contested" if state.contested else "is not contested"
        yield f"Decision {row.id}: it {contested}, and {open_disputes} disputes about it are open."
