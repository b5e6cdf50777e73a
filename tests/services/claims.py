"""Rentals of a persona, claims about them, and what the merchant reports after that."""

from datetime import timedelta

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, ClaimKind
from gateway.domain.events import Topic
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, ExtendCommand, FulfillCommand
from gateway.store.scoring.records import BehaviourRecordRow
from tests.services.decisions import DAY, load_decision, request_decision, yuan
from tests.support.demo_world import DemoWorld
from tests.support.units import reading

DUE, OVERDUE = 4 * DAY, 5 * DAY
"""From the activation on: the due date of a rental, and the end of its grace period."""


def rental(world: DemoWorld, handle: str = "excellent", number: int = 1) -> DecisionState:
    decision = request_decision(world, handle, number, "300.00")
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"a-{number}"))


def claim(world: DemoWorld, decision: DecisionState, handle: str = "excellent") -> DecisionState:
    return world.claims.claim(world.user(handle), decision.id, ClaimKind.RETURNED)


def wait(world: DemoWorld, *times: timedelta) -> None:
    """Moves the time, and runs the scheduler each time."""
    for each in times:
        world.clock.advance(each)
        world.scheduler.apply_due()


def accepted(world: DemoWorld, handle: str = "excellent", number: int = 1) -> DecisionState:
    decision = rental(world, handle, number)
    claim(world, decision, handle)
    wait(world, OVERDUE, CLAIM_SILENCE)
    return load_decision(world, decision)


def records(world: DemoWorld, handle: str = "excellent") -> list[BehaviourRecordRow]:
    with reading(world.database) as unit:
        rows = unit.behaviour_records.list_of_user(world.user(handle))
    return [row for row in rows if row.source == "gateway"]


def message_ids(world: DemoWorld, decision: DecisionState, topic: Topic) -> list[str]:
    query = "SELECT id FROM outbox WHERE aggregate_id = :decision AND topic = :topic ORDER BY id"
    return [row[0] for row in world.rows(query, decision=decision.id, topic=topic.value)]


def fulfill(world: DemoWorld, decision: DecisionState, amount: str | None = None) -> None:
    command = FulfillCommand(decision.id, "f", settled_amount=yuan(amount) if amount else None)
    world.transitions.fulfill(world.merchant_token(), command)


def breach(world: DemoWorld, decision: DecisionState) -> None:
    command = BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
    world.transitions.report_breach(world.merchant_token(), command)


def extend(world: DemoWorld, decision: DecisionState) -> None:
    command = ExtendCommand(decision.id, "e", BusinessTime(world.now + 5 * DAY), "As agreed.")
    world.transitions.extend(world.merchant_token(), command)
