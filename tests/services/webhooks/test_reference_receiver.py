"""The reference receiver of docs/examples gets what the worker sends: each event is applied once, in order."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.events import Topic
from gateway.domain.webhooks.notice import Subject, subject_type_of
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.endpoints import WebhookService
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from merchants.wire import STANDARD, Rendered
from tests.support.clock import MovableClock
from tests.support.factories import ids
from tests.support.notices import notice_of_topic
from tests.support.outgoing import LOOPBACK
from tests.support.webhook_receiver import example, serving
from tests.support.webhook_world import WebhookWorld

EVENTS = (Topic.DECISION_APPROVED, Topic.DECISION_ACTIVATED, Topic.DECISION_FULFILLED)
DECISIONS = ("dec_1", "dec_2")


def render(message: OutboxRow) -> Rendered:
    topic = Topic(message.topic)
    subject = Subject(subject_type_of(topic), message.aggregate_id)
    return STANDARD.render(notice_of_topic(topic, event_id=message.id, subject=subject, sequence=message.sequence))


@pytest.fixture
def sending(database: Database, clock: MovableClock) -> WebhookWorld:
    """A merchant and a worker that sends standard envelopes."""
    world = WebhookWorld(database, clock)
    world.render = render
    return world


@contextmanager
def receiving(world: WebhookWorld, file: Path, *secrets: str, loses_first: bool = False) -> Iterator[tuple[Any, str]]:
    """The receiver with the clock of the world, and its URL. If it `loses_first`, the first answer about each event is
    lost after the event was applied."""
    receiver = example.Receiver(file, list(secrets), lambda: world.clock().timestamp())
    lost = set[str]()

    base = example.handler_of(receiver)

    def respond(handler: Any, status: int, content: Any = None) -> None:
        event_id = handler.headers["webhook-id"]
        if loses_first and event_id not in lost:
            lost.add(event_id)
            handler.close_connection = True
        else:
            base.respond(handler, status, content)

    with serving(receiver, type("Handler", (base,), {"respond": respond})) as url:
        yield receiver, url


def statuses(world: WebhookWorld, endpoint: str) -> set[str]:
    return {delivery.status for delivery in world.deliveries(endpoint)}


def test_every_event_is_applied_once_although_each_answer_is_lost(sending: WebhookWorld, tmp_path: Path) -> None:
    secret = new_secret()
    with receiving(sending, tmp_path / "receiver.db", secret, loses_first=True) as (receiver, url):
        endpoint = sending.endpoint(url, secret=secret)
        events = [sending.emit(decision, topic) for topic in EVENTS for decision in DECISIONS]
        for _ in EVENTS:
            sending.settle()
            sending.clock.advance(minutes=10)
        sending.settle()
        assert statuses(sending, endpoint) == {DeliveryStatus.DELIVERED}
        assert {len(sending.attempts(delivery)) for delivery in sending.deliveries(endpoint)} == {2}
        assert receiver.effects() == dict.fromkeys(events, 1)


def test_events_are_applied_before_during_and_after_a_rotation(sending: WebhookWorld, tmp_path: Path) -> None:
    old, file = new_secret(), tmp_path / "receiver.db"
    service = WebhookService(sending.database, ids, LOOPBACK)
    with receiving(sending, file, old) as (_, url):
        endpoint = sending.endpoint(url, secret=old)
        events = [sending.emit()]
        sending.settle()
        _, new, _ = service.rotate_secret(sending.merchant_id, endpoint, timedelta(days=1))
        events.append(sending.emit())
        sending.settle()  # the receiver has the old secret only
    for secrets in ((old, new), (new,)):
        with receiving(sending, file, *secrets) as (receiver, url):
            service.update(sending.merchant_id, endpoint, url=url)
            events.append(sending.emit())
            sending.settle()
            assert receiver.effects() == dict.fromkeys(events, 1)
        sending.clock.advance(days=2)
    assert statuses(sending, endpoint) == {DeliveryStatus.DELIVERED}


def test_event_that_is_sent_again_is_not_applied_again(sending: WebhookWorld, tmp_path: Path) -> None:
    secret = new_secret()
    service = WebhookService(sending.database, ids, LOOPBACK)
    with receiving(sending, tmp_path / "receiver.db", secret) as (receiver, url):
        endpoint = sending.endpoint(url, secret=secret)
        events = [sending.emit(topic=topic) for topic in EVENTS]
        started = sending.clock()
        sending.settle()
        sending.clock.advance(hours=1)
        service.replay(sending.merchant_id, endpoint, started)
        sending.settle()
        assert receiver.effects() == dict.fromkeys(events, 1)
        assert {len(sending.attempts(delivery)) for delivery in sending.deliveries(endpoint)} == {2}
