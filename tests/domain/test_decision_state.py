"""The state of a decision: the dates and amounts that each transition changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.decision import Decision, DecisionEvent
from gateway.domain.decisions.dispute import Contested, require_contestable
from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import (
    RULES,
    BreachKind,
    Status,
    SystemTransition,
    Transition,
    available_transitions,
)
from gateway.domain.errors import GatewayError, InvalidInput, StateConflict
from gateway.domain.money import Money
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    AMOUNT,
    APPROVAL,
    DAY,
    DUE,
    GRACE,
    PROVENANCE,
    WINDOWS,
    active,
    after,
    approved,
    breached,
    changed,
    due_applied,
    pending,
    yuan,
)

TICK = timedelta(microseconds=1)


def refused(code: str, state: DecisionState, transition: Callable[..., DecisionEvent], *arguments: Any) -> GatewayError:
    """Returns the error of a transition, which must change nothing."""
    with pytest.raises(GatewayError) as refusal:
        changed(state, transition, *arguments)
    assert refusal.value.code == code
    return refusal.value


def test_approval_uses_the_credit_limit() -> None:
    state = approved()
    assert (state.due, state.exposure, state.committed, state.next_transition_at) == (
        AMOUNT,
        AMOUNT,
        AMOUNT,
        NOON + 3 * DAY,
    )
    settlement = state.settlement
    assert settlement is not None
    assert (settlement.due, settlement.settled, settlement.due_at, settlement.overdue) == (AMOUNT, yuan(0), DUE, False)


def test_cancelled_or_expired_approval_has_nothing_outstanding() -> None:
    cancelled = after(approved(), Decision.cancel, NOON)
    until = approved().valid_until
    assert until is not None
    for state, now in ((cancelled, NOON), (approved(), until)):  # whether the scheduler has run or not
        settlement = state.as_of(now).settlement
        assert settlement is not None
        assert (settlement.due, settlement.settled, settlement.outstanding) == (AMOUNT, yuan(0), yuan(0))
    late = breached().settlement
    assert late is not None
    assert late.outstanding == AMOUNT


def test_extension_to_the_last_date_of_all_is_an_error() -> None:
    end = NOON.replace(year=9999, month=12, day=31)
    assert refused("INVALID_PERIOD", active(), Decision.extend, NOON, end).field == ("dueAt",)


def test_manual_review_reserves_nothing_and_counts_against_its_consent() -> None:
    waiting = pending(NOON + DAY)
    assert (waiting.exposure, waiting.committed, waiting.settlement) == (yuan(0), yuan(40_000), None)
    granted, event = changed(waiting, Decision.approve, APPROVAL, PROVENANCE, WINDOWS, NOON)
    assert (granted.status, granted.exposure, event.transition) == (Status.APPROVED, AMOUNT, SystemTransition.APPROVE)
    refusal = after(waiting, Decision.decline, Decline(("NOT_SCORED",)), NOON)
    assert (refusal.status, refusal.committed, refusal.next_transition_at) == (Status.DECLINED, yuan(0), None)


def test_part_settlement_releases_its_part_and_the_last_one_ends_the_decision() -> None:
    first, event = changed(active(), Decision.settle, NOON, yuan(10_000))
    assert (first.status, first.exposure, first.outstanding, event.transition) == (
        Status.ACTIVE,
        yuan(20_000),
        yuan(20_000),
        SystemTransition.SETTLE_PART,
    )
    last, event = changed(first, Decision.settle, NOON, yuan(20_000))
    assert (last.status, last.exposure, last.outstanding, event.transition) == (
        Status.FULFILLED,
        yuan(0),
        yuan(0),
        Transition.FULFILL,
    )


@pytest.mark.parametrize(
    ("amount", "code", "member"),
    [
        (yuan(0), "INVALID_AMOUNT", "amount"),
        (yuan(30_001), "INVALID_AMOUNT", "amount"),
        (Money(1, "EUR"), "UNSUPPORTED_CURRENCY", "currency"),
    ],
)
def test_unusable_amount_is_an_error_at_its_field(amount: Money, code: str, member: str) -> None:
    assert refused(code, active(), Decision.settle, NOON, amount).field == ("settledAmount", member)
    error = refused(code, active(), Decision.report_breach, NOON, BreachKind.DAMAGED, amount)
    assert error.field == ("amountOutstanding", member)


def test_breach_is_cured_as_a_whole() -> None:
    state = breached()
    assert refused("INVALID_AMOUNT", state, Decision.settle, NOON, yuan(1)).field == (
        "settledAmount",
        "amount",
    )
    assert after(state, Decision.settle, NOON, AMOUNT).status is Status.FULFILLED
    assert after(state, Decision.settle, NOON).exposure == yuan(0)


def test_breach_of_a_part_releases_the_rest() -> None:
    state = after(active(), Decision.report_breach, NOON, BreachKind.DAMAGED, yuan(5_000))
    assert (state.settled, state.exposure) == (yuan(25_000), yuan(5_000))


@pytest.mark.parametrize("due_at", [DUE, DUE - DAY, NOON, DUE + 366 * DAY + TICK])
def test_due_date_outside_its_bounds_is_an_error(due_at: Any) -> None:
    assert refused("INVALID_PERIOD", active(), Decision.extend, NOON, due_at).field == ("dueAt",)


def test_all_extensions_share_one_bound() -> None:
    furthest = after(active(), Decision.extend, NOON, DUE + 366 * DAY)
    assert refused("INVALID_PERIOD", furthest, Decision.extend, DUE + 365 * DAY, DUE + 367 * DAY).field == ("dueAt",)


def test_extension_removes_the_overdue_flag() -> None:
    late, _ = due_applied(active(), DUE + GRACE)
    assert late.overdue_at == DUE + GRACE
    assert refused("INVALID_PERIOD", late, Decision.extend, DUE + 2 * DAY, DUE + TICK).field == ("dueAt",)
    extended = after(late, Decision.extend, DUE + 2 * DAY, DUE + 30 * DAY)
    assert (extended.overdue_at, extended.due_at, extended.next_transition_at) == (
        None,
        DUE + 30 * DAY,
        DUE + 30 * DAY + GRACE,
    )
    assert not extended.counts_against(DUE + 2 * DAY)


def test_overdue_flag_is_set_and_expires() -> None:
    assert due_applied(active(), DUE + GRACE - TICK)[1] == []
    late, names = due_applied(active(), DUE + GRACE)
    assert names == [SystemTransition.MARK_OVERDUE]
    assert late.counts_against(DUE + GRACE)
    settlement = late.settlement
    assert settlement is not None
    assert settlement.overdue
    assert late.exposure == AMOUNT
    lapsed, names = due_applied(late, DUE + GRACE + 10 * DAY)
    assert names == [SystemTransition.LAPSE]
    assert (lapsed.exposure, lapsed.status, lapsed.next_transition_at) == (yuan(0), Status.ACTIVE, None)
    assert not lapsed.counts_against(DUE + 1000 * DAY)
    assert lapsed.available_transitions == (Transition.REDUCE, Transition.FULFILL)
    late_report = refused("INVALID_TRANSITION", lapsed, Decision.report_breach, DUE + 20 * DAY, BreachKind.OTHER)
    assert late_report.message == (
        "A decision that is ACTIVE does not allow REPORT_BREACH: its overdue flag has expired."
    )
    refused("INVALID_TRANSITION", lapsed, Decision.extend, DUE + 20 * DAY, DUE + 30 * DAY)
    assert after(lapsed, Decision.settle, DUE + 20 * DAY).status is Status.FULFILLED


def test_report_window_begins_when_the_flag_is_set() -> None:
    late, names = due_applied(active(), DUE + 500 * DAY)
    assert names == [SystemTransition.MARK_OVERDUE]
    assert late.next_transition_at == DUE + 510 * DAY


def test_expired_approval_releases_its_exposure() -> None:
    ended, names = due_applied(approved(), NOON + 3 * DAY)
    assert names == [SystemTransition.EXPIRE]
    assert (ended.status, ended.exposure, ended.next_transition_at) == (Status.EXPIRED, yuan(0), None)
    refused("DECISION_EXPIRED", approved(), Decision.activate, NOON + 3 * DAY)


def test_breach_counts_after_its_dispute_window_and_is_written_off() -> None:
    state = breached()
    assert not state.counts_against(NOON + 5 * DAY - TICK)
    assert state.counts_against(NOON + 5 * DAY)
    assert state.exposure == AMOUNT
    off, names = due_applied(state, NOON + 100 * DAY)
    assert names == [SystemTransition.WRITE_OFF]
    assert (off.exposure, off.status) == (yuan(0), Status.BREACHED)
    assert off.counts_against(NOON + 100 * DAY)
    assert not after(off, Decision.settle, NOON + 101 * DAY).counts_against(NOON + 101 * DAY)


@pytest.mark.parametrize("state", [breached(), due_applied(active(), DUE + GRACE)[0]], ids=["breach", "overdue"])
def test_contested_decision_neither_counts_nor_changes(state: DecisionState) -> None:
    contested = after(state, Decision.open_dispute, DUE + 2 * DAY)
    assert not contested.counts_against(NOON + 1000 * DAY)
    settlement = contested.as_of(NOON + 1000 * DAY).settlement
    assert settlement is not None
    assert not settlement.overdue
    assert contested.next_transition_at is None
    assert contested.exposure == AMOUNT


def test_dispute_pauses_the_expiry_of_an_overdue_flag() -> None:
    late, _ = due_applied(active(), DUE + GRACE)
    back = after(after(late, Decision.open_dispute, DUE + 3 * DAY), Decision.reject_dispute, DUE + 40 * DAY + TICK)
    assert (back.overdue_at, back.next_transition_at) == (DUE + GRACE, DUE + GRACE + 47 * DAY + timedelta(seconds=1))
    assert back.counts_against(DUE + 41 * DAY)
    for again in (back, after(after(breached(), Decision.open_dispute, NOON), Decision.reject_dispute, NOON)):
        with pytest.raises(InvalidInput, match="decided or withdrawn"):
            require_contestable(again, DUE + 41 * DAY)
    fresh = after(back, Decision.extend, DUE + 41 * DAY, DUE + 60 * DAY)
    marked, _ = due_applied(fresh, DUE + 60 * DAY + GRACE)
    assert marked.next_transition_at == DUE + 70 * DAY + GRACE, "a new due date has a new flag and a new window"
    assert require_contestable(marked, DUE + 62 * DAY) is Contested.OVERDUE


def test_breach_after_an_overdue_flag_keeps_the_flag() -> None:
    late, _ = due_applied(active(), DUE + GRACE)
    state = breached(late, DUE + 2 * DAY)
    assert state.counts_against(DUE + 2 * DAY)
    settlement = state.as_of(DUE + 2 * DAY).settlement
    assert settlement is not None
    assert settlement.overdue
    assert not after(state, Decision.open_dispute, DUE + 3 * DAY).counts_against(DUE + 3 * DAY)


def test_voided_breach_restores_the_decision() -> None:
    back, event = changed(after(breached(), Decision.open_dispute, NOON), Decision.void_breach, NOON)
    assert (back, event.transition) == (replace(active(), voided_at=NOON), SystemTransition.VOID_BREACH)
    late = after(breached(at=DUE + 2 * DAY), Decision.void_breach, DUE + 3 * DAY)
    assert due_applied(late, DUE + 1000 * DAY) == (late, []), (
        "a decision does not become overdue through a voided breach"
    )
    off, _ = due_applied(breached(), NOON + 100 * DAY)
    assert after(off, Decision.void_breach, NOON + 101 * DAY).exposure == yuan(0), "freed exposure is not used again"


def test_report_after_a_voided_breach_requires_a_passed_due_date() -> None:
    back = after(breached(), Decision.void_breach, NOON)
    assert back.available_transitions == (Transition.EXTEND, Transition.REDUCE, Transition.FULFILL)
    early = refused("INVALID_TRANSITION", back, Decision.report_breach, NOON + DAY, BreachKind.OTHER)
    assert "a dispute about a breach was upheld" in early.message
    late, _ = due_applied(back, DUE + GRACE)
    assert after(late, Decision.report_breach, DUE + GRACE, BreachKind.NOT_PAID).status is Status.BREACHED, (
        "the due date has passed"
    )
    contested = after(due_applied(active(), DUE + GRACE)[0], Decision.open_dispute, DUE + 2 * DAY)
    cleared = after(contested, Decision.void_overdue, DUE + 3 * DAY)
    refused("INVALID_TRANSITION", cleared, Decision.report_breach, DUE + 3 * DAY, BreachKind.OTHER)


@given(st.sampled_from(Status), st.sampled_from([*Transition]))
def test_errors_follow_the_transition_table(status: Status, name: Transition) -> None:
    state = replace(approved(), status=status, valid_until=None)
    calls: dict[Transition, Any] = {
        Transition.ACTIVATE: lambda: changed(state, Decision.activate, NOON),
        Transition.EXTEND: lambda: changed(state, Decision.extend, NOON, DUE + DAY),
        Transition.REDUCE: lambda: changed(state, Decision.reduce, NOON, yuan(1)),
        Transition.FULFILL: lambda: changed(state, Decision.settle, NOON),
        Transition.REPORT_BREACH: lambda: changed(state, Decision.report_breach, NOON, BreachKind.OTHER),
        Transition.CANCEL: lambda: changed(state, Decision.cancel, NOON),
    }
    if status in RULES[name].sources:
        assert calls[name]()[1].transition is name
        return
    with pytest.raises(StateConflict) as refusal:
        calls[name]()
    assert (refusal.value.status, refusal.value.transitions) == (status, available_transitions(status))
