"""The earliest moment of each kind of breach, and from when a breach counts against the person."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.errors import TooEarly
from gateway.kit.clock import BusinessTime, rfc3339
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
    yuan,
)

TICK = timedelta(microseconds=1)
OVERDUE = DUE + GRACE
START = NOON + 2 * DAY
STAY = {"start": rfc3339(START), "end": rfc3339(DUE)}


def with_period() -> DecisionState:
    """An active decision about a stay."""
    return replace(active(), ask={"hotelStay": {"roomRate": {"amount": "1.00", "currency": "CNY"}, "stay": STAY}})


@pytest.mark.parametrize(
    ("state", "kind", "first"),
    [
        pytest.param(active(), BreachKind.NOT_PAID, OVERDUE, id="E1-not-paid"),
        pytest.param(active(), BreachKind.NOT_RETURNED, OVERDUE, id="E1-not-returned"),
        pytest.param(with_period(), BreachKind.NO_SHOW, START, id="E1-no-show"),
        pytest.param(active(), BreachKind.NO_SHOW, OVERDUE, id="E1-no-show-without-a-period"),
        pytest.param(
            after(active(), Decision.extend, NOON, DUE + 9 * DAY),
            BreachKind.NOT_PAID,
            OVERDUE + 9 * DAY,
            id="E1-not-paid-after-an-extension",
        ),
        pytest.param(
            after(active(), Decision.settle, NOON, yuan(1)),
            BreachKind.NOT_PAID,
            OVERDUE,
            id="E1-after-a-part-settlement",
        ),
    ],
)
def test_breach_is_possible_from_its_moment_on(state: DecisionState, kind: BreachKind, first: BusinessTime) -> None:
    with pytest.raises(TooEarly) as refusal:
        changed(state, Decision.report_breach, first - TICK, kind)
    assert (refusal.value.field, refusal.value.possible_from) == (("kind",), first)
    assert rfc3339(first) in refusal.value.message
    flagged, _ = due_applied(state, first)
    assert after(flagged, Decision.report_breach, first, kind).status is Status.BREACHED


@pytest.mark.parametrize("kind", [BreachKind.DAMAGED, BreachKind.OTHER])
def test_e1_damage_and_other_breaches_are_possible_from_activation(kind: BreachKind) -> None:
    assert active().breach_possible_from(kind) == active().activated_at
    assert breached(kind=kind).status is Status.BREACHED
    assert Transition.REPORT_BREACH in active().available_transitions, "some kind is possible from activation on"


def test_e1_other_breach_never_counts_before_the_due_date() -> None:
    rejected = after(after(breached(kind=BreachKind.OTHER), Decision.open_dispute, NOON), Decision.reject_dispute, NOON)
    for state in (breached(kind=BreachKind.OTHER), rejected):
        assert not state.counts_against(DUE - TICK)
        assert state.counts_as_breach(DUE)
    late = breached(active(), DUE - DAY, BreachKind.OTHER)
    assert not late.counts_against(DUE + WINDOWS.contest - DAY - TICK), "the dispute window comes in addition"
    assert late.counts_as_breach(DUE + WINDOWS.contest - DAY)


def test_e1_stored_breach_that_was_reported_too_early_does_not_count_before_its_moment() -> None:
    stored = replace(breached(), breach_kind=BreachKind.NOT_PAID)
    assert not stored.counts_against(OVERDUE - TICK)
    assert stored.counts_as_breach(OVERDUE)


def test_e1_breach_and_overdue_obligation_are_counted_apart() -> None:
    flagged, _ = due_applied(active(), OVERDUE)
    reported = breached(flagged, OVERDUE, BreachKind.NOT_PAID)
    assert (reported.counts_as_overdue(OVERDUE), reported.counts_as_breach(OVERDUE)) == (True, False)
    over = OVERDUE + WINDOWS.contest
    assert (reported.counts_as_overdue(over), reported.counts_as_breach(over)) == (False, True)
    damaged = breached(kind=BreachKind.DAMAGED)
    assert (damaged.counts_as_overdue(NOON + WINDOWS.contest), damaged.counts_as_breach(NOON + WINDOWS.contest)) == (
        False,
        True,
    )
