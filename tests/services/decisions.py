"""Decisions of one person at the car rental: makes and activates them, and reads them with the merchant's token."""

from datetime import timedelta

from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.services.decisions.transitions import ActivateCommand
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld

DAY = timedelta(days=1)
THREADS = 8


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def request_decision(
    world: DemoWorld, handle: str = "excellent", number: int = 1, deposit: str = "3000.00"
) -> DecisionState:
    command = request_command(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    return world.requester.request(world.user_token(world.grant(handle)), command).decision


def activate_decision(world: DemoWorld, number: int = 1) -> DecisionState:
    decision = request_decision(world, number=number)
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"activate-{number}"))


def list_events(
    world: DemoWorld, decision: DecisionState
) -> list[tuple[Topic, Status | None, Status, Actor, str | None]]:
    events = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    return [(event.topic, event.before, event.after, event.actor, event.note) for event in events]


def load_decision(world: DemoWorld, decision: DecisionState) -> DecisionState:
    state = world.query(world.merchant_token(), lambda query: world.decisions.find(query, decision.id))
    assert state is not None
    return state


def settlement_of(decision: DecisionState) -> Settlement:
    assert decision.settlement is not None
    return decision.settlement
