"""Disputes about imported behaviour records. They go to the source of the record, which the operator asks. A record
does not count while a dispute about it is open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.domain.errors import InvalidInput, TooEarly
from gateway.domain.scoring.record import NEGATIVE_KINDS, BehaviourRecord, RecordKind
from gateway.kit.clock import BusinessTime

RESPONSE_TIME = timedelta(days=30)
"""How long the source of a record has to answer. FCRA section 611 gives a consumer reporting agency 30 days."""

REOPENING_TIME = timedelta(days=30)
"""How long after the end of a dispute the same version of a record can be contested again, with a new statement."""

LONGEST_TEXT = 2000
"""Characters of a statement or a resolution, as for disputes about decisions."""

CONTESTABLE_KINDS = frozenset({*NEGATIVE_KINDS, RecordKind.OVERDUE, RecordKind.MONTHS})
"""What a person can contest: a late, broken or overdue obligation, and an assessment."""

_ADVERSE_KINDS = CONTESTABLE_KINDS - {RecordKind.MONTHS}


class RecordDisputeStatus(StrEnum):
    """AWAITING_SOURCE: the source has been asked, or must be. UPHELD: the record does not count any more. REJECTED,
    WITHDRAWN: it counts again."""

    AWAITING_SOURCE = "AWAITING_SOURCE"
    UPHELD = "UPHELD"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True)
class RecordDispute:
    """One dispute. `record_id` is the version of the record that it is about, `reference` the source's own id of the
    record. Times are business time. `statement` is the person's text and `resolution` the operator's; they are "" and
    None if absent, if they were not read, or if the person's key has been destroyed."""

    id: str
    record_id: str
    user_id: str
    source: str
    reference: str
    status: RecordDisputeStatus
    opened_at: BusinessTime
    respond_by: BusinessTime
    resolved_at: BusinessTime | None
    statement: str = ""
    resolution: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the dispute has not ended."""
        return self.status is RecordDisputeStatus.AWAITING_SOURCE


def contestable_from(record: BehaviourRecord, disputes: Sequence[RecordDispute]) -> BusinessTime | None:
    """Returns from when on a person can contest this version of an imported record, None if they cannot. `disputes` are
    all disputes about the record, oldest first. A newer version of the record can be contested at once."""
    if record.kind not in CONTESTABLE_KINDS or record.contested_at is not None:
        return None
    newest = disputes[-1] if disputes else None
    if newest is None:
        return record.at
    if newest.is_open or newest.resolved_at is None:
        return None
    if newest.record_id != record.id:
        return record.at
    if newest.status is RecordDisputeStatus.UPHELD:
        return None
    return BusinessTime(newest.resolved_at + REOPENING_TIME)


def require_contestable(
    record: BehaviourRecord, disputes: Sequence[RecordDispute], statement: str, now: BusinessTime
) -> None:
    """Raises InvalidInput if a person cannot contest this version of an imported record, or has made the same statement
    about it before, and TooEarly if they can contest it later."""
    possible_from = contestable_from(record, disputes)
    if possible_from is None:
        raise InvalidInput("INVALID", "There is nothing to contest about this record, or a dispute is open.")
    if disputes and now < possible_from:
        raise TooEarly("A dispute about this record has just ended.", possible_from, ("recordId",))
    if any(each.record_id == record.id and each.statement.strip() == statement.strip() for each in disputes):
        raise InvalidInput("INVALID", "An earlier dispute has the same statement.", ("statement",))


def is_corrected(dispute: RecordDispute, record: BehaviourRecord, user_id: str) -> bool:
    """Returns whether the source has corrected the contested record: the present version, about the person `user_id`,
    is another one, and is about another person or is not late, broken or overdue any more."""
    return record.id != dispute.record_id and (user_id != dispute.user_id or record.kind not in _ADVERSE_KINDS)
