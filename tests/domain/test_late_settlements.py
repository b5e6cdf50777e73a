"""Late settlements: when they count, how they are contested, and what a settlement during a dispute leaves."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import Contested, require_contestable
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status, SystemTransition
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    DAY,
    DUE,
    GRACE,
    WINDOWS,
    active,
    after,
    breached,
    changed,
    due_applied,
    flagged,
    yuan,
)

TICK = timedelta(microseconds=1)
OVERDUE = DUE + GRACE
SETTLED = OVERDUE + DAY


def late() -> DecisionState:
    """Fulfilled a day after the overdue flag was set."""
    return after(flagged(), Decision.settle, SETTLED)


def contested(state: DecisionState, now: BusinessTime) -> DecisionState:
    require_contestable(state, now)
    return after(state, Decision.open_dispute, now)


def not_contestable(state: DecisionState, now: BusinessTime) -> str:
    with pytest.raises(InvalidInput) as refused:
        require_contestable(state, now)
    return str(refused.value)


def test_late_settlement_counts_one_dispute_window_after_the_flag() -> None:
    assert late().late_counts_from == OVERDUE + WINDOWS.contest


def test_late_settlement_neither_counts_as_overdue_nor_uses_the_limit() -> None:
    state = late()
    assert (state.overdue, state.exposure, state.committed, state.next_transition_at) == (False, yuan(0), yuan(0), None)
    assert not state.counts_against(OVERDUE + 1000 * DAY)


def reduced_to_nothing(state: DecisionState, now: BusinessTime) -> DecisionState:
    return after(after(state, Decision.reduce, now, yuan(0)), Decision.settle, now)


def test_reduction_to_nothing_while_the_flag_counts_is_a_late_settlement() -> None:
    assert reduced_to_nothing(flagged(), SETTLED).late_counts_from == OVERDUE + WINDOWS.contest


@pytest.mark.parametrize("state", [after(active(), Decision.settle, NOON), flagged()], ids=["in-time", "not-settled"])
def test_other_decisions_are_no_late_settlements(state: DecisionState) -> None:
    assert state.late_counts_from is None


def test_settlement_after_the_flag_expired_is_not_late() -> None:
    lapsed = due_applied(flagged(), OVERDUE + WINDOWS.report)[0]
    assert after(lapsed, Decision.settle, OVERDUE + WINDOWS.report).late_counts_from is None


def test_cured_breach_is_not_a_late_settlement() -> None:
    assert after(breached(flagged(), OVERDUE), Decision.settle, SETTLED).late_counts_from is None


def test_extended_obligation_that_is_settled_in_time_is_not_late() -> None:
    extended = after(flagged(), Decision.extend, SETTLED, SETTLED + 9 * DAY)
    assert after(extended, Decision.settle, SETTLED).late_counts_from is None


def test_settlement_dated_before_the_flag_removes_it() -> None:
    """The merchant reports after the due date that the person paid before it."""
    assert after(flagged(), Decision.settle, SETTLED, None, OVERDUE - TICK).late_counts_from is None
    assert after(flagged(), Decision.settle, SETTLED, None, OVERDUE).late_counts_from == OVERDUE + WINDOWS.contest
    part = after(flagged(), Decision.settle, SETTLED, yuan(10_000), OVERDUE - DAY)
    assert (part.overdue, part.lapsed_at) == (True, None)


def test_late_settlement_can_be_contested_until_it_counts() -> None:
    end = OVERDUE + WINDOWS.contest
    assert require_contestable(late(), SETTLED) is Contested.OVERDUE
    assert require_contestable(late(), BusinessTime(end - TICK)) is Contested.OVERDUE
    assert not_contestable(late(), end) == "The time to contest the late settlement is over."
    assert "nothing to contest" in not_contestable(after(active(), Decision.settle, NOON), NOON)


def test_late_settlement_keeps_its_status_during_a_dispute() -> None:
    state = contested(late(), SETTLED)
    assert (state.status, state.contested_at, state.available_transitions) == (Status.FULFILLED, SETTLED, ())
    assert "already open" in not_contestable(state, SETTLED)


def test_upheld_dispute_removes_the_flag_of_a_late_settlement() -> None:
    now = SETTLED + DAY
    state, event = changed(contested(late(), SETTLED), Decision.void_overdue, now)
    assert (event.transition, event.topic) == (SystemTransition.VOID_LATE_SETTLEMENT, Topic.DECISION_LAPSED)
    assert (event.before, event.after) == (Status.FULFILLED, Status.FULFILLED)
    assert (state.status, state.lapsed_at, state.contested_at) == (Status.FULFILLED, now, None)
    assert state.late_counts_from is None
    assert "nothing to contest" in not_contestable(state, now)


def test_late_settlement_counts_at_once_after_a_rejected_dispute() -> None:
    state = after(contested(late(), SETTLED), Decision.reject_dispute, SETTLED + TICK)
    assert (state.status, state.late_counts_from) == (Status.FULFILLED, SETTLED + TICK)
    assert "decided or withdrawn" in not_contestable(state, SETTLED + TICK)


def test_flag_with_a_rejected_dispute_counts_as_late_from_the_rejection() -> None:
    rejected = after(contested(flagged(), OVERDUE), Decision.reject_dispute, OVERDUE + TICK)
    settled = after(rejected, Decision.settle, SETTLED)
    assert settled.late_counts_from == OVERDUE + TICK
    assert "decided or withdrawn" in not_contestable(settled, SETTLED)


@pytest.mark.parametrize("end", [lambda state, now: after(state, Decision.settle, now), reduced_to_nothing])
def test_settling_a_contested_flag_voids_it(end: object) -> None:
    assert callable(end)
    state = end(contested(flagged(), OVERDUE), SETTLED)
    assert (state.status, state.contested_at) == (Status.FULFILLED, None)
    assert (state.overdue_at, state.lapsed_at, state.late_counts_from) == (OVERDUE, SETTLED, None)


@pytest.mark.parametrize("end", [Decision.void_overdue, Decision.settle])
def test_flag_that_was_contested_until_after_its_window_is_void_and_has_not_expired(end: Any) -> None:
    """Otherwise the fulfilled obligation would have no record, although the person was right."""
    last_day = BusinessTime(OVERDUE + WINDOWS.report - DAY)
    state = after(contested(flagged(), last_day), end, BusinessTime(last_day + WINDOWS.respond))
    assert (state.lapsed_at, state.flag_expired) == (OVERDUE + WINDOWS.report + DAY, False)


def test_settling_a_contested_breach_voids_it() -> None:
    state = after(contested(breached(), NOON), Decision.settle, NOON + DAY)
    assert (state.status, state.breached_at, state.voided_at) == (Status.FULFILLED, NOON, NOON + DAY)
    assert (state.lapsed_at, state.breach_counts_from) == (None, None)


def test_settling_a_contested_breach_voids_the_flag_before_it() -> None:
    state = after(contested(breached(flagged(), OVERDUE), OVERDUE), Decision.settle, SETTLED)
    assert (state.voided_at, state.lapsed_at, state.late_counts_from) == (SETTLED, SETTLED, None)


def test_settling_what_is_not_contested_voids_nothing() -> None:
    assert (late().lapsed_at, late().voided_at) == (None, None)
    cured = after(breached(), Decision.settle, NOON + DAY)
    assert (cured.lapsed_at, cured.voided_at) == (None, None)
    part = after(contested(flagged(), OVERDUE), Decision.settle, SETTLED, yuan(1))
    assert (part.contested_at, part.lapsed_at) == (OVERDUE, None)


def test_breach_counts_from_the_end_of_its_dispute_window() -> None:
    assert active().breach_counts_from is None
    assert breached().breach_counts_from == NOON + WINDOWS.contest
    cured = after(breached(), Decision.settle, NOON + DAY)
    assert cured.breach_counts_from == NOON + WINDOWS.contest, "known also after the cure"


def test_breach_counts_from_the_rejection_of_its_dispute() -> None:
    rejected = after(contested(breached(), NOON), Decision.reject_dispute, NOON + DAY)
    assert rejected.breach_counts_from == NOON + DAY
    assert rejected.counts_as_breach(NOON + DAY)


def test_breach_of_another_kind_counts_from_the_due_date() -> None:
    state = breached(kind=BreachKind.OTHER)
    assert state.breach_counts_from == DUE
    rejected = after(contested(state, NOON), Decision.reject_dispute, NOON + DAY)
    assert rejected.breach_counts_from == DUE
