"""Promises of one person to the car rental: made, and seen as its merchant sees them."""

from datetime import timedelta

from gateway.domain.decision import Decision, Status
from gateway.domain.event import Actor, Topic
from gateway.domain.money import Money
from gateway.domain.settlement import Settlement
from gateway.services.decisions import ActivateInput
from tests.services.world import World, asking, car

DAY = timedelta(days=1)
THREADS = 8


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def requested(world: World, handle: str = "excellent", number: int = 1, deposit: str = "3000.00") -> Decision:
    given = asking(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    return world.decisions.request(world.acting(world.grant(handle)), given).decision


def activated(world: World, number: int = 1) -> Decision:
    decision = requested(world, number=number)
    return world.decisions.moves.activate(world.merchant_token(), ActivateInput(decision.id, f"activate-{number}"))


def events(world: World, decision: Decision) -> list[tuple[Topic, Status | None, Status, Actor, str | None]]:
    reading = world.reading(world.merchant_token())
    found = world.decisions.timeline(reading, decision.id)
    reading.abandon()
    return [(event.topic, event.before, event.after, event.actor, event.note) for event in found]


def seen(world: World, decision: Decision) -> Decision:
    reading = world.reading(world.merchant_token())
    found = world.decisions.find(reading, decision.id)
    reading.abandon()
    assert found is not None
    return found


def settlement(decision: Decision) -> Settlement:
    assert decision.settlement is not None
    return decision.settlement
