"""Disputes: a person contests a breach or an overdue flag. It does not count until the dispute ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime


class Contested(StrEnum):
    """What a dispute is about."""

    BREACH = "BREACH"
    OVERDUE = "OVERDUE"


class Party(StrEnum):
    USER = "USER"
    MERCHANT = "MERCHANT"


class DisputeStatus(StrEnum):
    """The merchant responds first. If it accepts or does not respond in time, the dispute is upheld; if it refuses, the
    operator decides. After a rejected or withdrawn dispute the breach or flag counts and cannot be contested again."""

    AWAITING_MERCHANT = "AWAITING_MERCHANT"
    UNDER_REVIEW = "UNDER_REVIEW"
    UPHELD = "UPHELD"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"


OPEN_DISPUTE_STATUSES = frozenset({DisputeStatus.AWAITING_MERCHANT, DisputeStatus.UNDER_REVIEW})
"""The statuses of a dispute that has not ended."""


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute. Times are business time. `statement` is the person's text and `response` the merchant's; they are ""
    and None if absent or if the person's key has been destroyed. `evidence` holds URLs sent by the merchant."""

    id: str
    decision_id: str
    merchant_id: str
    subject: Contested
    opened_by: Party
    status: DisputeStatus
    statement: str
    response: str | None
    evidence: tuple[str, ...]
    opened_at: datetime
    respond_by: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True)
class ContestWindow:
    """The dispute window of a breach, as it is at one moment. `latest_start` is None if the window has started; then
    `ends_at` is its end. Before that it can start at any moment up to `latest_start`, and `ends_at` is its end if it
    starts now: the moment until which the person can contest the breach in any case."""

    ends_at: BusinessTime
    length: timedelta
    latest_start: BusinessTime | None
    has_ended: bool


def contest_window(state: DecisionState, now: BusinessTime) -> ContestWindow | None:
    """Returns the dispute window of the decision's breach at `now`. None without an open breach, and once it was
    contested: there is one dispute about each breach."""
    if state.status is not Status.BREACHED or state.contested or state.dispute_rejected_at is not None:
        return None
    starts_at, ends_at, length = state.contest_starts_at, state.contest_ends_at, state.windows.contest
    if ends_at is None:
        return None
    if starts_at is not None and now < starts_at:
        return ContestWindow(BusinessTime(now + length), length, starts_at, has_ended=False)
    return ContestWindow(ends_at, length, None, has_ended=now >= ends_at)


def require_contestable(state: DecisionState, now: BusinessTime) -> Contested:
    """Returns what a person may contest about a decision at `now`: a breach, an overdue flag, or the flag of a late
    settlement. Raises InvalidInput if there is none, a dispute is open, an earlier dispute about it was rejected or
    withdrawn, or the time to contest the breach or the late settlement is over."""
    if state.contested:
        raise InvalidInput("INVALID", "A dispute about this is already open.")
    if state.dispute_rejected_at is not None:
        raise InvalidInput("INVALID", "A dispute about this was already decided or withdrawn.")
    if state.status is Status.BREACHED and state.contest_ends_at is not None:
        if now >= state.contest_ends_at:
            raise InvalidInput("INVALID", "The time to contest the breach is over.")
        return Contested.BREACH
    if state.status is Status.ACTIVE and state.overdue_at is not None and state.lapsed_at is None:
        return Contested.OVERDUE
    if state.late_counts_from is not None:
        if now >= state.late_counts_from:
            raise InvalidInput("INVALID", "The time to contest the late settlement is over.")
        return Contested.OVERDUE
    raise InvalidInput("INVALID", "There is nothing to contest about this decision.")
