"""Changes of the state of a decision that several transitions share."""

from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import Any

from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.kit.clock import CLOCK_ALLOWANCE, BusinessTime


def with_terms(state: DecisionState, approval: Approval) -> DecisionState:
    """Returns the state with the terms of an approval. Nothing is settled."""
    terms = approval.terms
    settled = Money.zero(terms.exposed.currency)
    moments: dict[str, Any] = {"valid_until": approval.valid_until, "due_at": terms.due_at}
    return replace(state, outcome=approval, due=terms.exposed, settled=settled, **moments)


def without_void(state: DecisionState, settled_at: BusinessTime | None, now: BusinessTime) -> DecisionState:
    """Returns the state without what its full settlement makes void: a contested flag or breach, and an overdue flag
    that was set although the obligation had been settled at `settled_at`."""
    is_flagged = state.overdue_at is not None and state.lapsed_at is None
    was_in_time = settled_at is not None and state.due_at is not None and settled_at < state.due_at + state.grace
    lapsed_at = now if is_flagged and (state.contested or was_in_time) else state.lapsed_at
    voided_at = now if state.contested and state.status is Status.BREACHED else state.voided_at
    pause = paused_until(state, now)
    return replace(state, lapsed_at=lapsed_at, voided_at=voided_at, contested_at=None, dispute_pause=pause)


def paused_until(state: DecisionState, now: BusinessTime) -> timedelta:
    """Returns how long disputes have postponed the expiry of the overdue flag until `now`, with the open one."""
    paused = now - (state.contested_at or now)
    return state.dispute_pause + timedelta(seconds=ceil(paused.total_seconds()))


def require_between(
    moment: BusinessTime, first: BusinessTime, now: BusinessTime, field: str, beginning: str
) -> BusinessTime:
    """Returns the moment. Within CLOCK_ALLOWANCE before `first` it returns `first`, within CLOCK_ALLOWANCE after `now`
    it returns `now`. Raises InvalidInput for any other moment before `first` or after `now`."""
    if moment - now > CLOCK_ALLOWANCE:
        raise InvalidInput("INVALID_PERIOD", "This time is in the future.", (field,))
    if first - moment > CLOCK_ALLOWANCE:
        raise InvalidInput("INVALID_PERIOD", f"This time is before {beginning}.", (field,))
    return min(max(moment, first), now)
