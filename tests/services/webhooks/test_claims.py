"""The seven days in which a merchant may contradict a claim begin when an endpoint has accepted the message."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest

from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.transitions import ClaimKind
from gateway.domain.events import Topic
from gateway.services.decisions.transitions import ActivateCommand
from tests.services.decisions import load_decision, request_decision
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.outgoing import LOOPBACK
from tests.support.webhook_world import OK, Receiver, status


@pytest.fixture
def demo(sqlite_url: str, clock: MovableClock) -> Iterator[DemoWorld]:
    with closing(DemoWorld(sqlite_url, clock, outgoing_networks=LOOPBACK)) as world:
        world.seed_demo()
        yield world


def deliver(world: DemoWorld) -> None:
    worker = world.container.deliveries
    while worker.step() or worker.running:
        time.sleep(0.002)


def test_delivery_of_a_claim_begins_the_seven_days(demo: DemoWorld, receiver: Receiver) -> None:
    receiver.answer = lambda _: status(500)
    demo.container.webhooks.create(demo.merchant(), receiver.url(), [Topic.DECISION_CLAIMED])
    decision = request_decision(demo, "excellent", 1, "300.00")
    demo.transitions.activate(demo.merchant_token(), ActivateCommand(decision.id, "a-1"))
    demo.claims.claim(demo.user("excellent"), decision.id, ClaimKind.RETURNED)
    deliver(demo)
    first = load_decision(demo, decision).claim_ends_at
    assert first is not None
    receiver.answer = lambda _: OK
    demo.clock.advance(first - demo.now - timedelta(hours=1))
    deliver(demo)
    assert load_decision(demo, decision).claim_ends_at == demo.now + CLAIM_SILENCE
