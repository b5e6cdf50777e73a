"""Times that a merchant sends: each is bounded by the decision's own life."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.decisions.decision import Decision, DecisionEvent
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    APPROVAL,
    DAY,
    PROVENANCE,
    WINDOWS,
    active,
    after,
    approved,
    changed,
    pending,
    yuan,
)

HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
YEAR_1 = BusinessTime(datetime(1, 1, 1, tzinfo=UTC))
YEAR_9999 = BusinessTime(datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
ALLOWED = timedelta(seconds=15)


def refused(state: DecisionState, transition: Callable[..., DecisionEvent], *arguments: Any) -> InvalidInput:
    """Returns the error INVALID_PERIOD of a transition, which must change nothing."""
    with pytest.raises(InvalidInput) as refusal:
        changed(state, transition, *arguments)
    assert refusal.value.code == "INVALID_PERIOD"
    return refusal.value


def test_e7_moments_of_past_events_lie_between_the_earlier_event_and_now() -> None:
    waiting = pending(NOON + DAY)
    granted = after(waiting, Decision.approve, APPROVAL, PROVENANCE, WINDOWS, NOON + 2 * HOUR)
    now = NOON + 5 * HOUR
    for moment in (NOON + 2 * HOUR - ALLOWED - TICK, now + ALLOWED + TICK, YEAR_1, YEAR_9999):
        assert refused(granted, Decision.activate, now, moment).field == ("handedOverAt",)
    running = after(granted, Decision.activate, now, NOON + 3 * HOUR)
    for moment in (NOON + 3 * HOUR - ALLOWED - TICK, now + ALLOWED + TICK, YEAR_1, YEAR_9999):
        for amount in (None, yuan(1)):
            assert refused(running, Decision.settle, now, amount, moment).field == ("settledAt",)
        late = after(running, Decision.report_breach, now, BreachKind.DAMAGED)
        assert refused(late, Decision.settle, now, None, moment).field == ("settledAt",)


def test_e7_clock_allowance_is_accepted_and_stored_within_the_decisions_life() -> None:
    assert after(approved(), Decision.activate, NOON + DAY, NOON - ALLOWED).activated_at == NOON
    assert after(approved(), Decision.activate, NOON + DAY, NOON + DAY + ALLOWED).activated_at == NOON + DAY
    for moment in (NOON - ALLOWED, NOON, NOON + DAY + ALLOWED):
        assert after(active(), Decision.settle, NOON + DAY, None, moment).status is Status.FULFILLED


@pytest.mark.parametrize("due_at", [YEAR_1, YEAR_9999])
def test_e7_due_date_of_any_year_is_an_error_at_its_field(due_at: Any) -> None:
    assert refused(active(), Decision.extend, NOON, due_at).field == ("dueAt",)
