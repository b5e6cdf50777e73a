"""Results that cannot be recorded, and messages that cannot be placed, hold up no others."""

from collections.abc import Callable, Sequence
from contextlib import suppress

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway.kit.ids import Ids
from gateway.services.webhooks import worker
from gateway.services.webhooks.recording import record
from gateway.services.webhooks.sending import Attempt, Result
from gateway.store.outages import NOT_RESPONDING, DatabaseUnavailable
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support.http_server import wait_until
from tests.support.units import writing
from tests.support.webhook_world import Receiver, WebhookWorld

pytestmark = pytest.mark.postgresql
PENDING, DELIVERED, FAILED = DeliveryStatus


def call_before_recording(monkeypatch: pytest.MonkeyPatch, call: Callable[[Attempt], None]) -> None:
    """Calls `call` in the unit of work before the result of each attempt is recorded, which may let the unit fail."""

    def call_and_record(unit: UnitOfWork, results: Sequence[Result], ids: Ids) -> list[DeliveryStatus]:
        for result in results:
            call(result.attempt)
        return record(unit, results, ids)

    monkeypatch.setattr("gateway.services.webhooks.worker.record", call_and_record)


def test_result_that_the_database_refuses_holds_up_no_other(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit("dec_1")
    world.emit("dec_2")
    world.worker.step()
    refused, kept = world.deliveries(endpoint)
    with writing(world.database) as unit:  # its attempt then has no delivery to refer to
        unit.connection.execute(text("DELETE FROM webhook_deliveries WHERE id = :id"), {"id": refused.id})
    wait_until(lambda: len(receiver.events) == 2)
    with capture_logs() as lines:
        world.settle()
    assert [(each.id, each.status) for each in world.deliveries(endpoint)] == [(kept.id, DELIVERED)]
    assert world.worker.running == 0
    (line,) = [each for each in lines if each["event"] == "webhook_result_not_recorded"]
    assert (line["delivery"], line["endpoint"], line["error"]) == (refused.id, endpoint, "IntegrityError")


def test_delivery_whose_result_is_not_recorded_is_tried_again(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = world.endpoint(receiver.url())
    refused, kept = world.emit("dec_1"), world.emit("dec_2")
    statuses: list[DeliveryStatus] = []
    world.worker.observer = statuses.append

    def fail(attempt: Attempt) -> None:
        if (attempt.event_id, attempt.number) == (refused, 1):
            raise ValueError

    call_before_recording(monkeypatch, fail)
    world.settle()
    assert [each.status for each in world.deliveries(endpoint)] == [PENDING, DELIVERED]
    assert statuses == [DELIVERED]
    world.clock.advance(worker.LOST_AFTER)
    world.settle()
    assert [each.status for each in world.deliveries(endpoint)] == [DELIVERED, DELIVERED]
    assert (set(receiver.events[:2]), receiver.events[2:]) == ({refused, kept}, [refused])


def test_outage_while_results_are_recorded_one_by_one_loses_none(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = world.endpoint(receiver.url())
    for number in range(3):
        world.emit(f"dec_{number}")
    world.worker.step()
    wait_until(lambda: len(receiver.events) == 3)
    errors = iter([ValueError(), None, DatabaseUnavailable(NOT_RESPONDING)])

    def fail(_: Attempt) -> None:
        error = next(errors, None)
        if error is not None:
            raise error

    call_before_recording(monkeypatch, fail)
    with pytest.raises(DatabaseUnavailable):
        world.settle()
    world.settle()
    assert {each.status for each in world.deliveries(endpoint)} == {DELIVERED}
    assert {each.attempts for each in world.deliveries(endpoint)} == {1}


def test_message_that_cannot_be_placed_holds_up_no_result(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit("dec_1")
    world.worker.step()
    wait_until(lambda: bool(receiver.events))
    world.emit("dec_2")

    def fail(*_: object) -> None:
        raise ValueError

    def is_recorded() -> bool:
        with suppress(ValueError):
            world.worker.step()
        return world.worker.running == 0

    with monkeypatch.context() as patched:
        patched.setattr("gateway.services.webhooks.fan_out.new_delivery", fail)
        with pytest.raises(ValueError):
            world.worker.step()
        wait_until(is_recorded)
    assert [each.status for each in world.deliveries(endpoint)] == [DELIVERED]
    world.settle()
    assert [each.status for each in world.deliveries(endpoint)] == [DELIVERED, DELIVERED]


def test_result_that_is_refused_at_the_end_holds_up_no_other(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = world.endpoint(receiver.url())
    refused = world.emit("dec_1")
    world.emit("dec_2")

    def fail(attempt: Attempt) -> None:
        if attempt.event_id == refused:
            raise ValueError

    call_before_recording(monkeypatch, fail)
    world.worker.step()
    world.worker.stop()
    world.worker.run()
    assert [row.status for row in world.deliveries(endpoint)] == [PENDING, DELIVERED]


def test_results_are_recorded_in_one_order_also_at_the_end(
    world: WebhookWorld, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = [world.endpoint(receiver.url()) for _ in range(4)]
    for number in range(3):
        world.emit(f"dec_{number}")
    recorded: list[str] = []
    call_before_recording(monkeypatch, lambda attempt: recorded.append(attempt.endpoint_id))
    world.worker.step()
    wait_until(lambda: len(receiver.events) == 12)
    world.worker.stop()
    world.worker.run()
    assert recorded == sorted(endpoints * 3)
