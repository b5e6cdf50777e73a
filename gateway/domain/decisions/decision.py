"""A decision as a unit of work changes it: each transition is a method that returns its event."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionProvenance, DecisionState
from gateway.domain.decisions.transitions import (
    BreachKind,
    Status,
    SystemTransition,
    Transition,
    TransitionRule,
    require_rule,
)
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime

FURTHEST_EXTENSION = timedelta(days=366)
"""How far beyond the last date of its terms a due date may be moved, by all extensions together."""

_REQUESTED = {
    Status.PENDING: Topic.DECISION_PENDING,
    Status.APPROVED: Topic.DECISION_APPROVED,
    Status.DECLINED: Topic.DECISION_DECLINED,
}


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """What happened to a decision at `at`. `before` is None for its first event. `transition` is None where the event
    is not a row of the transition table: a request, or an act in a dispute."""

    topic: Topic
    before: Status | None
    after: Status
    at: BusinessTime
    transition: Transition | SystemTransition | None = None


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """One entry of a decision's timeline, read from the decision log. `note` is None where there was none, or where
    the person's key has been destroyed; `dispute_id` is set where it is about a dispute."""

    id: str
    decision_id: str
    occurred_at: datetime
    topic: Topic
    before: Status | None
    after: Status
    actor: Actor
    note: str | None
    dispute_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """A decision as the database has it, and the digest of its row."""

    state: DecisionState
    digest: str


