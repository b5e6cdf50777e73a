"""Reconciles disputes about imported behaviour records with the records. A record that its source contests has no
dispute here, so its `contested_at` alone is no mismatch; that of a person's dispute is the `opened_at` of the dispute.
"""

from collections.abc import Iterator

from sqlalchemy import Select, select

from gateway.domain.scoring.record_dispute import RecordDisputeStatus
from gateway.store.scoring.record_disputes import IS_OPEN, RECORD_DISPUTES
from gateway.store.scoring.records import GATEWAY, RECORDS, VISIBLE
from gateway.store.unit import UnitOfWork

_D = RECORD_DISPUTES.c
_visible = VISIBLE.where(RECORDS.c.source != GATEWAY).subquery()
_V, _of_record = _visible.c, (_visible.c.source == _D.source) & (_visible.c.reference == _D.reference)
_open, _ended = RECORD_DISPUTES.alias("open"), RECORD_DISPUTES.alias("ended")
_is_open = (
    select(_open.c.id)
    .where(
        _open.c.source == _D.source,
        _open.c.reference == _D.reference,
        _open.c.status == RecordDisputeStatus.AWAITING_SOURCE.value,
    )
    .exists()
)
_is_upheld = (
    select(_ended.c.id)
    .where(_ended.c.record_id == RECORDS.c.id, _ended.c.status == RecordDisputeStatus.UPHELD.value)
    .exists()
)
_CHECKS: tuple[tuple[Select[tuple[str]], str], ...] = (
    (
        select(_D.id).join(_visible, _of_record).where(IS_OPEN, _V.contested_at.is_(None)),
        "Dispute {}: it is open, but the record is not contested.",
    ),
    (
        select(_D.id).join(_visible, _of_record).where(~IS_OPEN, _V.contested_at == _D.opened_at).where(~_is_open),
        "Dispute {}: it has ended, but the record is contested.",
    ),
    (
        select(RECORDS.c.id).where(RECORDS.c.removed_at.is_not(None), ~_is_upheld),
        "Record {}: it was removed, but no dispute about it was upheld.",
    ),
    (
        select(_D.id)
        .join(_visible, _V.id == _D.record_id)
        .where(_D.status == RecordDisputeStatus.UPHELD.value, _V.removed_at.is_(None)),
        "Dispute {}: it was upheld, but the record was not removed.",
    ),
)


def find_mismatches(unit: UnitOfWork) -> Iterator[str]:
    """Yields a sentence for each dispute or record that does not match."""
    for statement, sentence in _CHECKS:
        for (row_id,) in unit.connection.execute(statement):
            yield sentence.format(row_id)
