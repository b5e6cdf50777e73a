"""The life of a promise, lived at random: whatever anybody tries whenever, the table and the money hold."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.domain import standing as life
from gateway.domain.decision import OPEN, BreachKind, Status, Step
from gateway.domain.errors import InvalidInput, StateConflict
from gateway.domain.standing import Standing
from tests.support.clock import NOON
from tests.support.standing import DAY, approved, yuan


class LifeOfAPromise(RuleBasedStateMachine):
    """Anything that anybody may try, at any time: the table is never left, no money appears or is lost."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.standing = NOON, approved()
        self.ended = False

    def take(self, attempt: Any) -> None:
        before = self.standing
        try:
            self.standing, step = attempt()
        except (StateConflict, InvalidInput):
            return
        self.check(before, step)

    def check(self, before: Standing, step: Step) -> None:
        assert before.at(self.now) in step.sources or before.status in step.sources
        assert self.standing.status is step.target
        assert self.standing.due == before.due
        assert before.settled <= self.standing.settled
        assert self.standing.held <= before.held
        assert not self.ended, "what has ended stays so"
        self.ended = self.standing.status not in OPEN

    @rule(hours=st.integers(0, 24 * 40))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def the_clock_looks(self) -> None:
        for moved, step in life.woken(self.standing, self.now):
            before, self.standing = self.standing, moved
            self.check(before, step)

    @rule(ago=st.integers(-3, 3))
    def activate(self, ago: int) -> None:
        self.take(lambda: life.activated(self.standing, self.now, self.now - ago * DAY))

    @rule(days=st.integers(-10, 400))
    def extend(self, days: int) -> None:
        self.take(lambda: life.extended(self.standing, self.now, self.now + days * DAY))

    @rule(minor=st.one_of(st.none(), st.integers(0, 31_000)))
    def settle(self, minor: int | None) -> None:
        self.take(lambda: life.settled(self.standing, self.now, None if minor is None else yuan(minor)))

    @rule(kind=st.sampled_from(BreachKind), minor=st.one_of(st.none(), st.integers(0, 31_000)))
    def breach(self, kind: BreachKind, minor: int | None) -> None:
        left = None if minor is None else yuan(minor)
        self.take(lambda: life.breached(self.standing, self.now, kind, left))

    @rule()
    def cancel(self) -> None:
        self.take(lambda: life.cancelled(self.standing, self.now))

    @precondition(lambda self: self.standing.status is Status.BREACHED)
    @rule()
    def void(self) -> None:
        self.take(lambda: life.breach_voided(self.standing, self.now))

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
        if standing.status in OPEN and standing.held.minor:
            assert standing.wakes_at is not None, "every approval ends"


TestLifeOfAPromise = LifeOfAPromise.TestCase
