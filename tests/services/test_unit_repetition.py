"""Units of work can be repeated: a unit that is rolled back and run again has the same effect as a single run."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from gateway.domain.decisions.dispute import Dispute
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.errors import GatewayError, StateConflict
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
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork
from merchants.online_shop.adapter import OnlineShop
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, request_command, waiver
from tests.services.decisions import DAY, yuan
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld, ReferringCars

T = TypeVar("T")


class RolledBack(Exception):
    """Rolls back the first run of a unit."""


class RepeatingDatabase(Database):
    """Runs each writing unit twice, in two transactions, and rolls back the first. `repeated` counts the units whose
    first run returned."""

    repeated = 0

    def write(self, work: Callable[[UnitOfWork], T]) -> T:
        def run_and_roll_back(unit: UnitOfWork) -> None:
            work(unit)
            raise RolledBack

        try:
            super().write(run_and_roll_back)
        except RolledBack:
            type(self).repeated += 1
        except GatewayError:
            pass  # the second run raises it too
        return super().write(work)


@pytest.fixture
def single(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    """A deployment that runs each unit once."""
    with demo_database.open(clock, adapters=(ReferringCars, OnlineShop)) as world:
        yield world


@pytest.fixture
def repeating(single: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> DemoWorld:
    """The same deployment, which runs each writing unit twice."""
    monkeypatch.setattr("gateway.bootstrap.Database", RepeatingDatabase)
    return single.variant(adapters=(ReferringCars, OnlineShop))


class Person:
    """The calls of a person and a car rental about one decision."""

    def __init__(self, world: DemoWorld, handle: str, *, client: str | None = None, partner: str = "demo") -> None:
        self.world = world
        self.merchant, self.user = world.merchant_token(client), world.user(handle, partner)
        self.consent = world.grant(handle, waiver("9000.00"), client=client, partner=partner)
        self.decision = ""

    def written(self) -> Any:
        """The timeline of the decision, and the number of its log entries, messages and idempotency records."""
        listed = self.world.query(self.merchant, lambda query: self.world.decisions.list_events(query, self.decision))
        counts = (
            "SELECT count(*) FROM decision_log WHERE decision_id = :id",
            "SELECT count(*) FROM outbox WHERE aggregate_id = :id",
            "SELECT count(*) FROM idempotency_records WHERE decision_id = :id",
        )
        return (
            [(each.topic, each.before, each.after, each.actor, each.note, each.occurred_at) for each in listed],
            [self.world.rows(count, id=self.decision)[0][0] for count in counts],
        )

    def request(self) -> RequestResult:
        command = request_command(car(self.world.clock()), "request", "order")
        requested = self.world.request(self.consent, command)
        self.decision = requested.decision.id
        return requested

    def activate(self) -> DecisionState:
        return self.world.transitions.activate(self.merchant, ActivateCommand(self.decision, "activate"))

    def extend(self) -> DecisionState:
        due_at: Any = self.world.clock() + 20 * DAY
        command = ExtendCommand(self.decision, "extend", due_at, "As agreed")
        return self.world.transitions.extend(self.merchant, command)

    def reduce(self) -> DecisionState:
        command = ReduceCommand(self.decision, "reduce", yuan("100.00"), "A discount")
        return self.world.transitions.reduce(self.merchant, command)

    def take_back(self) -> DecisionState:
        command = ReduceCommand(self.decision, "take back", yuan("0.00"), "It came back")
        return self.world.transitions.reduce(self.merchant, command)

    def settle_part(self) -> DecisionState:
        command = FulfillCommand(self.decision, "part", None, yuan("1.00"))
        return self.world.transitions.fulfill(self.merchant, command)

    def fulfill(self) -> DecisionState:
        return self.world.transitions.fulfill(self.merchant, FulfillCommand(self.decision, "fulfill"))

    def report_breach(self) -> DecisionState:
        command = BreachCommand(self.decision, "breach", BreachKind.DAMAGED)
        return self.world.transitions.report_breach(self.merchant, command)

    def cancel(self) -> DecisionState:
        command = CancelCommand(self.decision, "cancel", "Changed plans")
        return self.world.transitions.cancel(self.merchant, command)

    def open_dispute(self) -> Dispute:
        return self.world.disputes.open(self.user, self.decision, "I brought it back.")

    def dispute_id(self) -> str:
        ((dispute_id,),) = self.world.rows("SELECT id FROM disputes WHERE user_id = :user", user=self.user)
        return str(dispute_id)

    def withdraw(self) -> Dispute:
        return self.world.disputes.withdraw(self.user, self.dispute_id())

    def accept(self) -> Dispute:
        return self._respond(accept=True)

    def refuse(self) -> Dispute:
        return self._respond(accept=False)

    def uphold(self) -> Dispute:
        return self.world.disputes.resolve(self.dispute_id(), uphold=True, resolution="Right.")

    def reject(self) -> Dispute:
        return self.world.disputes.resolve(self.dispute_id(), uphold=False, resolution="Wrong.")

    def uphold_unanswered(self) -> int:
        return self.world.disputes.uphold_unanswered()

    def approve(self) -> DecisionState:
        return self.world.reviews.approve(self.decision)

    def decline(self) -> DecisionState:
        return self.world.reviews.decline(self.decision)

    def apply_due(self) -> int:
        return self.world.scheduler.apply_to([self.decision])

    def fail(self) -> StateConflict:
        """A transition that the decision does not allow."""
        with pytest.raises(StateConflict) as refused:
            self.world.transitions.activate(self.merchant, ActivateCommand(self.decision, "activate again"))
        return refused.value

    def _respond(self, *, accept: bool) -> Dispute:
        command = RespondCommand(self.dispute_id(), "respond", accept, "We looked.")
        return self.world.disputes.respond(self.merchant, command)


def view(result: Any) -> Any:
    """A result without the values that differ between decisions."""
    match result:
        case RequestResult(decision, replayed):
            return replayed, view(decision)
        case DecisionState():
            return result.status, result.outcome, result.settlement, result.available_transitions, result.updated_at
        case Dispute():
            return result.status, result.subject, result.statement, result.response, result.resolution, result.opened_at
        case StateConflict():
            return result.code, result.message, result.status, result.transitions
        case _:
            return result


Step = Callable[[Person], Any] | timedelta
CASES: dict[str, tuple[Step, ...]] = {
    "settled": (Person.activate, Person.extend, Person.settle_part, Person.fulfill, Person.fail),
    "returned": (Person.activate, Person.reduce, Person.take_back, Person.fail),
    "cancelled": (Person.cancel, Person.cancel, Person.fail),
    "expired": (4 * DAY, Person.apply_due, Person.fail),
    "flag-expires": (Person.activate, 5 * DAY, Person.apply_due, 15 * DAY, Person.apply_due, Person.fulfill),
    "transition-due-at-a-call": (Person.activate, 5 * DAY, Person.report_breach),
    "written-off": (Person.activate, Person.report_breach, 366 * DAY, Person.apply_due),
    "dispute-accepted": (Person.activate, Person.report_breach, Person.open_dispute, Person.accept),
    "dispute-upheld": (Person.activate, Person.report_breach, Person.open_dispute, Person.refuse, Person.uphold),
    "dispute-rejected": (Person.activate, Person.report_breach, Person.open_dispute, Person.refuse, Person.reject),
    "dispute-withdrawn": (Person.activate, Person.report_breach, Person.open_dispute, Person.withdraw),
    "dispute-unanswered": (
        *(Person.activate, Person.report_breach, Person.open_dispute),
        *(8 * DAY, Person.uphold_unanswered),
    ),
    "late-settlement-disputed": (
        *(Person.activate, 5 * DAY, Person.apply_due, Person.fulfill, Person.open_dispute, Person.accept),
    ),
    "dispute-upheld-by-return": (Person.activate, 5 * DAY, Person.apply_due, Person.open_dispute, Person.take_back),
    "dispute-upheld-by-extension": (Person.activate, 5 * DAY, Person.apply_due, Person.open_dispute, Person.extend),
}
REVIEWS: dict[str, tuple[Step, ...]] = {
    "approved": (Person.approve, Person.activate),
    "declined": (Person.decline, Person.fail),
    "cancelled": (Person.cancel,),
}


def run(person: Person, steps: tuple[Step, ...]) -> list[Any]:
    """The result of each step, with what is written about the decision so far. The first steps are a request and its
    replay."""
    reports: list[Any] = []
    for step in (Person.request, Person.request, *steps):
        if isinstance(step, timedelta):
            person.world.clock.advance(step)
        else:
            reports.append((step.__name__, view(step(person)), person.written()))
    return reports


def compare(single: DemoWorld, repeating: DemoWorld, handle: str, steps: tuple[Step, ...]) -> None:
    """Runs the steps for a person of one partner in one world, and at the same times for the same persona of another
    partner in the other world. Fails unless the results are equal."""
    first, start = Person(single, handle), single.clock()
    second = Person(repeating, handle, client=single.second_partner(), partner="other")
    expected = run(first, steps)
    repeating.clock.now = start
    RepeatingDatabase.repeated = 0
    assert run(second, steps) == expected
    assert RepeatingDatabase.repeated >= len([step for step in steps if not isinstance(step, timedelta)])
    assert repeating.mismatches() == []


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_repeated_unit_has_the_effect_of_a_single_one(
    single: DemoWorld, repeating: DemoWorld, steps: tuple[Step, ...]
) -> None:
    compare(single, repeating, "excellent", steps)


@pytest.mark.parametrize("steps", REVIEWS.values(), ids=REVIEWS)
def test_repeated_unit_of_a_manual_review_has_the_effect_of_a_single_one(
    single: DemoWorld, repeating: DemoWorld, steps: tuple[Step, ...]
) -> None:
    compare(single, repeating, "fair", steps)
