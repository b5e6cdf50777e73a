"""The statuses of a decision and the transition table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.decisions.outcome import Approval, ManualReview, Outcome
from gateway.domain.errors import StateConflict
from gateway.domain.events import InternalTopic, Topic


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
    """A transition that a merchant makes and that availableTransitions can list."""

    ACTIVATE = "ACTIVATE"
    EXTEND = "EXTEND"
    REDUCE = "REDUCE"
    FULFILL = "FULFILL"
    REPORT_BREACH = "REPORT_BREACH"
    CANCEL = "CANCEL"


class SystemTransition(StrEnum):
    """A transition that availableTransitions never lists.

    SETTLE_PART: the merchant reports a part payment. APPROVE, DECLINE: the operator decides a manual review. EXPIRE:
    the approval was not used, or the request not reviewed, in time. MARK_OVERDUE: due date and grace period have
    passed; the overdue flag is set. LAPSE: the overdue flag ends and the exposure is released, because no breach was
    reported in time or a dispute about the flag was upheld. WRITE_OFF: the breach is so old that its exposure is
    released; it still counts against the person. VOID_BREACH: a dispute about the breach was upheld.
    VOID_LATE_SETTLEMENT: the same about the overdue flag of an obligation that is settled. ACCEPT_CLAIM: the merchant
    has not contradicted the person's claim in time; the obligation counts as kept for the score. NOTICE_SENT: the
    notice about the breach was accepted by the mail server or the hook; the time to contest it begins. Merchants do not
    see it."""

    SETTLE_PART = "SETTLE_PART"
    APPROVE = "APPROVE"
    DECLINE = "DECLINE"
    EXPIRE = "EXPIRE"
    MARK_OVERDUE = "MARK_OVERDUE"
    LAPSE = "LAPSE"
    WRITE_OFF = "WRITE_OFF"
    VOID_BREACH = "VOID_BREACH"
    VOID_LATE_SETTLEMENT = "VOID_LATE_SETTLEMENT"
    ACCEPT_CLAIM = "ACCEPT_CLAIM"
    NOTICE_SENT = "NOTICE_SENT"


class BreachKind(StrEnum):
    """How the obligation was not met."""

    NOT_PAID = "NOT_PAID"
    NOT_RETURNED = "NOT_RETURNED"
    DAMAGED = "DAMAGED"
    NO_SHOW = "NO_SHOW"
    OTHER = "OTHER"


class ClaimKind(StrEnum):
    """How the person says that the obligation was met."""

    RETURNED = "RETURNED"
    PAID = "PAID"


@dataclass(frozen=True, slots=True)
class TransitionRule:
    """One row of the transition table: name, source statuses, target status, and the topic of its event."""

    name: Transition | SystemTransition
    sources: frozenset[Status]
    target: Status
    topic: Topic | InternalTopic


def _rule(
    name: Transition | SystemTransition, sources: str, target: Status, topic: Topic | InternalTopic
) -> TransitionRule:
    return TransitionRule(name, frozenset(map(Status, sources.split())), target, topic)


RULES: Mapping[Transition | SystemTransition, TransitionRule] = {
    rule.name: rule
    for rule in (
        _rule(Transition.ACTIVATE, "APPROVED", Status.ACTIVE, Topic.DECISION_ACTIVATED),
        _rule(Transition.EXTEND, "ACTIVE", Status.ACTIVE, Topic.DECISION_EXTENDED),
        _rule(Transition.REDUCE, "ACTIVE", Status.ACTIVE, Topic.DECISION_REDUCED),
        _rule(Transition.FULFILL, "ACTIVE BREACHED", Status.FULFILLED, Topic.DECISION_FULFILLED),
        _rule(Transition.REPORT_BREACH, "ACTIVE", Status.BREACHED, Topic.DECISION_BREACHED),
        _rule(Transition.CANCEL, "PENDING APPROVED", Status.CANCELLED, Topic.DECISION_CANCELLED),
        _rule(SystemTransition.SETTLE_PART, "ACTIVE", Status.ACTIVE, Topic.DECISION_PART_SETTLED),
        _rule(SystemTransition.APPROVE, "PENDING", Status.APPROVED, Topic.DECISION_APPROVED),
        _rule(SystemTransition.DECLINE, "PENDING", Status.DECLINED, Topic.DECISION_DECLINED),
        _rule(SystemTransition.EXPIRE, "PENDING APPROVED", Status.EXPIRED, Topic.DECISION_EXPIRED),
        _rule(SystemTransition.MARK_OVERDUE, "ACTIVE", Status.ACTIVE, Topic.DECISION_OVERDUE),
        _rule(SystemTransition.LAPSE, "ACTIVE", Status.ACTIVE, Topic.DECISION_LAPSED),
        _rule(SystemTransition.WRITE_OFF, "BREACHED", Status.BREACHED, Topic.DECISION_WRITTEN_OFF),
        _rule(SystemTransition.VOID_BREACH, "BREACHED", Status.ACTIVE, Topic.DECISION_BREACH_VOIDED),
        _rule(SystemTransition.VOID_LATE_SETTLEMENT, "FULFILLED", Status.FULFILLED, Topic.DECISION_LAPSED),
        _rule(SystemTransition.ACCEPT_CLAIM, "ACTIVE", Status.ACTIVE, Topic.DECISION_CLAIM_ACCEPTED),
        _rule(SystemTransition.NOTICE_SENT, "BREACHED", Status.BREACHED, InternalTopic.NOTICE_SENT),
    )
}
"""The transition table. It has all transitions."""

OPEN_STATUSES = frozenset({Status.PENDING, Status.APPROVED, Status.ACTIVE, Status.BREACHED})
"""The statuses in which a decision counts against the maximum amount of its consent."""


def first_status(outcome: Outcome) -> Status:
    """Returns the status of a new decision with this outcome."""
    if isinstance(outcome, Approval):
        return Status.APPROVED
    return Status.PENDING if isinstance(outcome, ManualReview) else Status.DECLINED


def status_at(stored: Status, valid_until: datetime | None, now: datetime) -> Status:
    """Returns the status at `now`. After `valid_until` an approval or a pending request has expired, even if that is
    not saved yet."""
    if stored in RULES[SystemTransition.EXPIRE].sources and valid_until is not None and now >= valid_until:
        return Status.EXPIRED
    return stored


BlockedTransitions = Mapping[Transition, str]
"""Transitions in the table that the history of the decision blocks, each with the reason in English."""

NOTHING_BLOCKED: BlockedTransitions = MappingProxyType({})


def available_transitions(status: Status, blocked: BlockedTransitions = NOTHING_BLOCKED) -> tuple[Transition, ...]:
    """Returns the transitions that the merchant may make next, in the order of the table."""
    return tuple(name for name in Transition if status in RULES[name].sources and name not in blocked)


def require_rule(
    name: Transition | SystemTransition, status: Status, blocked: BlockedTransitions = NOTHING_BLOCKED
) -> TransitionRule:
    """Returns the rule of the transition. Raises StateConflict (DECISION_EXPIRED or INVALID_TRANSITION) if the table
    does not allow the transition from `status`, or it is blocked."""
    rule, available = RULES[name], available_transitions(status, blocked)
    if status in rule.sources and (name in available or isinstance(name, SystemTransition)):
        return rule
    code = "DECISION_EXPIRED" if status is Status.EXPIRED else "INVALID_TRANSITION"
    why = blocked.get(name, "") if isinstance(name, Transition) and status in rule.sources else ""
    message = f"A decision that is {status} does not allow {name}{why and f': {why}'}."
    raise StateConflict(code, message, status, available)
