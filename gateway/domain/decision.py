"""A decision: its states, the one transition table, and the value that services hand out (design: decisions)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.errors import StateConflict
from gateway.domain.event import Actor, Topic
from gateway.domain.outcome import Approval, Outcome, Referral
from gateway.domain.product import Product


class Status(StrEnum):
    PENDING = "PENDING"
    APPROVED = "APPROVED"
    DECLINED = "DECLINED"
    ACTIVE = "ACTIVE"
    FULFILLED = "FULFILLED"
    BREACHED = "BREACHED"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


class Transition(StrEnum):
    """What a merchant may do to a decision. The life after approval comes with its own transitions."""

    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the transition table."""

    transition: Transition
    sources: frozenset[Status]
    target: Status
    topic: Topic


STEPS: Mapping[Transition, Step] = {
    step.transition: step
    for step in (
        Step(
            Transition.CANCEL,
            frozenset({Status.PENDING, Status.APPROVED}),
            Status.CANCELLED,
            Topic.DECISION_CANCELLED,
        ),
    )
}

OPEN = frozenset({Status.PENDING, Status.APPROVED, Status.ACTIVE, Status.BREACHED})
"""States in which a decision still counts against the ceiling of its consent."""


def first_status(outcome: Outcome) -> Status:
    """The status that a new decision with this outcome has."""
    if isinstance(outcome, Approval):
        return Status.APPROVED
    return Status.PENDING if isinstance(outcome, Referral) else Status.DECLINED


def status_at(stored: Status, valid_until: datetime | None, now: datetime) -> Status:
    """The status as of `now`: an approval or referral past its `valid_until` has expired, written down or not."""
    if stored in {Status.PENDING, Status.APPROVED} and valid_until is not None and now >= valid_until:
        return Status.EXPIRED
    return stored


def available(status: Status) -> tuple[Transition, ...]:
    """What the merchant may do next, in the table's order."""
    return tuple(step.transition for step in STEPS.values() if status in step.sources)


def require(transition: Transition, status: Status) -> Step:
    """The step of the table. Raises StateConflict (DECISION_EXPIRED or INVALID_TRANSITION) where it has none."""
    step = STEPS[transition]
    if status in step.sources:
        return step
    code = "DECISION_EXPIRED" if status is Status.EXPIRED else "INVALID_TRANSITION"
    raise StateConflict(code, f"A decision that is {status} cannot {transition.lower()}.", status, available(status))


@dataclass(frozen=True, slots=True)
class Ruling:
    """Which adapter, policy version and rule answered. `policy_hash` is SHA-256 hex over the canonical policy."""

    adapter: str
    policy_version: str
    policy_hash: str
    rule_id: str
    score_as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One request for trust as of the moment it was read. Times are UTC; `subject` is the pairwise user id."""

    id: str
    merchant_id: str
    client_id: str
    consent_id: str
    subject: str
    merchant_reference: str
    product: Product
    purpose: str
    status: Status
    outcome: Outcome | None
    ruling: Ruling
    ask: Mapping[str, Any]
    valid_until: datetime | None
    created_at: datetime
    updated_at: datetime

    @property
    def transitions(self) -> tuple[Transition, ...]:
        return available(self.status)


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """One entry of a decision's timeline, read from the decision log. `note` is None where there was none,
    or where the user's key has been destroyed."""

    id: str
    decision_id: str
    occurred_at: datetime
    topic: Topic
    before: Status | None
    after: Status
    actor: Actor
    note: str | None
