"""What the answers of a receiver lead to."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.environment import SANDBOX
from gateway.domain.events import Topic
from gateway.domain.webhooks.notice import EndpointData
from gateway.domain.webhooks.schedule import DISABLE_AFTER
from gateway.store.outbox import notice_of
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support.authority import Authority
from tests.support.local_server import LocalServer, http_response
from tests.support.units import reading
from tests.support.webhook_world import OK, Received, Receiver, WebhookWorld, status

PENDING, DELIVERED, FAILED = DeliveryStatus


def test_receiver_can_ask_to_wait(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit()
    receiver.answer = lambda _: status(429, Retry_After="3600")
    world.settle()
    (delivery,) = world.deliveries(endpoint)
    assert delivery.due_at == world.clock.now + timedelta(hours=1)
    assert world.load(endpoint).paused_until == delivery.due_at
    world.emit("dec_2")
    world.settle()
    assert len(receiver.events) == 1


def test_endpoint_that_is_gone_is_disabled(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit()
    receiver.answer = lambda _: status(410)
    world.settle()
    stored = world.load(endpoint)
    assert (stored.enabled, stored.disabled_reason, stored.disabled_at) == (False, "GONE", world.clock.now)
    world.emit("dec_2")
    world.clock.advance(days=1)
    world.settle()
    assert len(receiver.events) == 1


def test_other_endpoints_hear_that_one_is_disabled(world: WebhookWorld, receiver: Receiver) -> None:
    receiver.answer = lambda _: status(410)
    endpoint = world.endpoint(receiver.url())
    with Receiver() as other:
        world.endpoint(other.url(), [Topic.ENDPOINT_DISABLED])
        world.emit()
        world.settle()
        (heard,) = other.received
    with reading(world.database) as unit:
        message = unit.outbox.load(heard.event_id)
    assert message is not None
    notice = notice_of(message, SANDBOX.label)
    assert (notice.subject.id, notice.data) == (endpoint, EndpointData(endpoint_id=endpoint, reason="GONE"))


def test_endpoint_that_fails_for_five_days_is_disabled(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    receiver.answer = lambda _: status(500)
    started = world.clock.now
    while world.clock.now < started + DISABLE_AFTER:
        assert world.load(endpoint).enabled
        world.emit(f"dec_{world.clock.now}")
        world.settle()
        world.clock.advance(hours=12)
    world.emit("dec_last")
    world.settle()
    assert (world.load(endpoint).enabled, world.load(endpoint).disabled_reason) == (False, "FAILING")


def test_success_ends_the_failing_time(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    receiver.answer = lambda _: status(500)
    world.emit()
    world.settle()
    assert (world.load(endpoint).failures, world.load(endpoint).failing_since) == (1, world.clock.now)
    receiver.answer = lambda _: OK
    world.clock.advance(seconds=7)
    world.settle()
    assert (world.load(endpoint).failures, world.load(endpoint).failing_since) == (0, None)


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (lambda _: status(302, Location="http://127.0.0.1/"), 302, None),
        (lambda _: status(404), 404, None),
        (lambda _: http_response(b"x" * 70_000), None, "too_large"),
        (lambda _: http_response(b"x", 200, [("Content-Encoding", "gzip")]), None, "encoding"),
        (lambda _: b"not HTTP\r\n\r\n", None, "protocol"),
    ],
    ids=["redirect", "not found", "too large", "compressed", "not HTTP"],
)
def test_wrong_answer_is_a_failure(
    world: WebhookWorld, receiver: Receiver, answer: Callable[[Received], bytes], code: int | None, error: str | None
) -> None:
    endpoint = world.endpoint(receiver.url())
    receiver.answer = answer
    world.emit()
    world.settle()
    (delivery,) = world.deliveries(endpoint)
    (attempt,) = world.attempts(delivery)
    assert (delivery.status, attempt.response_status, attempt.error) == (PENDING, code, error)
    assert len(receiver.received) == 1


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://127.0.0.1:9/", "connection"),
        ("http://10.0.0.1/", "address_refused"),
        ("http://169.254.169.254/latest", "address_refused"),
    ],
)
def test_endpoint_that_cannot_be_reached_is_a_failure(world: WebhookWorld, url: str, error: str) -> None:
    endpoint = world.endpoint(url)
    world.emit()
    world.settle()
    (delivery,) = world.deliveries(endpoint)
    assert world.attempts(delivery)[0].error == error


def test_endpoint_with_a_bad_certificate_gets_nothing(world: WebhookWorld, tmp_path: Path) -> None:
    with LocalServer(lambda _: [OK], context=Authority(tmp_path).server("127.0.0.1")) as server:
        endpoint = world.endpoint(server.url())
        world.emit()
        world.settle()
        (delivery,) = world.deliveries(endpoint)
        assert (world.attempts(delivery)[0].error, server.requests) == ("tls", [])


def test_response_is_kept_shortened_and_without_control_characters(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    receiver.answer = lambda _: http_response("é\x00\x1b[31m".encode() + b"\xff" + b"x" * 5_000)
    world.emit()
    world.settle()
    (attempt,) = world.attempts(*world.deliveries(endpoint))
    assert attempt.response_body is not None
    assert attempt.response_body.startswith("é\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m")
    assert len(attempt.response_body) == 1_000
