"""Several workers, and workers that end."""

import threading

import pytest

from gateway.domain.events import Topic
from gateway.services.purge import WEBHOOKS_KEPT_FOR, PurgeService
from gateway.services.webhooks import worker
from gateway.store.database import Database
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.fixtures.settings import sandbox_settings
from tests.support.clock import MovableClock
from tests.support.http_server import wait_until
from tests.support.local_server import LocalServer
from tests.support.race import race
from tests.support.units import writing
from tests.support.webhook_world import OK, Received, Receiver, WebhookWorld, status

pytestmark = pytest.mark.postgresql
PENDING, DELIVERED, FAILED = DeliveryStatus


def test_attempt_of_a_process_that_ended_is_made_again(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    event = world.emit()
    dead = world.make_worker()
    dead.step()  # claims, and never records
    wait_until(lambda: bool(receiver.events))
    world.settle()
    assert receiver.events == [event]
    world.clock.advance(worker.LOST_AFTER)
    world.settle()
    (delivery,) = world.deliveries(endpoint)
    assert (receiver.events, delivery.status, delivery.attempts) == ([event, event], DELIVERED, 2)


def test_late_result_of_a_lost_attempt_changes_nothing(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit()
    late = world.make_worker()
    receiver.answer = lambda _: status(500)
    late.step()
    wait_until(lambda: bool(receiver.events))
    world.clock.advance(worker.LOST_AFTER)
    receiver.answer = lambda _: OK
    world.settle()
    world.settle(late)
    (delivery,) = world.deliveries(endpoint)
    assert (delivery.status, [each.number for each in world.attempts(delivery)]) == (DELIVERED, [1, 2])


def test_workers_deliver_each_message_once_and_in_order(world: WebhookWorld, receiver: Receiver) -> None:
    world.endpoint(receiver.url())
    sent = {subject: [world.emit(subject) for _ in range(4)] for subject in map(str, range(10))}
    workers = [world.make_worker() for _ in range(3)]
    race(lambda number: world.settle(workers[number]), 3)
    world.settle()
    assert sorted(receiver.events) == sorted(event for events in sent.values() for event in events)
    for events in sent.values():
        assert [event for event in receiver.events if event in events] == events


def test_hanging_endpoint_leaves_threads_for_the_others(database: Database, clock: MovableClock) -> None:
    world = WebhookWorld(database, clock, at_once=4, at_once_per_endpoint=2)
    released = threading.Event()

    def hang(_: Received) -> bytes:
        released.wait(timeout=20)
        return OK

    with Receiver(hang) as slow, Receiver() as quick:
        world.endpoint(slow.url(), [Topic.DECISION_APPROVED])
        world.endpoint(quick.url(), [Topic.DECISION_DECLINED])
        for number in range(6):
            world.emit(f"dec_{number}")
        declined = [world.emit(f"dec_1{number}", Topic.DECISION_DECLINED) for number in range(6)]
        while len(quick.events) < len(declined):
            world.worker.step()
        assert len(slow.events) == 2
        released.set()
        world.settle()
        assert (len(slow.events), sorted(quick.events)) == (6, sorted(declined))


def test_endpoint_that_failed_gets_fewer_attempts_at_a_time(database: Database, clock: MovableClock) -> None:
    world = WebhookWorld(database, clock, at_once=8, at_once_per_endpoint=6, at_once_after_failure=2)
    with Receiver(lambda _: status(500)) as receiver:
        endpoint = world.endpoint(receiver.url())
        world.emit("dec_0")
        world.settle()
        released = threading.Event()

        def wait(_: Received) -> bytes:
            released.wait(timeout=20)
            return OK

        receiver.answer = wait
        events = [world.emit(f"dec_{number}") for number in range(1, 9)]
        world.worker.step()
        assert world.worker.running == 2
        released.set()
        world.settle()
        assert sorted(receiver.events[1:]) == sorted(events)
        assert world.load(endpoint).failures == 0


def test_connection_to_an_endpoint_is_used_again(world: WebhookWorld) -> None:
    with LocalServer(lambda _: [OK], exchanges=20) as receiver:
        endpoint = world.endpoint(receiver.url())
        for _ in range(6):
            world.emit("dec_1")
        world.settle()
        assert [row.status for row in world.deliveries(endpoint)] == [DELIVERED] * 6
        assert (len(receiver.requests), receiver.connections) == (6, 1)
        world.http.close()


def test_feed_positions_follow_the_commits(world: WebhookWorld) -> None:
    events = [world.emit(f"dec_{number % 3}") for number in range(9)]
    world.settle()
    with writing(world.database) as unit:
        rows = [unit.outbox.load(event) for event in events]
    positions = [row.position for row in rows if row is not None and row.position is not None]
    assert positions == sorted(positions)
    assert len(set(positions)) == len(events)
    assert [row.sequence for row in rows if row is not None] == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_worker_runs_until_it_is_stopped(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    thread = threading.Thread(target=world.worker.run)
    thread.start()
    event = world.emit()
    wait_until(lambda: bool(receiver.events))
    world.worker.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert (receiver.events, [row.status for row in world.deliveries(endpoint)]) == ([event], [DELIVERED])


def test_what_was_sent_is_kept_for_thirty_days(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit()
    world.settle()
    purges = PurgeService(world.database, sandbox_settings())
    world.clock.advance(WEBHOOKS_KEPT_FOR)
    assert not any(purges.purge().values())
    world.clock.advance(seconds=1)
    deleted = {table: rows for table, rows in purges.purge().items() if rows}
    assert deleted == {"webhook_attempts": 1, "webhook_deliveries": 1, "webhook_messages": 1}
    assert world.deliveries(endpoint) == []


def test_delivery_of_an_attempt_that_runs_is_not_purged(world: WebhookWorld, receiver: Receiver) -> None:
    endpoint = world.endpoint(receiver.url())
    world.emit()
    world.settle()
    world.clock.advance(WEBHOOKS_KEPT_FOR)
    world.clock.advance(seconds=1)
    (delivery,) = world.deliveries(endpoint)
    with writing(world.database) as unit:
        unit.webhook_deliveries.resend([delivery.id], unit.wall)
    world.worker.step()
    purges = PurgeService(world.database, sandbox_settings())
    purges.purge()
    assert len(world.deliveries(endpoint)) == 1
    world.settle()
    assert [row.status for row in world.deliveries(endpoint)] == [DELIVERED]
