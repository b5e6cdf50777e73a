"""What a person can contest about an imported record, and when again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.errors import InvalidInput, TooEarly
from gateway.domain.scoring.record import KINDS_OF, BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.record_dispute import (
    REOPENING_TIME,
    RESPONSE_TIME,
    RecordDispute,
    RecordDisputeStatus,
    contestable_from,
    is_corrected,
    require_contestable,
)
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON
from tests.support.records import record

NOW = BUSINESS_NOON
LATE = record(RecordKind.LATE, at=NOW)


def dispute(about: BehaviourRecord = LATE, status: RecordDisputeStatus = RecordDisputeStatus.REJECTED) -> RecordDispute:
    """A dispute that was opened and, unless it is open, ended now."""
    is_open = status is RecordDisputeStatus.AWAITING_SOURCE
    return RecordDispute(
        id="rdp_1",
        record_id=about.id,
        user_id="mei",
        source="harbour",
        reference="r1",
        status=status,
        opened_at=NOW,
        respond_by=BusinessTime(NOW + RESPONSE_TIME),
        resolved_at=None if is_open else NOW,
        statement="It was paid in time.",
    )


def later(time: timedelta) -> BusinessTime:
    return BusinessTime(NOW + time)


@pytest.mark.parametrize("kind", [RecordKind.LATE, RecordKind.BROKEN, RecordKind.OVERDUE, RecordKind.MONTHS])
def test_negative_record_and_assessment_can_be_contested(kind: RecordKind) -> None:
    require_contestable(replace(LATE, kind=kind), [], "No.", NOW)


@pytest.mark.parametrize("kind", sorted({*KINDS_OF[Dimension.IDENTITY], RecordKind.KEPT, RecordKind.KEPT_WITH_DEPOSIT}))
def test_kept_record_and_identity_cannot_be_contested(kind: RecordKind) -> None:
    with pytest.raises(InvalidInput):
        require_contestable(replace(LATE, kind=kind), [], "No.", NOW)


def test_record_that_is_contested_cannot_be_contested() -> None:
    with pytest.raises(InvalidInput):
        require_contestable(replace(LATE, contested_at=NOW), [], "No.", NOW)
    assert contestable_from(LATE, [dispute(status=RecordDisputeStatus.AWAITING_SOURCE)]) is None


@pytest.mark.parametrize("status", [RecordDisputeStatus.REJECTED, RecordDisputeStatus.WITHDRAWN])
def test_same_version_can_be_contested_again_after_a_month_with_a_new_statement(status: RecordDisputeStatus) -> None:
    ended = [dispute(status=status)]
    with pytest.raises(TooEarly) as early:
        require_contestable(LATE, ended, "Here is the receipt.", later(REOPENING_TIME - timedelta(seconds=1)))
    assert early.value.possible_from == later(REOPENING_TIME)
    require_contestable(LATE, ended, "Here is the receipt.", later(REOPENING_TIME))
    with pytest.raises(InvalidInput) as same:
        require_contestable(LATE, ended, " It was paid in time.\n", later(REOPENING_TIME))
    assert same.value.field == ("statement",)


@pytest.mark.parametrize("status", [RecordDisputeStatus.REJECTED, RecordDisputeStatus.UPHELD])
def test_newer_version_can_be_contested_at_once_with_the_same_statement(status: RecordDisputeStatus) -> None:
    newer = record(RecordKind.LATE, at=NOW)
    require_contestable(newer, [dispute(status=status)], "It was paid in time.", NOW)


def test_removed_version_cannot_be_contested() -> None:
    assert contestable_from(LATE, [dispute(status=RecordDisputeStatus.UPHELD)]) is None


def test_record_is_corrected_by_a_version_that_is_not_negative_or_about_another_person() -> None:
    newer = record(RecordKind.KEPT, at=NOW)
    assert is_corrected(dispute(), newer, "mei")
    assert is_corrected(dispute(), record(RecordKind.MONTHS, at=NOW), "mei")
    assert is_corrected(dispute(), record(RecordKind.LATE, at=NOW), "bo")
    assert not is_corrected(dispute(), record(RecordKind.LATE, at=NOW), "mei")
    assert not is_corrected(dispute(), LATE, "mei")
