"""Reconciles everything that is written in one transaction: decisions, totals, disputes, behaviour records, logs,
outbox and idempotency records, and rows with the record log. A mismatch is a defect of the gateway or a manual change
of the database.

The logs are assumed to be correct: gateway.audit.log_verification verifies them.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from gateway.audit import behaviour, calls, consents, disputes, events, record_disputes, totals, trusted_documents
from gateway.audit.accesses import compare_accesses
from gateway.audit.batches import read_batches
from gateway.audit.logged_decisions import compare_decisions
from gateway.audit.records import compare_records
from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.unit import UnitOfWork

BATCH = 500
_DECISIONS = select(DECISIONS)
_OPEN_DISPUTES = (
    select(DISPUTES.c.decision_id, func.count().label("disputes"))
    .where(
        DISPUTES.c.decision_id.in_(bindparam("ids", expanding=True)),
        DISPUTES.c.status.in_(sorted(OPEN_DISPUTE_STATUSES)),
    )
    .group_by(DISPUTES.c.decision_id)
)


def find_mismatches(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each mismatch in the unit's snapshot. Sentences have ids only and no personal data."""
    yield from (finding.sentence for _, finding in compare_decisions(unit, BATCH) if finding)
    yield from (finding.sentence for finding in compare_accesses(unit))
    yield from (finding.sentence for _, finding in compare_records(unit, BATCH) if finding)
    for rows in read_batches(unit.connection, _DECISIONS, (DECISIONS.c.id,), BATCH):
        yield from _check_rows(unit, rows)
    yield from totals.find_mismatches(unit)
    yield from disputes.find_mismatches(unit, BATCH)
    yield from behaviour.find_mismatches(unit, BATCH)
    yield from events.find_mismatches(unit, BATCH)
    yield from calls.find_mismatches(unit, BATCH)
    yield from consents.find_mismatches(unit, BATCH)
    yield from trusted_documents.find_mismatches(unit, BATCH)
    yield from record_disputes.find_mismatches(unit)


def _check_rows(unit: UnitOfWork, rows: Sequence[Row[Any]]) -> Iterator[str]:
    """Checks the derived columns. Checks that a contested decision has exactly one open dispute, and any other decision
    none."""
    counted = unit.connection.execute(_OPEN_DISPUTES, {"ids": [row.id for row in rows]})
    open_disputes = {row.decision_id: row.disputes for row in counted}
    for row in rows:
        yield from _check_row(row, open_disputes.get(row.id, 0))


def _check_row(row: Row[Any], open_disputes: int) -> Iterator[str]:
    try:
        state = MAPPING.read(row)
        derived = MAPPING.derive(state)
    except Exception:  # noqa: BLE001  # the check continues after any invalid row
        yield f"Decision {row.id}: its row cannot be read."
        return
    for column, expected in derived.items():
        written = row._mapping[column]
        if written != expected:
            yield f"Decision {row.id}: its {column} is {written}, but its other columns give {expected}."
    if open_disputes != int(state.contested):
        contested = "is contested" if state.contested else "is not contested"
        yield f"Decision {row.id}: it {contested}, but has {open_disputes} open disputes."
