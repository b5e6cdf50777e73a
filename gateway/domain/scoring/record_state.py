"""Whether a behaviour record counts for the score, and why not."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.record import (
    KEPT_KINDS,
    NEGATIVE_KINDS,
    OPTIONAL_DIMENSIONS,
    BehaviourRecord,
    Dimension,
    RecordKind,
    month_of,
)


class RecordState(StrEnum):
    """COUNTS: it counts, within the limits of the card. NOT_YET: it counts later. CONTESTED: a dispute about it is
    open. REMOVED: a dispute about it was upheld. FADED: it is too old. NOT_SHARED: the person does not share its
    dimension. IGNORED: too many disputes with its partner were upheld."""

    COUNTS = "COUNTS"
    NOT_YET = "NOT_YET"
    CONTESTED = "CONTESTED"
    REMOVED = "REMOVED"
    FADED = "FADED"
    NOT_SHARED = "NOT_SHARED"
    IGNORED = "IGNORED"


def find_state(
    card: Scorecard,
    record: BehaviourRecord,
    now: datetime,
    shared: Collection[Dimension] = (),
    ignored_partners: Collection[str] = (),
) -> RecordState:
    """Returns the state at `now` of a record that was not removed. `shared` and `ignored_partners` as for
    `evaluate`."""
    if record.contested_at is not None:
        return RecordState.CONTESTED
    if not record.counts_at(now):
        return RecordState.NOT_YET
    if _has_faded(card, record, now):
        return RecordState.FADED
    if record.dimension in OPTIONAL_DIMENSIONS and record.dimension not in shared:
        return RecordState.NOT_SHARED
    if record.kind in NEGATIVE_KINDS and record.partner in ignored_partners:
        return RecordState.IGNORED
    return RecordState.COUNTS


def _has_faded(card: Scorecard, record: BehaviourRecord, now: datetime) -> bool:
    rules, this_month = card.rules, month_of(now)
    age = this_month - record.month
    if record.kind in KEPT_KINDS:
        return age >= rules.kept_fade.zero
    if record.kind is RecordKind.MONTHS:
        return age >= rules.assessment_life
    if record.kind is RecordKind.LATE:
        return age >= rules.negative_fade.zero
    if record.kind is RecordKind.BROKEN:
        return record.ended_at is not None and this_month - month_of(record.ended_at) >= rules.negative_fade.zero
    return False
