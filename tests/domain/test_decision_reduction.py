"""Reductions: the merchant lowers what an active obligation is about."""

from dataclasses import replace

import pytest

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.errors import GatewayError, InvalidInput, StateConflict
from gateway.domain.money import Money
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    AMOUNT,
    APPROVAL,
    DAY,
    DUE,
    GRACE,
    WINDOWS,
    active,
    after,
    approved,
    breached,
    changed,
    due_applied,
    flagged,
    new_state,
    yuan,
)

OVERDUE = DUE + GRACE


def refused(state: DecisionState, amount: Money) -> GatewayError:
    with pytest.raises(GatewayError) as refusal:
        changed(state, Decision.reduce, NOON, amount)
    return refusal.value


def test_reduction_lowers_the_amount_due_and_keeps_settled_and_terms() -> None:
    part = after(active(), Decision.settle, NOON, yuan(10_000))
    reduced, event = changed(part, Decision.reduce, NOON + DAY, yuan(15_000))
    assert (reduced.status, event.transition) == (Status.ACTIVE, Transition.REDUCE)
    assert (reduced.due, reduced.settled, reduced.outstanding) == (yuan(15_000), yuan(10_000), yuan(5_000))
    assert (reduced.exposure, reduced.committed) == (yuan(5_000), yuan(5_000))
    assert (reduced.outcome, reduced.due_at) == (APPROVAL, DUE)
    assert reduced.terms is not None
    assert reduced.terms.exposed == AMOUNT


@pytest.mark.parametrize("minor", [30_000, 30_001, 9_999, 0])
def test_new_amount_is_below_the_amount_due_and_at_least_the_settled_amount(minor: int) -> None:
    error = refused(after(active(), Decision.settle, NOON, yuan(10_000)), yuan(minor))
    assert isinstance(error, InvalidInput)
    assert (error.code, error.field) == ("INVALID_AMOUNT", ("newAmount", "amount"))
    assert error.message == (
        "The new amount must be below the present amount due, 300.00 CNY, and at least the settled 100.00 CNY."
    )


def test_new_amount_is_in_the_currency_of_the_terms() -> None:
    error = refused(active(), Money(1, "EUR"))
    assert (error.code, error.field) == ("UNSUPPORTED_CURRENCY", ("newAmount", "currency"))


def test_reduction_to_the_settled_amount_leaves_nothing_outstanding() -> None:
    part = after(active(), Decision.settle, NOON, yuan(10_000))
    reduced = after(part, Decision.reduce, NOON, yuan(10_000))
    assert (reduced.outstanding, reduced.exposure, reduced.committed) == (yuan(0), yuan(0), yuan(0))
    assert after(reduced, Decision.settle, NOON).status is Status.FULFILLED


def test_reduction_to_zero_is_allowed_if_nothing_was_settled() -> None:
    reduced = after(active(), Decision.reduce, NOON, yuan(0))
    done = after(reduced, Decision.settle, NOON)
    assert (done.status, done.due, done.exposure) == (Status.FULFILLED, yuan(0), yuan(0))
    assert done.settlement == Settlement(yuan(0), yuan(0), yuan(0), DUE, False)


def test_cancelled_request_without_approval_has_no_settlement() -> None:
    assert after(new_state(valid_until=NOON + DAY), Decision.cancel, NOON).settlement is None


def test_second_reduction_is_below_the_first() -> None:
    once = after(active(), Decision.reduce, NOON, yuan(20_000))
    assert refused(once, yuan(20_000)).code == "INVALID_AMOUNT"
    assert after(once, Decision.reduce, NOON, yuan(19_999)).due == yuan(19_999)


def test_settled_amount_is_at_most_the_reduced_one() -> None:
    once = after(active(), Decision.reduce, NOON, yuan(20_000))
    with pytest.raises(InvalidInput):
        after(once, Decision.settle, NOON, yuan(20_001))
    assert after(once, Decision.settle, NOON, yuan(20_000)).status is Status.FULFILLED


def test_reduction_keeps_the_overdue_flag_and_its_window() -> None:
    reduced = after(flagged(), Decision.reduce, OVERDUE + DAY, yuan(10_000))
    assert (reduced.overdue_at, reduced.overdue, reduced.exposure) == (OVERDUE, True, yuan(10_000))
    assert reduced.next_transition_at == OVERDUE + WINDOWS.report
    done = after(after(reduced, Decision.reduce, OVERDUE + DAY, yuan(0)), Decision.settle, OVERDUE + DAY)
    assert (done.status, done.overdue_at, done.lapsed_at) == (Status.FULFILLED, OVERDUE, None), "fulfilled late"


def test_reduction_of_a_part_keeps_an_open_dispute() -> None:
    contested = after(flagged(), Decision.open_dispute, OVERDUE)
    reduced = after(contested, Decision.reduce, OVERDUE + DAY, yuan(10_000))
    assert (reduced.contested_at, reduced.overdue) == (OVERDUE, False)


def test_reduction_is_available_after_the_overdue_flag_expired() -> None:
    lapsed = due_applied(flagged(), OVERDUE + WINDOWS.report)[0]
    assert lapsed.available_transitions == (Transition.REDUCE, Transition.FULFILL)
    reduced = after(lapsed, Decision.reduce, OVERDUE + WINDOWS.report, yuan(10_000))
    assert (reduced.committed, reduced.exposure) == (yuan(10_000), yuan(0))


@pytest.mark.parametrize(
    "state",
    [approved(), breached(), after(active(), Decision.settle, NOON), replace(approved(), status=Status.PENDING)],
    ids=["approved", "breached", "fulfilled", "pending"],
)
def test_only_an_active_decision_can_be_reduced(state: DecisionState) -> None:
    assert Transition.REDUCE not in state.available_transitions
    assert isinstance(refused(state, yuan(10_000)), StateConflict)
