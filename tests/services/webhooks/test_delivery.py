"""Delivery of messages to webhook endpoints, by a real HTTP client to real servers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.domain.events import Topic
from gateway.domain.webhooks.schedule import ATTEMPTS, LONGEST_PAUSE, RETRIES
from gateway.kit.clock import WallTime
from gateway.kit.webhook_signatures import new_secret, sign_body
from gateway.store.outbox import OutboxRow
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from merchants.wire import Rendered, Signature
from tests.support.statements import statements
from tests.support.units import writing
from tests.support.webhook_world import OK, Receiver, WebhookWorld, render, status

pytestmark = pytest.mark.postgresql
PENDING, DELIVERED, FAILED = DeliveryStatus


def test_message_is_delivered_once_to_each_endpoint_with_its_topic(world: WebhookWorld, receiver: Receiver) -> None:
    with Receiver() as other:
        first, second = world.endpoint(receiver.url()), world.endpoint(other.url(), [Topic.CONSENT_GRANTED])
        approved = world.emit()
        granted = world.emit("con_1", Topic.CONSENT_GRANTED)
        world.settle()
        world.settle()
        assert (sorted(receiver.events), other.events) == (sorted([approved, granted]), [granted])
    assert [row.status for row in world.deliveries(first)] == [DELIVERED, DELIVERED]
    (delivery,) = world.deliveries(second)
    assert (delivery.attempts, delivery.due_at, delivery.ended_at) == (1, None, world.clock.now)


def test_request_is_signed_and_has_the_stored_bytes(world: WebhookWorld, receiver: Receiver) -> None:
    secret = new_secret()
    world.endpoint(receiver.url("/hooks?from=gateway"), secret=secret)
    event = world.emit()
    world.settle()
    (received,) = receiver.received
    assert receiver.requests[0].startswith(b"POST /hooks?from=gateway HTTP/1.1\r\n")
    assert received.headers["content-type"] == "application/json"
    assert received.headers["webhook-timestamp"] == str(int(world.clock.now.timestamp()))
    assert received.document == {"id": event, "sequence": 1, "topic": "DECISION_APPROVED"}
    signature = Webhook(secret).sign(event, world.clock.now, received.body.decode())
    assert received.headers["webhook-signature"] == signature


def test_own_wire_format_has_its_signature_beside_the_standard_one(world: WebhookWorld, receiver: Receiver) -> None:
    world.render = lambda _: Rendered(b"{}", "application/json", Signature.HMAC_SHA256_HEX, "x-shop-signature")
    secret = new_secret()
    world.endpoint(receiver.url(), secret=secret)
    world.emit()
    world.settle()
    (received,) = receiver.received
    assert received.headers["x-shop-signature"] == sign_body(secret, b"{}")
    assert received.headers["webhook-signature"].startswith("v1,")


def test_endpoint_gets_events_from_its_creation_on(world: WebhookWorld, receiver: Receiver) -> None:
    world.emit()
    world.clock.advance(seconds=1)
    world.endpoint(receiver.url())
    later = world.emit()
    world.settle()
    assert receiver.events == [later]


def test_messages_of_a_subject_arrive_in_order(world: WebhookWorld, receiver: Receiver) -> None:
    world.endpoint(receiver.url())
    sent = {subject: [world.emit(subject) for _ in range(5)] for subject in ("dec_1", "dec_2", "dec_3")}
    world.settle()
    for events in sent.values():
        assert [event for event in receiver.events if event in events] == events


def test_failing_message_holds_up_its_own_subject_only(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    head, after, other = world.emit("dec_1"), world.emit("dec_1"), world.emit("dec_2")
    receiver.answer = lambda received: status(500 if received.event_id == head else 200)
    world.settle()
    assert [row.status for row in world.deliveries(endpoint)] == [PENDING, PENDING, DELIVERED]
    assert receiver.events.count(other) == 1
    assert after not in receiver.events
    receiver.answer = lambda _: OK
    world.clock.advance(seconds=7)
    world.settle()
    assert receiver.events[-2:] == [head, after]


def test_delivery_is_retried_by_the_schedule_and_then_given_up(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    event, after = world.emit(), world.emit()
    receiver.answer = lambda received: status(500 if received.event_id == event else 200)
    for wait in RETRIES:
        world.settle()
        world.clock.advance(wait * 1.2)
    world.settle()  # the tenth failure in a row, after which the endpoint waits
    world.clock.advance(LONGEST_PAUSE)
    world.settle()
    first, second = world.deliveries(endpoint)
    assert (first.status, first.tries, first.due_at) == (FAILED, ATTEMPTS, None)
    assert (second.status, receiver.events[-1]) == (DELIVERED, after)
    attempts = world.attempts(first)
    assert [attempt.number for attempt in attempts] == list(range(1, ATTEMPTS + 1))
    bodies = {received.body for received in receiver.received if received.event_id == event}
    assert len(bodies) == 1


def test_message_is_rendered_once(world: WebhookWorld, receiver: Receiver) -> None:
    world.endpoint(receiver.url())
    rendered: list[str] = []

    def count(message: OutboxRow) -> Rendered:
        rendered.append(message.id)
        return render(message)

    world.render = count
    event = world.emit()
    receiver.answer = lambda _: status(500)
    world.settle()
    world.clock.advance(seconds=7)
    world.settle()
    assert (receiver.events, rendered) == ([event, event], [event])


def _fail(_: OutboxRow) -> Rendered:
    raise KeyError("an adapter's mistake")


def _return_nothing(_: OutboxRow) -> Any:
    return None


def _return(**changes: Any) -> Callable[[OutboxRow], Rendered]:
    return lambda message: replace(render(message), **changes)


@pytest.mark.parametrize(
    "mistake",
    [
        _fail,
        _return_nothing,
        _return(body="{}"),
        _return(content_type=None),
        _return(content_type="application/json\0"),
    ],
    ids=["error", "nothing", "text", "no-type", "null-character"],
)
def test_message_that_cannot_be_rendered_is_tried_again(
    world: WebhookWorld, receiver: Receiver, mistake: Callable[[OutboxRow], Rendered]
) -> None:
    endpoint = world.endpoint(receiver.url())
    world.render = mistake
    event = world.emit()
    world.settle()
    (delivery,) = world.deliveries(endpoint)
    assert (delivery.status, world.attempts(delivery)[0].error) == (PENDING, "not_rendered")
    world.render = render
    world.clock.advance(seconds=7)
    world.settle()
    assert receiver.events == [event]


def test_both_secrets_sign_while_the_old_one_is_valid(world: WebhookWorld, receiver: Receiver) -> None:
    old, new = new_secret(), new_secret()
    endpoint = world.endpoint(receiver.url(), secret=old)
    with writing(world.database) as unit:
        row = unit.webhook_endpoints.lock(endpoint)
        assert row is not None
        row.old_secret_sealed, row.secret_sealed = row.secret_sealed, unit.webhook_endpoints.seal_secret(new, endpoint)
        row.old_secret_until = WallTime(unit.wall + timedelta(days=1))
        unit.webhook_endpoints.update(row)
    first = world.emit()
    world.settle()
    world.clock.advance(days=1)
    second = world.emit()
    world.settle()
    during, after = receiver.received
    text = during.body.decode()
    at = WallTime(world.clock.now - timedelta(days=1))
    both = [Webhook(secret).sign(first, at, text) for secret in (new, old)]
    assert during.headers["webhook-signature"].split(" ") == both
    expected = Webhook(new).sign(second, world.clock.now, after.body.decode())
    assert after.headers["webhook-signature"] == expected


def test_delivered_claim_is_noted(world: WebhookWorld, receiver: Receiver) -> None:
    world.endpoint(receiver.url())
    receiver.answer = lambda _: status(500)
    claim = world.emit("dec_1", Topic.DECISION_CLAIMED)
    world.emit("dec_2")
    world.settle()
    assert world.claims == []
    receiver.answer = lambda _: OK
    world.clock.advance(seconds=7)
    world.settle()
    assert world.claims == [claim]


def test_claim_that_cannot_be_noted_holds_up_no_result(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())

    def fail(_: str) -> None:
        raise LookupError

    world.on_claim_delivered = fail
    world.emit("dec_1", Topic.DECISION_CLAIMED)
    world.settle()
    assert [row.status for row in world.deliveries(endpoint)] == [DELIVERED]


def test_many_messages_take_as_many_statements_as_two(world: WebhookWorld, receiver: Receiver) -> None:
    world.endpoint(receiver.url())
    counts = []
    for number in (2, 20):
        for each in range(number):
            world.emit(f"dec_{number}_{each}")
        with statements(world.database) as sent:
            assert world.worker.step()
        counts.append(len(sent))
        world.settle()
    assert counts[0] == counts[1]
    assert len(receiver.events) == 22