class Decision:
    """A decision that is locked by a unit of work, or new. `stored` is what the database has, None for a new one; the
    repository uses it to save the difference and the digest before. Methods raise StateConflict where the table has no
    such transition, or the decision's history blocks it."""

    def __init__(self, state: DecisionState, stored: StoredDecision | None = None) -> None:
        self.state, self.stored = state, stored

    @classmethod
    def request(
        cls, state: DecisionState, approval: Approval | None, last_date: BusinessTime | None
    ) -> "tuple[Decision, DecisionEvent]":
        """A decision that has just been made, and its event. `state` has its final status; `last_date` is until when a
        manual review can wait."""
        state = replace(state, valid_until=last_date)
        if approval is not None:
            state = _with_terms(state, approval)
        return cls(state), DecisionEvent(_REQUESTED[state.status], None, state.status, state.created_at)

    def approve(
        self, approval: Approval, provenance: DecisionProvenance, windows: Windows, now: BusinessTime
    ) -> DecisionEvent:
        """An operator approves a request that is in manual review."""
        rule = require_rule(SystemTransition.APPROVE, self.state.status_at(now))
        changes = {name: getattr(provenance, name) for name in ("policy_version", "policy_hash", "rule_id")}
        state = replace(self.state, **changes, score_as_of=provenance.score_as_of, outcome=approval, windows=windows)
        return self._apply(rule, _with_terms(state, approval), now)

    def decline(self, outcome: Decline, now: BusinessTime) -> DecisionEvent:
        """An operator declines a request that is in manual review."""
        rule = require_rule(SystemTransition.DECLINE, self.state.status_at(now))
        return self._apply(rule, replace(self.state, outcome=outcome, valid_until=None), now)

    def cancel(self, now: BusinessTime) -> DecisionEvent:
        """The merchant calls it off before activation."""
        return self._apply(require_rule(Transition.CANCEL, self.state.status_at(now)), self.state, now)

    def activate(self, now: BusinessTime, handed_over_at: BusinessTime | None = None) -> DecisionEvent:
        """The person has the goods, the room or the money. Raises InvalidInput for a moment that has not come."""
        rule = require_rule(Transition.ACTIVATE, self.state.status_at(now))
        _require_past(handed_over_at, now, "handedOverAt")
        return self._apply(rule, replace(self.state, activated_at=handed_over_at or now), now)

    def extend(self, now: BusinessTime, due_at: BusinessTime) -> DecisionEvent:
        """Moves the due date later. The overdue flag is removed, and a dispute about it ends. Raises InvalidInput for
        a date that is not later, is past with its grace, or is too far off."""
        state = self.state
        rule = require_rule(Transition.EXTEND, state.status_at(now), state.blocked_transitions)
        if state.due_at is not None and due_at <= state.due_at:
            raise InvalidInput("INVALID_PERIOD", "The due date can only move later.", ("dueAt",))
        last = (state.agreed_due_at or now) + FURTHEST_EXTENSION
        if due_at > last:  # first: at the end of all dates no grace can be added
            raise InvalidInput(
                "INVALID_PERIOD", f"At most {FURTHEST_EXTENSION.days} days after the last date agreed.", ("dueAt",)
            )
        if due_at + state.grace <= now:
            raise InvalidInput("INVALID_PERIOD", "The new due date has passed already.", ("dueAt",))
        extended = replace(
            state,
            due_at=due_at,
            dispute_pause=timedelta(0),
            overdue_at=None,
            contested_at=None,
            dispute_rejected_at=None,
        )
        return self._apply(rule, extended, now)

    def settle(
        self, now: BusinessTime, amount: Money | None = None, settled_at: BusinessTime | None = None
    ) -> DecisionEvent:
        """Settles the whole of what is outstanding, or `amount` of it. A breach is cured as a whole. Raises
        InvalidInput."""
        state = self.state
        whole = require_rule(Transition.FULFILL, state.status_at(now))
        _require_past(settled_at, now, "settledAt")
        if amount is not None:
            _require_part(amount, state.outstanding, "settledAmount")
        if amount is None or amount == state.outstanding:
            return self._apply(whole, replace(state, settled=state.due, contested_at=None), now)
        if state.status is Status.BREACHED:
            raise InvalidInput(
                "INVALID_AMOUNT",
                f"A breach is made good as a whole: {state.outstanding} is outstanding.",
                ("settledAmount", "amount"),
            )
        part = require_rule(SystemTransition.SETTLE_PART, state.status_at(now))
        return self._apply(part, replace(state, settled=state.settled + amount), now)

    def report_breach(self, now: BusinessTime, kind: BreachKind, outstanding: Money | None = None) -> DecisionEvent:
        """The obligation was not met. `outstanding`, if it is less than what is due, says that the rest was settled.
        Raises InvalidInput for more: the person owes no more than the terms say."""
        state = self.state
        rule = require_rule(Transition.REPORT_BREACH, state.status_at(now), state.blocked_transitions)
        settled = state.settled
        if outstanding is not None:
            _require_part(outstanding, state.outstanding, "amountOutstanding")
            settled = state.due - outstanding
        breached = replace(state, settled=settled, breached_at=now, breach_kind=kind, dispute_rejected_at=None)
        return self._apply(rule, breached, now)

    def void_breach(self, now: BusinessTime) -> DecisionEvent:
        """A dispute about the breach was upheld: as if it had not been reported, and it cannot be reported again before
        the due date has passed. A decision that is past its due date does not become overdue by that."""
        state = self.state
        rule = require_rule(SystemTransition.VOID_BREACH, state.status_at(now))
        late = state.due_at is not None and now >= state.due_at + state.grace
        freed = late or state.written_off_at is not None
        lapsed_at = state.lapsed_at or (now if freed else None)
        cleared = replace(
            state, breached_at=None, breach_kind=None, lapsed_at=lapsed_at, voided_at=now, contested_at=None
        )
        return self._apply(rule, cleared, now)

    def void_overdue(self, now: BusinessTime) -> DecisionEvent:
        """A dispute about the overdue flag was upheld: it no longer counts."""
        rule = require_rule(SystemTransition.LAPSE, self.state.status_at(now))
        return self._apply(rule, replace(self.state, lapsed_at=now, contested_at=None), now)

    def open_dispute(self, now: BusinessTime) -> DecisionEvent:
        """The person contests what is held against them: it neither counts nor changes until the dispute ends."""
        self.state = replace(self.state, contested_at=now, updated_at=now)
        return self.note(Topic.DISPUTE_OPENED, now)

    def reject_dispute(self, now: BusinessTime) -> DecisionEvent:
        """The dispute was rejected or withdrawn: what was contested counts at once. The time that it took is added to
        the window after an overdue flag, as nothing could be reported meanwhile."""
        paused = now - (self.state.contested_at or now)
        pause = self.state.dispute_pause + timedelta(seconds=ceil(paused.total_seconds()))
        self.state = replace(
            self.state, contested_at=None, dispute_rejected_at=now, dispute_pause=pause, updated_at=now
        )
        return self.note(Topic.DISPUTE_RESOLVED, now)

    def note(self, topic: Topic, now: BusinessTime) -> DecisionEvent:
        """An event that leaves the status as it is."""
        return DecisionEvent(topic, self.state.status, self.state.status, now)

    def apply_due(self, now: BusinessTime) -> Iterator[DecisionEvent]:
        """Applies the system transitions that are due by `now`, one after the other, and yields the event of each."""
        while self.state.next_transition_at is not None and self.state.next_transition_at <= now:
            state = self.state
            if state.status_at(now) is Status.EXPIRED:
                rule = require_rule(SystemTransition.EXPIRE, state.status)
            elif state.status is Status.BREACHED:
                rule = require_rule(SystemTransition.WRITE_OFF, state.status)
                state = replace(state, written_off_at=now)
            elif state.overdue_at is None:
                rule = require_rule(SystemTransition.MARK_OVERDUE, state.status)
                state = replace(state, overdue_at=now)  # the window to report a breach begins with the notice
            else:
                rule = require_rule(SystemTransition.LAPSE, state.status)
                state = replace(state, lapsed_at=now)
            yield self._apply(rule, state, now)

    def _apply(self, rule: TransitionRule, state: DecisionState, now: BusinessTime) -> DecisionEvent:
        before = self.state.status
        self.state = replace(state, status=rule.target, updated_at=now)
        return DecisionEvent(rule.topic, before, rule.target, now, rule.name)


def state_by(state: DecisionState, now: BusinessTime) -> DecisionState:
    """The state once all transitions that are due by `now` have been applied, whether they have been saved or not."""
    decision = Decision(state)
    for _ in decision.apply_due(now):
        pass
    return decision.state


def _with_terms(state: DecisionState, approval: Approval) -> DecisionState:
    terms = approval.terms
    settled = Money.zero(terms.exposed.currency)
    moments: dict[str, Any] = {"valid_until": approval.valid_until, "due_at": terms.due_at}
    return replace(state, outcome=approval, due=terms.exposed, settled=settled, **moments)


def _require_past(moment: datetime | None, now: BusinessTime, field: str) -> None:
    if moment is not None and moment > now:
        raise InvalidInput("INVALID_PERIOD", "This moment has not come yet.", (field,))


def _require_part(amount: Money, outstanding: Money, field: str) -> None:
    """Raises InvalidInput unless the amount is above zero and at most what is outstanding."""
    if amount.currency != outstanding.currency:
        raise InvalidInput("UNSUPPORTED_CURRENCY", f"The terms are in {outstanding.currency}.", (field, "currency"))
    if not amount.minor or not amount <= outstanding:
        raise InvalidInput(
            "INVALID_AMOUNT", f"Above zero and at most {outstanding}, which is outstanding.", (field, "amount")
        )
