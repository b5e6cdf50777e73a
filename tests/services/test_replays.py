"""Replays: each call about a decision, sent again after any other steps, changes nothing and returns the same."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.domain.decisions.idempotency import KEPT_FOR
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import OPEN_STATUSES, BreachKind, Status
from gateway.domain.errors import GatewayError
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    ExtendCommand,
    FulfillCommand,
    ReduceCommand,
)
from tests.services.asks import car, request_command
from tests.services.decisions import DAY, load_decision, yuan
from tests.support.demo_world import DemoWorld

STEPS = (
    *("activate", "extend", "reduce", "return", "part", "fulfill", "breach", "cancel"),
    *("dispute", "accept", "refuse", "uphold"),
    *("hours", "days", "clock"),
)
SEQUENCES = (
    ("cancel",),
    ("activate", "extend", "reduce", "part", "breach", "dispute", "accept", "fulfill"),
    ("activate", "return"),
    ("activate", "breach", "dispute", "refuse", "uphold", "part"),
)
"""Sequences of steps that together call each mutation at least once."""

steps = st.builds(
    lambda sequence, cut, rest: (*sequence[:cut], *rest),
    st.sampled_from(SEQUENCES[1:]),
    st.integers(0, 8),
    st.lists(st.sampled_from(STEPS), max_size=5),
)
"""The beginning of one of the sequences, followed by random steps."""


@dataclass
class Scenario:
    """One decision with its merchant and person. `calls` are the calls that changed something, with their times."""

    world: DemoWorld
    number: int
    calls: list[tuple[str, datetime, Callable[[], Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        world, consent = self.world, self.world.grant()
        asked = request_command(car(world.clock(), "30.00"), f"request-{self.number}", f"order-{self.number}")

        def request() -> RequestResult:
            return world.requester.request(world.user_token(consent), asked)

        self.decision = request().decision
        assert self.decision.status is Status.APPROVED
        self.calls.append(("request", world.clock(), request))
        self.dispute = ""

    def take(self, step: str, at: int) -> None:
        """Takes a step. A step that is rejected must change nothing."""
        if step in {"hours", "days"}:
            self.world.clock.advance(timedelta(hours=3) if step == "hours" else 2 * DAY)
            return  # the scheduler does not run
        if step == "clock":
            self.world.scheduler.apply_due()
            self.world.disputes.uphold_unanswered()
            return
        call, before = self._call(step, f"{step}-{self.number}-{at}"), self.world.contents()
        try:
            call()
        except GatewayError:
            assert self.world.contents() == before, f"{step} was rejected"
            return
        if step not in {"dispute", "uphold"}:
            self.calls.append((step, self.world.clock(), call))

    def replay(self) -> int:
        """Sends each call again whose idempotency record has not expired. Fails unless nothing changes and each result
        is the current state. Returns the number of these calls."""
        kept = [each for each in self.calls if self.world.clock() < each[1] + KEPT_FOR]
        world = self.world
        world.source.measure(world.user("excellent"), world.now)  # a repeated request reads the score, which may be due
        before, now = world.contents(), load_decision(world, self.decision)
        for step, _, call in (*kept, *reversed(kept)):
            answer = call()
            assert self.world.contents() == before, f"{step} was applied twice"
            if step == "request":
                assert answer.replayed
                answer = answer.decision
            if isinstance(answer, DecisionState):
                assert answer == now, step
            else:
                assert (answer.id, answer.decision_id) == (self.dispute, self.decision.id), step
        return len(kept)

    def end(self) -> None:
        """Closes the decision, because an open breach would decline the person's next request."""
        status = load_decision(self.world, self.decision).status
        if status in OPEN_STATUSES:
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
            "reduce": lambda: moves.reduce(by(), ReduceCommand(identifier, key, yuan("20.00"), "A discount")),
            "return": lambda: moves.reduce(by(), ReduceCommand(identifier, key, yuan("0.00"), "It came back")),
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


def run_scenario(world: DemoWorld, number: int, taken: Iterable[str]) -> Scenario:
    scenario = Scenario(world, number)
    for at, step in enumerate(taken):
        scenario.take(step, at)
    return scenario


def test_replay_of_each_mutation_changes_nothing(world: DemoWorld) -> None:
    done = set()
    for number, sequence in enumerate(SEQUENCES):
        scenario = run_scenario(world, number, sequence)
        assert scenario.replay() == len(scenario.calls)
        done |= {step for step, *_ in scenario.calls}
        scenario.end()
    called = {"activate", "extend", "reduce", "return", "part", "fulfill", "breach", "cancel", "accept", "refuse"}
    assert done == {"request", *called}
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_replay_does_not_apply_due_transitions(world: DemoWorld) -> None:
    """The due date passes between a call and its replay, and no scheduler runs."""
    scenario = run_scenario(world, 0, ("days", "activate", "days", "hours", "part", *["hours"] * 7))
    assert scenario.replay() == 1, "the records of the other keys have expired"
    assert (world.scheduler.apply_due(), world.mismatches()) == (1, [])


@pytest.mark.postgresql
@pytest.mark.slow
def test_replay_after_random_steps_changes_nothing(world: DemoWorld) -> None:
    replayed: list[int] = []
    quiet = [HealthCheck.too_slow, HealthCheck.nested_given]

    @settings(max_examples=10, derandomize=True, database=None, suppress_health_check=quiet)
    @given(steps)
    def replay_changes_nothing(taken: tuple[str, ...]) -> None:
        scenario = run_scenario(world, 100 + len(replayed), taken)
        replayed.append(scenario.replay())
        scenario.end()

    replay_changes_nothing()
    assert world.mismatches() == []
    assert sum(replayed) > 20, "more than the requests was replayed"
