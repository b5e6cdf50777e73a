"""A decision: its states, the one transition table, and the value that services hand out (design: decisions)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from gateway.domain.errors import StateConflict
from gateway.domain.event import Actor, Topic
from gateway.domain.outcome import Approval, Outcome, Referral
from gateway.domain.product import Product
from gateway.domain.settlement import Settlement


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
    """What a merchant may do to a decision."""

    ACTIVATE = "ACTIVATE"
    EXTEND = "EXTEND"
    FULFILL = "FULFILL"
    REPORT_BREACH = "REPORT_BREACH"
    CANCEL = "CANCEL"


class Happening(StrEnum):
    """What befalls a decision otherwise: a part that is settled, and what operator, clock and disputes do."""

    SETTLE_PART = "SETTLE_PART"
    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    EXPIRE = "EXPIRE"
    MARK_OVERDUE = "MARK_OVERDUE"
    LAPSE = "LAPSE"
    WRITE_OFF = "WRITE_OFF"
    VOID_BREACH = "VOID_BREACH"


class BreachKind(StrEnum):
    """How a promise was broken."""

    NOT_PAID = "NOT_PAID"
    NOT_RETURNED = "NOT_RETURNED"
    DAMAGED = "DAMAGED"
    NO_SHOW = "NO_SHOW"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the transition table: what, from which states, by whom, to which state, and how it is told."""

    name: Transition | Happening
    sources: frozenset[Status]
    by: Actor
    target: Status
    topic: Topic


def _step(name: Transition | Happening, sources: str, by: Actor, target: Status, topic: Topic) -> Step:
    return Step(name, frozenset(map(Status, sources.split())), by, target, topic)


STEPS: Mapping[Transition | Happening, Step] = {
    step.name: step
    for step in (
        _step(Transition.ACTIVATE, "APPROVED", Actor.MERCHANT, Status.ACTIVE, Topic.DECISION_ACTIVATED),
        _step(Transition.EXTEND, "ACTIVE", Actor.MERCHANT, Status.ACTIVE, Topic.DECISION_EXTENDED),
        _step(Transition.FULFILL, "ACTIVE BREACHED", Actor.MERCHANT, Status.FULFILLED, Topic.DECISION_FULFILLED),
        _step(Transition.REPORT_BREACH, "ACTIVE", Actor.MERCHANT, Status.BREACHED, Topic.DECISION_BREACHED),
        _step(Transition.CANCEL, "PENDING APPROVED", Actor.MERCHANT, Status.CANCELLED, Topic.DECISION_CANCELLED),
        _step(Happening.SETTLE_PART, "ACTIVE", Actor.MERCHANT, Status.ACTIVE, Topic.DECISION_PART_SETTLED),
        _step(Happening.APPROVE, "PENDING", Actor.OPERATOR, Status.APPROVED, Topic.DECISION_APPROVED),
        _step(Happening.DECLINE, "PENDING", Actor.OPERATOR, Status.DECLINED, Topic.DECISION_DECLINED),
        _step(Happening.EXPIRE, "PENDING APPROVED", Actor.CLOCK, Status.EXPIRED, Topic.DECISION_EXPIRED),
        _step(Happening.MARK_OVERDUE, "ACTIVE", Actor.CLOCK, Status.ACTIVE, Topic.DECISION_OVERDUE),
        _step(Happening.LAPSE, "ACTIVE", Actor.CLOCK, Status.ACTIVE, Topic.DECISION_LAPSED),
        _step(Happening.WRITE_OFF, "BREACHED", Actor.CLOCK, Status.BREACHED, Topic.DECISION_WRITTEN_OFF),
        _step(Happening.VOID_BREACH, "BREACHED", Actor.OPERATOR, Status.ACTIVE, Topic.DECISION_BREACH_VOIDED),
    )
}
"""The only place that says what can become of a decision."""

OPEN = frozenset({Status.PENDING, Status.APPROVED, Status.ACTIVE, Status.BREACHED})
"""States in which a decision still counts against the ceiling of its consent."""


def first_status(outcome: Outcome) -> Status:
    """The status that a new decision with this outcome has."""
    if isinstance(outcome, Approval):
        return Status.APPROVED
    return Status.PENDING if isinstance(outcome, Referral) else Status.DECLINED


def status_at(stored: Status, valid_until: datetime | None, now: datetime) -> Status:
    """The status as of `now`: an approval or referral past its `valid_until` has expired, written down or not."""
    if stored in STEPS[Happening.EXPIRE].sources and valid_until is not None and now >= valid_until:
        return Status.EXPIRED
    return stored


Barred = Mapping[Transition, str]
"""Steps that the table has and that what happened before rules out, each with the reason in words."""

NOTHING_BARRED: Barred = MappingProxyType({})


def available(status: Status, barred: Barred = NOTHING_BARRED) -> tuple[Transition, ...]:
    """What the merchant may do next, in the table's order."""
    return tuple(name for name in Transition if status in STEPS[name].sources and name not in barred)


def require(name: Transition | Happening, status: Status, barred: Barred = NOTHING_BARRED) -> Step:
    """The step of the table. Raises StateConflict (DECISION_EXPIRED or INVALID_TRANSITION) where it has none."""
    step, may = STEPS[name], available(status, barred)
    if status in step.sources and (name in may or isinstance(name, Happening)):
        return step
    code = "DECISION_EXPIRED" if status is Status.EXPIRED else "INVALID_TRANSITION"
    doing = name.lower().replace("_", " ")
    why = barred.get(name, "") if isinstance(name, Transition) and status in step.sources else ""
    message = f"A decision that is {status} does not allow: {doing}{why and f', {why}'}."
    raise StateConflict(code, message, status, may)


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
    """One request for trust as of the moment it was read. Times are UTC; `subject` is the pairwise user id;
    `settlement` is None until it has been approved."""

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
    settlement: Settlement | None
    ruling: Ruling
    ask: Mapping[str, Any]
    valid_until: datetime | None
    created_at: datetime
    updated_at: datetime
    barred: Barred

    @property
    def transitions(self) -> tuple[Transition, ...]:
        return available(self.status, self.barred)


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """One entry of a decision's timeline, read from the decision log. `note` is None where there was none,
    or where the user's key has been destroyed; `dispute_id` where it is about a dispute."""

    id: str
    decision_id: str
    occurred_at: datetime
    topic: Topic
    before: Status | None
    after: Status
    actor: Actor
    note: str | None
    dispute_id: str | None = None
