"""Whatever a merchant has done to a decision: each of its calls, sent once more, does nothing and is answered alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import OPEN, BreachKind, Status
from gateway.domain.errors import GatewayError
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    ExtendCommand,
    FulfillCommand,
)
from tests.services.asks import asking, car
from tests.services.promises import DAY, seen, yuan
from tests.support.demo_world import DemoWorld

pytestmark = pytest.mark.postgresql

STEPS = (
    *("activate", "extend", "part", "fulfill", "breach", "cancel", "dispute", "accept", "refuse", "uphold"),
    *("hours", "days", "clock"),
)
WAYS = (
    ("cancel",),
    ("activate", "extend", "part", "breach", "dispute", "accept", "fulfill"),
    ("activate", "breach", "dispute", "refuse", "uphold", "part"),
)
"""How each mutation comes to be taken at least once."""

steps = st.builds(
    lambda way, cut, rest: (*way[:cut], *rest),
    st.sampled_from(WAYS[1:]),
    st.integers(0, 7),
    st.lists(st.sampled_from(STEPS), max_size=5),
)
"""Some way, left at some point."""


@dataclass
class Life:
    """One decision, its merchant and its person. `calls` are those that did something, with the moment of each."""

    world: DemoWorld
    number: int
    calls: list[tuple[str, datetime, Callable[[], Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world, consent = self.world, self.world.grant()
        asked = asking(car(world.clock(), "30.00"), f"request-{self.number}", f"order-{self.number}")

        def request() -> RequestResult:
            return world.requester.request(world.acting(consent), asked)

        self.decision = request().decision
        assert self.decision.status is Status.APPROVED
        self.calls.append(("request", world.clock(), request))
        self.dispute = ""

    def take(self, step: str, at: int) -> None:
        """Takes a step, which may be refused; then nothing has changed."""
        if step in {"hours", "days"}:
            self.world.clock.advance(timedelta(hours=3) if step == "hours" else 2 * DAY)
            return  # the clock has not come by
        if step == "clock":
            self.world.scheduler.apply_due()
            self.world.disputes.uphold_unanswered()
            return
        call, before = self._call(step, f"{step}-{self.number}-{at}"), self.world.contents()
        try:
            call()
        except GatewayError:
            assert self.world.contents() == before, f"{step} was refused"
            return
        if step not in {"dispute", "uphold"}:
            self.calls.append((step, self.world.clock(), call))

    def replay(self) -> int:
        """Sends each call again that a key is still kept for: nothing changes, and the decision is the first's as it
        stands. Answers how many there were."""
        kept = [each for each in self.calls if self.world.clock() < each[1] + KEPT_FOR]
        before, now = self.world.contents(), seen(self.world, self.decision)
        for step, _, call in (*kept, *reversed(kept)):
            answer = call()
            assert self.world.contents() == before, f"{step} was done twice"
            if step == "request":
                assert answer.replayed
                answer = answer.decision
            if isinstance(answer, DecisionState):
                assert answer == now, step
            else:
                assert (answer.id, answer.decision_id) == (self.dispute, self.decision.id), step
        return len(kept)

    def end(self) -> None:
        """Leaves the person as free as before: an open breach would decline the next request."""
        status = seen(self.world, self.decision).status
        if status in OPEN:
            last = "cancel" if status is Status.APPROVED else "fulfill"
            self._call(last, f"end-{self.number}")()

    def _call(self, step: str, key: str) -> Callable[[], Any]:
        world, moves, by, identifier = (
            self.world,
            self.world.transitions,
            self.world.merchant_token,
            self.decision.id,
        )
        now, disputes = world.now, world.disputes
        reply = RespondCommand(self.dispute, key, step == "accept", "We looked.", ("https://cars.example/photo",))
        calls: dict[str, Callable[[], Any]] = {
            "activate": lambda: moves.activate(by(), ActivateCommand(identifier, key, now)),
            "extend": lambda: moves.extend(by(), ExtendCommand(identifier, key, now + 20 * DAY, "As agreed")),
            "part": lambda: moves.fulfill(by(), FulfillCommand(identifier, key, now, yuan("1.00"))),
            "fulfill": lambda: moves.fulfill(by(), FulfillCommand(identifier, key)),
            "breach": lambda: moves.report_breach(
                by(), BreachCommand(identifier, key, BreachKind.DAMAGED, yuan("5.00"))
            ),
            "cancel": lambda: moves.cancel(by(), CancelCommand(identifier, key, "Called off")),
            "dispute": self._contest,
            "uphold": lambda: disputes.resolve(self.dispute, uphold=True, resolution="Right."),
            **dict.fromkeys(("accept", "refuse"), lambda: disputes.respond(by(), reply)),
        }
        return calls[step]

    def _contest(self) -> None:
        self.dispute = self.world.disputes.open(self.world.user("excellent"), self.decision.id, "It came back.").id


def lived(world: DemoWorld, number: int, walked: Iterable[str]) -> Life:
    life = Life(world, number)
    for at, step in enumerate(walked):
        life.take(step, at)
    return life


def test_each_mutation_is_replayed_without_a_trace(world: DemoWorld) -> None:
    done = set()
    for number, way in enumerate(WAYS):
        life = lived(world, number, way)
        assert life.replay() == len(life.calls)
        done |= {step for step, *_ in life.calls}
        life.end()
    assert done == {"request", "activate", "extend", "part", "fulfill", "breach", "cancel", "accept", "refuse"}
    assert world.mismatches() == []


def test_a_replay_leaves_to_the_clock_what_is_due_meanwhile(world: DemoWorld) -> None:
    """The last date passes between a call and its replay, before a clock has come by."""
    life = lived(world, 0, ("days", "activate", "days", "hours", "part", *["hours"] * 7))
    assert life.replay() == 1, "the others' keys are not kept any more"
    assert (world.scheduler.apply_due(), world.mismatches()) == (1, [])


def test_whatever_was_done_before(world: DemoWorld) -> None:
    replayed: list[int] = []
    quiet = [HealthCheck.too_slow, HealthCheck.nested_given]

    @settings(max_examples=10, derandomize=True, database=None, suppress_health_check=quiet)
    @given(steps)
    def holds(walked: tuple[str, ...]) -> None:
        life = lived(world, 100 + len(replayed), walked)
        replayed.append(life.replay())
        life.end()

    holds()
    assert world.mismatches() == []
    assert sum(replayed) > 20, "there was more to replay than the requests"
