"""The life of a promise, lived at random: whatever anybody tries whenever, the table and the money hold."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.domain import life
from gateway.domain.decision import OPEN, BreachKind, Happening, Status, Step, available
from gateway.domain.dispute import Contested, contestable
from gateway.domain.errors import InvalidInput, StateConflict
from gateway.domain.standing import Standing
from tests.support.clock import NOON
from tests.support.standing import APPROVAL, DAY, WINDOWS, approved, yuan


class LifeOfAPromise(RuleBasedStateMachine):
    """Anything that merchant, person, operator and clock may try, at any time: the table is never left, no money
    appears or is lost, and nobody has a word that the windows do not give."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.standing = NOON, approved()
        self.ended = False
        self.about: Contested | None = None
        self.marked_at: datetime | None = None
        self.judged_at: datetime | None = None
        self.pauses = timedelta(0)
        self.lapsed = False

    @initialize(begins=st.sampled_from((Status.PENDING, Status.APPROVED, Status.ACTIVE, Status.ACTIVE)))
    def begin(self, begins: Status) -> None:
        if begins is Status.PENDING:
            self.standing = life.new(yuan(40_000), Status.PENDING, None, NOON + 3 * DAY, WINDOWS)
        if begins is Status.ACTIVE:
            self.activate(0)

    def take(self, attempt: Any) -> bool:
        before = self.standing
        try:
            self.standing, step = attempt()
        except (StateConflict, InvalidInput):
            assert self.standing is before
            return False
        self.check(before, step)
        return True

    def check(self, before: Standing, step: Step) -> None:
        assert before.at(self.now) in step.sources or before.status in step.sources
        assert self.standing.status is step.target
        assert not self.ended, "what has ended stays so"
        assert step.name not in before.barred
        if step.name is not Happening.APPROVE:
            assert self.standing.due == before.due
            assert self.standing.held <= before.held
        assert before.settled <= self.standing.settled
        self.ended = self.standing.status not in OPEN
        if step.name is Happening.MARK_OVERDUE:
            self.marked_at, self.pauses = self.now, timedelta(0)
        if not self.standing.contested:
            self.about = None

    @rule(hours=st.sampled_from((1, 25, 24 * 4, 24 * 9, 24 * 11, 24 * 110)), looks=st.integers(0, 3))
    def time_passes(self, hours: int, looks: int) -> None:
        self.now += timedelta(hours=hours)
        if looks:
            self.the_clock_looks()

    def the_clock_looks(self) -> None:
        for moved, step in life.woken(self.standing, self.now):
            before, self.standing = self.standing, moved
            if step.name is Happening.LAPSE:
                assert self.marked_at is not None
                assert self.now >= self.marked_at + WINDOWS.report + self.pauses, (
                    "contesting costs no merchant its time"
                )
                self.lapsed = True
            self.check(before, step)

    @precondition(lambda self: self.standing.activated_at is None)
    @rule(yes=st.booleans())
    def the_operator_decides(self, yes: bool) -> None:
        if yes:
            self.take(lambda: life.approved(self.standing, APPROVAL, WINDOWS, self.now))
        else:
            self.take(lambda: life.declined(self.standing, self.now))

    @precondition(lambda self: self.standing.status in {Status.PENDING, Status.APPROVED, Status.FULFILLED})
    @rule(ago=st.integers(-3, 3))
    def activate(self, ago: int) -> None:
        self.take(lambda: life.activated(self.standing, self.now, self.now - ago * DAY))

    @rule(days=st.sampled_from((-10, 0, 8, 20, 366, 374, 400)))
    def extend(self, days: int) -> None:
        self.take(lambda: life.extended(self.standing, self.now, self.now + days * DAY))

    @rule(minor=st.sampled_from((None, 0, 1, 500, 5_000, 5_001, 9_999, 30_000, 30_001)))
    def settle(self, minor: int | None) -> None:
        self.take(lambda: life.settled(self.standing, self.now, None if minor is None else yuan(minor)))

    @rule(kind=st.sampled_from(BreachKind), minor=st.sampled_from((None, 0, 1, 30_000, 30_001)))
    def breach(self, kind: BreachKind, minor: int | None) -> None:
        left = None if minor is None else yuan(minor)
        counted = self.standing.counts_against(self.now)
        if self.take(lambda: life.breached(self.standing, self.now, kind, left)):
            assert not self.lapsed, "who let the time go by has no word left"
            assert not counted or self.standing.counts_against(self.now), "a report lifts nothing"
            assert self.judged_at is None or (self.marked_at is not None and self.marked_at >= self.judged_at)

    @precondition(lambda self: self.standing.status in {Status.PENDING, Status.APPROVED, Status.FULFILLED})
    @rule()
    def cancel(self) -> None:
        self.take(lambda: life.cancelled(self.standing, self.now))

    @rule()
    def contest(self) -> None:
        try:
            self.about = contestable(self.standing, self.now)
        except InvalidInput:
            return
        self.standing = life.contested(self.standing, self.now)

    @precondition(lambda self: self.standing.contested)
    @rule()
    def uphold(self) -> None:
        void = life.breach_voided if self.about is Contested.BREACH else life.overdue_voided
        assert self.take(lambda: void(self.standing, self.now)), "what is contested can be upheld"
        self.judged_at = self.now

    @precondition(lambda self: self.standing.contested)
    @rule()
    def reject_or_withdraw(self) -> None:
        self.pauses += self.now - (self.standing.contested_at or self.now)
        self.standing, self.about = life.uncontested(self.standing, self.now), None
        assert self.standing.counts_against(self.now)

    @invariant()
    def money_is_conserved(self) -> None:
        standing = self.standing
        assert standing.settled + standing.outstanding == standing.due
        assert 0 <= standing.held.minor <= standing.outstanding.minor
        assert standing.held <= standing.committed
        if standing.status not in OPEN:
            assert (standing.held, standing.committed, standing.wakes_at) == (yuan(0), yuan(0), None)

    @invariant()
    def what_is_open_is_looked_at_again_or_freed(self) -> None:
        standing = self.standing
        if standing.status in OPEN and standing.held.minor and not standing.contested:
            assert standing.wakes_at is not None, "nothing is held for ever"
            assert standing.wakes_at <= self.now + 800 * DAY

    @invariant()
    def what_is_told_is_so(self) -> None:
        standing, now = self.standing, self.now
        settlement = standing.settlement(now)
        if settlement is not None and settlement.overdue:
            assert standing.counts_against(now), "what reads as overdue counts"
        if standing.contested:
            assert not standing.counts_against(now)
        assert set(standing.barred) & set(available(standing.status, standing.barred)) == set()


TestLifeOfAPromise = LifeOfAPromise.TestCase
TestLifeOfAPromise.settings = settings(max_examples=300, stateful_step_count=40)
