"""The seven days in which a merchant may contradict a claim begin when an endpoint has accepted the message."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind
from gateway.domain.events import Topic
from gateway.services.decisions.transitions import ActivateCommand
from tests.fixtures.demo import DemoDatabase
from tests.services.decisions import load_decision, request_decision
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.outgoing import LOOPBACK
from tests.support.webhook_world import OK, Receiver, status

pytestmark = pytest.mark.postgresql


@pytest.fixture
def demo(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    with demo_database.open(clock, outgoing_networks=LOOPBACK) as world:
        yield world


def deliver(world: DemoWorld) -> None:
    worker = world.container.deliveries
    while worker.step() or worker.running:
        time.sleep(0.002)


def claim(world: DemoWorld) -> DecisionState:
    """The decision about which the person says that the car was returned. The message is delivered, or tried."""
    decision = request_decision(world, "excellent", 1, "300.00")
    world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a-1"))
    world.claims.claim(world.user("excellent"), decision.id, ClaimKind.RETURNED)
    deliver(world)
    return load_decision(world, decision)


def test_delivery_of_a_claim_begins_the_seven_days(demo: DemoWorld, receiver: Receiver) -> None:
    receiver.answer = lambda _: status(500)
    demo.container.webhooks.create(demo.merchant(), receiver.url(), [Topic.DECISION_CLAIMED])
    decision = claim(demo)
    first = load_decision(demo, decision).claim_ends_at
    assert first is not None
    receiver.answer = lambda _: OK
    demo.clock.advance(first - demo.now - timedelta(hours=1))
    deliver(demo)
    assert load_decision(demo, decision).claim_ends_at == demo.now + CLAIM_SILENCE


def test_later_deliveries_of_a_claim_postpone_nothing(demo: DemoWorld, receiver: Receiver) -> None:
    webhooks, merchant = demo.container.webhooks, demo.merchant()
    topics = [Topic.DECISION_CLAIMED]
    with Receiver(lambda _: status(503)) as second:
        webhooks.create(merchant, receiver.url(), topics)
        webhooks.create(merchant, second.url(), topics)
        decision = claim(demo)
        assert decision.claim_told_at == demo.now
        assert decision.claim_ends_at is not None
        demo.clock.advance(decision.claim_ends_at - demo.now - timedelta(hours=1))
        second.answer = lambda _: OK
        deliver(demo)
        assert second.events[-1] == receiver.events[0]
    (delivery, *_) = demo.rows("SELECT id FROM webhook_deliveries WHERE attempts = 1")
    webhooks.resend(merchant, delivery[0])
    deliver(demo)
    assert receiver.events[0] == receiver.events[1]
    assert load_decision(demo, decision).claim_ends_at == decision.claim_ends_at
