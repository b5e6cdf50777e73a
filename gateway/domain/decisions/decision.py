"""A decision inside a unit of work. Each transition is a method that changes the state and returns its event."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.domain.decisions import claim as claims
from gateway.domain.decisions.amounts import require_part, require_reduction
from gateway.domain.decisions.changes import paused_until, require_between, with_terms, without_void
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.provenance import DecisionProvenance
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import (
    BreachKind,
    ClaimKind,
    Status,
    SystemTransition,
    Transition,
    TransitionRule,
    require_rule,
)
from gateway.domain.errors import InvalidInput, TooEarly
from gateway.domain.events import InternalTopic, Topic
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime

FURTHEST_EXTENSION = timedelta(days=366)
"""How far after the due date of the terms a due date may be moved, by all extensions together."""

_REQUESTED = {
    Status.PENDING: Topic.DECISION_PENDING,
    Status.APPROVED: Topic.DECISION_APPROVED,
    Status.DECLINED: Topic.DECISION_DECLINED,
}


@dataclass(frozen=True, slots=True)
class DecisionEvent:
    """One event of a decision. `before` is None for the first event. `transition` is None for events outside the
    transition table: the request, and the steps of a dispute."""

    topic: Topic | InternalTopic
    before: Status | None
    after: Status
    at: BusinessTime
    transition: Transition | SystemTransition | None = None


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """The state of a decision in the database, and the digest of its row."""

    state: DecisionState
    digest: str


class Decision:
    """A decision that a unit of work has locked, or a new one. `stored` is its version in the database, or None for a
    new decision; the repository needs it to save the changed columns and the previous digest. Methods raise
    StateConflict if the transition table or the history of the decision does not allow the transition."""

    def __init__(self, state: DecisionState, stored: StoredDecision | None = None) -> None:
        self.state, self.stored = state, stored

    @classmethod
    def request(
        cls, state: DecisionState, approval: Approval | None, last_date: BusinessTime | None
    ) -> "tuple[Decision, DecisionEvent]":
        """Returns a new decision and its event. `state` has its final status. `last_date` is when a manual review
        expires."""
        state = replace(state, valid_until=last_date) if approval is None else with_terms(state, approval)
        return cls(state), DecisionEvent(_REQUESTED[state.status], None, state.status, state.created_at)

    def approve(
        self, approval: Approval, provenance: DecisionProvenance, windows: Windows, now: BusinessTime
    ) -> DecisionEvent:
        """An operator approves a request that is in manual review."""
        rule = require_rule(SystemTransition.APPROVE, self.state.status_at(now))
        changes = {name: getattr(provenance, name) for name in ("policy_version", "policy_hash", "rule_id")}
        state = replace(self.state, **changes, score_as_of=provenance.score_as_of, outcome=approval, windows=windows)
        return self._apply(rule, with_terms(state, approval), now)

    def decline(self, outcome: Decline, now: BusinessTime) -> DecisionEvent:
        """An operator declines a request that is in manual review."""
        rule = require_rule(SystemTransition.DECLINE, self.state.status_at(now))
        return self._apply(rule, replace(self.state, outcome=outcome, valid_until=None), now)

    def cancel(self, now: BusinessTime) -> DecisionEvent:
        """The merchant cancels the request or the approval before activation."""
        return self._apply(require_rule(Transition.CANCEL, self.state.status_at(now)), self.state, now)

    def activate(self, now: BusinessTime, handed_over_at: BusinessTime | None = None) -> DecisionEvent:
        """The merchant has handed over the goods, the room or the money. Raises InvalidInput for a time before the
        approval or in the future."""
        rule = require_rule(Transition.ACTIVATE, self.state.status_at(now))
        approved_at = self.state.updated_at  # nothing changes an approval before its activation
        at = require_between(handed_over_at or now, approved_at, now, "handedOverAt", "the approval")
        return self._apply(rule, replace(self.state, activated_at=at), now)

    def extend(self, now: BusinessTime, due_at: BusinessTime) -> DecisionEvent:
        """Moves the due date later. This removes the overdue flag and a claim, and ends a dispute about the flag.
        Raises InvalidInput if the date is not later, has passed including grace, or is too late."""
        state = self.state
        rule = require_rule(Transition.EXTEND, state.status_at(now), state.blocked_transitions)
        if state.due_at is not None and due_at <= state.due_at:
            raise InvalidInput("INVALID_PERIOD", "The due date can only move later.", ("dueAt",))
        last = (state.agreed_due_at or now) + FURTHEST_EXTENSION
        if due_at > last:  # checked first: adding grace to the largest datetime would overflow
            raise InvalidInput(
                "INVALID_PERIOD",
                f"The due date can be at most {FURTHEST_EXTENSION.days} days after the one in the terms.",
                ("dueAt",),
            )
        if due_at + state.grace <= now:
            raise InvalidInput("INVALID_PERIOD", "The new due date has already passed.", ("dueAt",))
        extended = replace(
            claims.without_claim(state),
            due_at=due_at,
            dispute_pause=timedelta(0),
            overdue_at=None,
            contested_at=None,
            dispute_rejected_at=None,
        )
        return self._apply(rule, extended, now)

    def reduce(self, now: BusinessTime, amount: Money) -> DecisionEvent:
        """Lowers the amount due to `amount`, after a return, a partial refund or a discount. What is settled stays
        settled; the terms and an overdue flag stay as they are. Raises InvalidInput for an invalid amount."""
        state = self.state
        rule = require_rule(Transition.REDUCE, state.status_at(now), state.blocked_transitions)
        require_reduction(amount, state.due, state.settled, "newAmount")
        return self._apply(rule, replace(state, due=amount), now)

    def settle(
        self, now: BusinessTime, amount: Money | None = None, settled_at: BusinessTime | None = None
    ) -> DecisionEvent:
        """Settles the outstanding amount, or `amount` of it. A breach can only be settled in full. Raises InvalidInput
        for an invalid amount, and for a time before the activation or in the future. A full settlement ends the dispute
        about a contested flag or breach, which is then void, and a flag that was set after `settled_at`. That of a part
        contradicts a claim."""
        state = self.state
        whole = require_rule(Transition.FULFILL, state.status_at(now))
        if settled_at is not None:
            require_between(settled_at, state.activated_at or state.created_at, now, "settledAt", "the activation")
        if amount is not None:
            require_part(amount, state.outstanding, "settledAmount")
        if amount is None or amount == state.outstanding:
            return self._apply(whole, replace(without_void(state, settled_at, now), settled=state.due), now)
        if state.status is Status.BREACHED:
            raise InvalidInput(
                "INVALID_AMOUNT",
                f"A breach must be settled in full: {state.outstanding} is outstanding.",
                ("settledAmount", "amount"),
            )
        part = require_rule(SystemTransition.SETTLE_PART, state.status_at(now))
        return self._apply(part, replace(claims.contradict_claim(state, now), settled=state.settled + amount), now)

    def report_breach(
        self,
        now: BusinessTime,
        kind: BreachKind,
        outstanding: Money | None = None,
        notice_time: timedelta = timedelta(0),
    ) -> DecisionEvent:
        """The merchant reports that the obligation was not met. If `outstanding` is less than the outstanding amount,
        the rest counts as settled. The dispute window starts after `notice_time` at the latest. Raises TooEarly if a
        breach of this kind is not possible yet, and InvalidInput if `outstanding` is more, since the person owes no
        more than the terms say."""
        state = self.state
        rule = require_rule(Transition.REPORT_BREACH, state.status_at(now), state.blocked_transitions)
        possible_from = state.breach_possible_from(kind)
        if now < possible_from:
            raise TooEarly(f"A breach of the kind {kind} cannot be reported yet.", possible_from, ("kind",))
        settled = state.settled
        if outstanding is not None:
            require_part(outstanding, state.outstanding, "amountOutstanding")
            settled = state.due - outstanding
        breached = replace(
            state,
            settled=settled,
            breached_at=now,
            breach_kind=kind,
            contest_starts_at=BusinessTime(now + notice_time) if notice_time else None,
            dispute_rejected_at=None,
        )
        return self._apply(rule, breached, now)

    def note_notice(self, now: BusinessTime) -> DecisionEvent | None:
        """The notice about the breach was sent: its dispute window starts now. Returns None and changes nothing if it
        has started, or the breach is contested, cured or void."""
        starts_at = self.state.contest_starts_at
        if self.state.status is not Status.BREACHED or self.state.contested or starts_at is None or now >= starts_at:
            return None
        rule = require_rule(SystemTransition.NOTICE_SENT, self.state.status)
        return self._apply(rule, replace(self.state, contest_starts_at=now), now)

    def void_breach(self, now: BusinessTime) -> DecisionEvent:
        """Removes the breach after a dispute about it was upheld. It cannot be reported again before the due date has
        passed. A decision that is past its due date does not become overdue."""
        state = self.state
        rule = require_rule(SystemTransition.VOID_BREACH, state.status_at(now))
        is_late = state.due_at is not None and now >= state.due_at + state.grace
        is_freed = is_late or state.written_off_at is not None
        lapsed_at = state.lapsed_at or (now if is_freed else None)
        cleared = replace(
            state,
            breached_at=None,
            breach_kind=None,
            contest_starts_at=None,
            lapsed_at=lapsed_at,
            voided_at=now,
            contested_at=None,
        )
        return self._apply(rule, cleared, now)

    def void_overdue(self, now: BusinessTime) -> DecisionEvent:
        """Ends the overdue flag, also that of a late settlement, after a dispute about it was upheld."""
        is_settled = self.state.status is Status.FULFILLED
        name = SystemTransition.VOID_LATE_SETTLEMENT if is_settled else SystemTransition.LAPSE
        rule = require_rule(name, self.state.status_at(now))
        pause = paused_until(self.state, now)
        return self._apply(rule, replace(self.state, lapsed_at=now, contested_at=None, dispute_pause=pause), now)

    def open_dispute(self, now: BusinessTime) -> DecisionEvent:
        """The person contests the overdue flag or the breach. It does not count and does not change until the dispute
        ends."""
        self.state = replace(self.state, contested_at=now, updated_at=now)
        return self.note(Topic.DISPUTE_OPENED, now)

    def reject_dispute(self, now: BusinessTime) -> DecisionEvent:
        """The dispute was rejected or withdrawn: the contested flag or breach counts at once. The duration of the
        dispute extends the window for reporting a breach, because no breach could be reported during the dispute. That
        the flag counts contradicts a claim."""
        state, pause = self.state, paused_until(self.state, now)
        state = claims.contradict_claim(state, now) if state.status is Status.ACTIVE else state
        self.state = replace(state, contested_at=None, dispute_rejected_at=now, dispute_pause=pause, updated_at=now)
        return self.note(Topic.DISPUTE_RESOLVED, now)

    def claim(self, now: BusinessTime, kind: ClaimKind) -> DecisionEvent:
        """The person says that the obligation was met. Changes neither status nor amounts. Raises InvalidInput if that
        cannot be claimed, or not any more."""
        claims.require_claimable(self.state, kind)
        self.state = replace(claims.with_claim(self.state, now, kind), updated_at=now)
        return self.note(Topic.DECISION_CLAIMED, now)

    def withdraw_claim(self, now: BusinessTime) -> DecisionEvent:
        """The person withdraws the claim, for good. Raises InvalidInput if it is not open."""
        if not self.state.claim_is_open:
            raise InvalidInput("INVALID", "There is no open claim about this decision.")
        self.state = replace(self.state, claim_withdrawn_at=now, updated_at=now)
        return self.note(Topic.DECISION_CLAIM_WITHDRAWN, now)

    def note_claim_delivery(self, now: BusinessTime, delivered_at: BusinessTime) -> DecisionEvent | None:
        """The message about the claim was delivered to the merchant at `delivered_at`, which is not after `now`. The
        time to contradict the claim does not begin before its first delivery. Returns None and changes nothing if a
        delivery was noted before, or the claim has ended."""
        state = claims.with_delivery(self.state, delivered_at)
        if state is None:
            return None
        self.state = replace(state, updated_at=now)
        return self.note(Topic.DECISION_CLAIM_DELIVERED, now)

    def note(self, topic: Topic, now: BusinessTime) -> DecisionEvent:
        """Returns an event that does not change the status."""
        return DecisionEvent(topic, self.state.status, self.state.status, now)

    def apply_due(self, now: BusinessTime) -> Iterator[DecisionEvent]:
        """Applies the system transitions that are due at `now` in order, and yields the event of each."""
        while self.state.next_transition_at is not None and self.state.next_transition_at <= now:
            state = self.state
            if state.status_at(now) is Status.EXPIRED:
                rule = require_rule(SystemTransition.EXPIRE, state.status)
            elif state.status is Status.BREACHED:
                rule = require_rule(SystemTransition.WRITE_OFF, state.status)
                state = replace(state, written_off_at=now)
            elif state.claim_ends_at == state.next_transition_at:
                rule = require_rule(SystemTransition.ACCEPT_CLAIM, state.status)
                state = replace(state, claim_accepted_at=now)
            elif state.overdue_at is None:
                rule = require_rule(SystemTransition.MARK_OVERDUE, state.status)
                state = replace(state, overdue_at=now)  # the window to report a breach begins when the flag is set
            else:
                rule = require_rule(SystemTransition.LAPSE, state.status)
                state = replace(state, lapsed_at=now)
            yield self._apply(rule, state, now)

    def _apply(self, rule: TransitionRule, state: DecisionState, now: BusinessTime) -> DecisionEvent:
        before = self.state.status
        self.state = replace(state, status=rule.target, updated_at=now)
        return DecisionEvent(rule.topic, before, rule.target, now, rule.name)


def state_by(state: DecisionState, now: BusinessTime) -> DecisionState:
    """Returns the state after all system transitions that are due at `now`. Nothing is saved."""
    decision = Decision(state)
    for _ in decision.apply_due(now):
        pass
    return decision.state
