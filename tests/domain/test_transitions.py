"""The transition table, and the expiry of statuses."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.outcome import Approval, Decline, ManualReview, Outcome
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.decisions.transitions import (
    OPEN_STATUSES,
    RULES,
    Status,
    Transition,
    available_transitions,
    first_status,
    require_rule,
    status_at,
)
from gateway.domain.errors import StateConflict
from gateway.domain.money import Money

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
TERMS = PayLaterTerms(Money(100, "CNY"), NOON, timedelta(0))

moments = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
statuses = st.sampled_from(Status)


def test_transition_table() -> None:
    rows = [
        (str(s.name), " ".join(sorted(s.sources)), str(s.target), str(s.topic).removeprefix("DECISION_"))
        for s in RULES.values()
    ]
    assert rows == [
        ("ACTIVATE", "APPROVED", "ACTIVE", "ACTIVATED"),
        ("EXTEND", "ACTIVE", "ACTIVE", "EXTENDED"),
        ("REDUCE", "ACTIVE", "ACTIVE", "REDUCED"),
        ("FULFILL", "ACTIVE BREACHED", "FULFILLED", "FULFILLED"),
        ("REPORT_BREACH", "ACTIVE", "BREACHED", "BREACHED"),
        ("CANCEL", "APPROVED PENDING", "CANCELLED", "CANCELLED"),
        ("SETTLE_PART", "ACTIVE", "ACTIVE", "PART_SETTLED"),
        ("APPROVE", "PENDING", "APPROVED", "APPROVED"),
        ("DECLINE", "PENDING", "DECLINED", "DECLINED"),
        ("EXPIRE", "APPROVED PENDING", "EXPIRED", "EXPIRED"),
        ("MARK_OVERDUE", "ACTIVE", "ACTIVE", "OVERDUE"),
        ("LAPSE", "ACTIVE", "ACTIVE", "LAPSED"),
        ("WRITE_OFF", "BREACHED", "BREACHED", "WRITTEN_OFF"),
        ("VOID_BREACH", "BREACHED", "ACTIVE", "BREACH_VOIDED"),
        ("VOID_LATE_SETTLEMENT", "FULFILLED", "FULFILLED", "LAPSED"),
        ("ACCEPT_CLAIM", "ACTIVE", "ACTIVE", "CLAIM_ACCEPTED"),
        ("NOTICE_SENT", "BREACHED", "BREACHED", "NOTICE_SENT"),
    ]


@given(st.lists(st.sampled_from(Transition), max_size=6), statuses)
def test_any_sequence_of_transitions_follows_the_table(transitions: list[Transition], status: Status) -> None:
    for transition in transitions:
        available = available_transitions(status)
        if transition not in available:
            with pytest.raises(StateConflict) as refused:
                require_rule(transition, status)
            assert (refused.value.status, refused.value.transitions) == (status, available)
            continue
        rule = require_rule(transition, status)
        assert rule is RULES[transition]
        assert status in rule.sources
        status = rule.target


@pytest.mark.parametrize("status", [Status.DECLINED, Status.FULFILLED, Status.CANCELLED, Status.EXPIRED])
def test_ended_decision_has_no_transitions(status: Status) -> None:
    assert available_transitions(status) == ()
    assert status not in OPEN_STATUSES


@pytest.mark.parametrize("status", [Status.PENDING, Status.APPROVED])
def test_cancel_is_possible_before_activation(status: Status) -> None:
    assert Transition.CANCEL in available_transitions(status)
    assert require_rule(Transition.CANCEL, status).target is Status.CANCELLED


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (status, "DECISION_EXPIRED" if status is Status.EXPIRED else "INVALID_TRANSITION")
        for status in Status
        if status not in {Status.PENDING, Status.APPROVED}
    ],
)
def test_refused_cancel_has_the_available_transitions(status: Status, code: str) -> None:
    with pytest.raises(StateConflict) as refused:
        require_rule(Transition.CANCEL, status)
    assert (refused.value.code, refused.value.status, refused.value.transitions) == (
        code,
        status,
        available_transitions(status),
    )


@pytest.mark.parametrize("stored", [Status.PENDING, Status.APPROVED])
@pytest.mark.parametrize(
    ("now", "expired"),
    [
        pytest.param(NOON - TICK, False, id="just-before"),
        pytest.param(NOON, True, id="exactly-at-valid-until"),
        pytest.param(NOON + TICK, True, id="just-after"),
    ],
)
def test_status_at_the_last_moment(stored: Status, now: datetime, expired: bool) -> None:
    assert status_at(stored, NOON, now) is (Status.EXPIRED if expired else stored)


@given(statuses, moments, moments)
def test_status_at_expires_only_pending_and_approved(stored: Status, valid_until: datetime, now: datetime) -> None:
    seen = status_at(stored, valid_until, now)
    can_expire = stored in {Status.PENDING, Status.APPROVED}
    assert seen is (Status.EXPIRED if can_expire and now >= valid_until else stored)


@given(statuses, moments)
def test_status_at_never_expires_without_valid_until(stored: Status, now: datetime) -> None:
    assert status_at(stored, None, now) is stored


@given(statuses, moments, moments, moments)
def test_expired_status_stays_expired(stored: Status, valid_until: datetime, one: datetime, other: datetime) -> None:
    early, late = sorted((one, other))
    if status_at(stored, valid_until, early) is Status.EXPIRED:
        assert status_at(stored, valid_until, late) is Status.EXPIRED


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        pytest.param(Approval(TERMS, NOON), Status.APPROVED, id="approval"),
        pytest.param(Decline(("NOT_SCORED",)), Status.DECLINED, id="decline"),
        pytest.param(ManualReview(), Status.PENDING, id="manual-review"),
    ],
)
def test_first_status_of_an_outcome(outcome: Outcome, status: Status) -> None:
    assert first_status(outcome) is status
