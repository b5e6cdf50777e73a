"""A decision under random actions of all actors at any time: the transition table and the amounts stay correct."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.domain.decisions.decision import Decision, DecisionEvent
from gateway.domain.decisions.dispute import Contested, require_contestable
from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import (
    OPEN_STATUSES,
    RULES,
    BreachKind,
    Status,
    SystemTransition,
    Transition,
)
from gateway.domain.errors import InvalidInput, StateConflict
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import APPROVAL, DAY, PROVENANCE, WINDOWS, approved, pending, yuan


class DecisionLifecycle(RuleBasedStateMachine):
    """Random actions of merchant, person, operator and scheduler. Each change is a row of the transition table, amounts
    add up, and no action is possible outside its window."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.decision = NOON, Decision(approved())
        self.ended = False
        self.subject: Contested | None = None
        self.flagged_at: datetime | None = None
        self.upheld_at: datetime | None = None
        self.pauses = timedelta(0)
        self.lapsed = False

    @initialize(begins=st.sampled_from((Status.PENDING, Status.APPROVED, Status.ACTIVE, Status.ACTIVE)))
    def begin(self, begins: Status) -> None:
        if begins is Status.PENDING:
            self.decision = Decision(pending(NOON + 3 * DAY))
        if begins is Status.ACTIVE:
            self.activate(0)

    @property
    def state(self) -> DecisionState:
        return self.decision.state

    def take(self, transition: Callable[..., DecisionEvent], *arguments: Any) -> bool:
        """Tries a transition and returns whether the decision allowed it. A refused one must change nothing."""
        before = self.state
        try:
            event = transition(self.decision, *arguments)
        except (StateConflict, InvalidInput):
            assert self.state is before
            return False
        self.check(before, event)
        return True

    def check(self, before: DecisionState, event: DecisionEvent) -> None:
        name = event.transition
        assert name is not None
        row = RULES[name]
        assert before.status_at(self.now) in row.sources or before.status in row.sources
        assert self.state.status is row.target
        assert (event.topic, event.before, event.after, event.at) == (row.topic, before.status, row.target, self.now)
        assert not self.ended or name is SystemTransition.VOID_LATE_SETTLEMENT, "an ended decision does not change"
        assert name not in before.blocked_transitions
        if name is not SystemTransition.APPROVE:
            assert (self.state.due < before.due) if name is Transition.REDUCE else (self.state.due == before.due)
            assert self.state.exposure <= before.exposure
        assert before.settled <= self.state.settled
        self.ended = self.state.status not in OPEN_STATUSES
        if name is SystemTransition.MARK_OVERDUE:
            self.flagged_at, self.pauses = self.now, timedelta(0)
        if not self.state.contested:
            self.subject = None

    @rule(hours=st.sampled_from((1, 25, 24 * 4, 24 * 9, 24 * 11, 24 * 110)), applied=st.integers(0, 3))
    def time_passes(self, hours: int, applied: int) -> None:
        self.now += timedelta(hours=hours)
        if applied:
            self.apply_due()

    def apply_due(self) -> None:
        before = self.state
        for event in self.decision.apply_due(self.now):
            if event.transition is SystemTransition.LAPSE:
                assert self.flagged_at is not None
                assert self.now >= self.flagged_at + WINDOWS.report + self.pauses, (
                    "a dispute does not shorten the report window"
                )
                self.lapsed = True
            self.check(before, event)
            before = self.state

    @precondition(lambda self: self.state.activated_at is None)
    @rule(yes=st.booleans())
    def review(self, yes: bool) -> None:
        if yes:
            self.take(Decision.approve, APPROVAL, PROVENANCE, WINDOWS, self.now)
        else:
            self.take(Decision.decline, Decline(("NOT_SCORED",)), self.now)

    @precondition(lambda self: self.state.status in {Status.PENDING, Status.APPROVED, Status.FULFILLED})
    @rule(ago=st.integers(-3, 3))
    def activate(self, ago: int) -> None:
        self.take(Decision.activate, self.now, self.now - ago * DAY)

    @rule(days=st.sampled_from((-10, 0, 8, 20, 366, 374, 400)))
    def extend(self, days: int) -> None:
        self.take(Decision.extend, self.now, self.now + days * DAY)

    @rule(minor=st.sampled_from((None, 0, 1, 500, 5_000, 5_001, 9_999, 30_000, 30_001)))
    def settle(self, minor: int | None) -> None:
        counted, contested = self.state.overdue, self.state.contested
        if self.take(Decision.settle, self.now, None if minor is None else yuan(minor)) and self.ended:
            is_late = counted and self.state.breached_at is None
            assert (self.state.late_counts_from is not None) == is_late, "only a flag that counted makes it late"
            assert not contested or self.state.breach_counts_from is None, "a settled dispute leaves no breach"

    @rule(minor=st.sampled_from((0, 1, 500, 5_000, 20_000, 29_999, 30_000)))
    def reduce(self, minor: int) -> None:
        counted = self.state.overdue
        if self.take(Decision.reduce, self.now, yuan(minor)):
            assert self.state.due == yuan(minor)
            assert self.state.overdue == counted, "a reduction does not change an overdue flag"
            if not self.state.outstanding.minor:
                assert self.take(Decision.settle, self.now), "nothing is left to settle"

    @rule(
        kind=st.sampled_from(BreachKind),
        minor=st.sampled_from((None, 0, 1, 30_000, 30_001)),
        notice_days=st.sampled_from((0, 7)),
    )
    def breach(self, kind: BreachKind, minor: int | None, notice_days: int) -> None:
        outstanding = None if minor is None else yuan(minor)
        counted = self.state.counts_against(self.now)
        possible_from = self.state.breach_possible_from(kind)
        if self.take(Decision.report_breach, self.now, kind, outstanding, notice_days * DAY):
            assert self.state.contest_ends_at == self.now + notice_days * DAY + WINDOWS.contest
            assert possible_from <= self.now, "no report before its kind is possible"
            assert not self.lapsed, "no report after the overdue flag has expired"
            assert not counted or self.state.counts_against(self.now), "a report does not remove an overdue flag"
            assert self.upheld_at is None or (self.flagged_at is not None and self.flagged_at >= self.upheld_at)

    @rule()
    def send_notice(self) -> None:
        before, was_counted = self.state, self.state.counts_as_breach(self.now)
        event = self.decision.note_notice(self.now)
        if event is None:
            assert self.state is before
            return
        assert (event.before, event.after) == (Status.BREACHED, Status.BREACHED)
        assert self.state.contest_ends_at == self.now + WINDOWS.contest
        assert before.contest_ends_at is not None
        assert before.contest_ends_at > self.now + WINDOWS.contest, "a notice never makes the window longer"
        assert self.state.counts_as_breach(self.now) == was_counted, "and never lets a breach count at once"

    @precondition(lambda self: self.state.status in {Status.PENDING, Status.APPROVED, Status.FULFILLED})
    @rule()
    def cancel(self) -> None:
        self.take(Decision.cancel, self.now)

    @rule()
    def contest(self) -> None:
        try:
            self.subject = require_contestable(self.state, self.now)
        except InvalidInput:
            return
        self.decision.open_dispute(self.now)

    @precondition(lambda self: self.state.contested)
    @rule()
    def uphold(self) -> None:
        void = Decision.void_breach if self.subject is Contested.BREACH else Decision.void_overdue
        assert self.take(void, self.now), "each open dispute can be upheld"
        self.upheld_at = self.now

    @precondition(lambda self: self.state.contested)
    @rule()
    def reject_or_withdraw(self) -> None:
        self.pauses += self.now - (self.state.contested_at or self.now)
        self.decision.reject_dispute(self.now)
        self.subject = None
        if self.state.status is Status.FULFILLED:
            assert self.state.late_counts_from == self.now, "a late settlement counts at once"
            return
        is_early = self.state.breach_kind is BreachKind.OTHER and self.now < (self.state.due_at or self.now)
        assert self.state.counts_against(self.now) != (is_early and not self.state.overdue)

    @invariant()
    def amounts_add_up(self) -> None:
        state = self.state
        assert state.settled + state.outstanding == state.due
        assert state.late_counts_from is None or not state.counts_against(self.now)
        assert 0 <= state.exposure.minor <= state.outstanding.minor
        assert state.exposure <= state.committed
        if state.status not in OPEN_STATUSES:
            assert (state.exposure, state.committed, state.next_transition_at) == (yuan(0), yuan(0), None)

    @invariant()
    def exposure_has_a_next_transition(self) -> None:
        state = self.state
        if state.status in OPEN_STATUSES and state.exposure.minor and not state.contested:
            assert state.next_transition_at is not None, "no exposure lasts for ever"
            assert state.next_transition_at <= self.now + 800 * DAY

    @invariant()
    def shown_settlement_is_right(self) -> None:
        state, now = self.state, self.now
        settlement = state.as_of(now).settlement
        if settlement is not None and settlement.overdue:
            assert state.counts_against(now), "an overdue settlement counts"
        if state.contested:
            assert not state.counts_against(now)
        assert set(state.blocked_transitions) & set(state.available_transitions) == set()


TestDecisionLifecycle = DecisionLifecycle.TestCase
TestDecisionLifecycle.settings = settings(max_examples=300, stateful_step_count=40)
