"""Events reach a merchant's receiver from a real server and from a separate worker, also if processes are killed."""

import random
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Self

import pytest
from standardwebhooks import Webhook

from gateway.bootstrap import build
from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.webhooks.snapshot import snapshot_decision
from gateway.services.container import Container
from gateway.settings import EnvironmentName, read_settings
from gateway.store.outbox import message_of_event
from gateway.store.unit import UnitOfWork
from tests.support import factories
from tests.support.factories import ids
from tests.support.merchant_client import MerchantClient, car
from tests.support.page_blocks import block
from tests.support.partner_time import until
from tests.support.server import Sandbox, bare_environment
from tests.support.units import writing
from tests.support.webhook_receiver import example
from tests.support.webhook_world import OK, Received, Receiver, status

QUICK = str(Path(__file__).parents[1] / "support/quick_retries.py")
ACTIVATED = Topic.DECISION_ACTIVATED
BATCH, EVENTS = 500, 2_000


@contextmanager
def deployment(url: str, folder: Path) -> Iterator[Container]:
    """The services of the sandbox, as an operator's command has them."""
    settings = read_settings(
        environment=EnvironmentName.SANDBOX,
        database_url=url,
        state_directory=folder,
        outgoing_networks="127.0.0.0/8",
    )
    with closing(build(settings)) as built:
        yield built


class Worker:
    """`gateway worker` as a process."""

    def __init__(self, url: str, folder: Path, *, quick: bool = False) -> None:
        self._environment = {
            **bare_environment(),
            "GATEWAY_DATABASE_URL": url,
            "GATEWAY_STATE_DIRECTORY": str(folder),
            "GATEWAY_OUTGOING_NETWORKS": "127.0.0.0/8",
        }
        start = [sys.executable, "-P", QUICK, "-m"] if quick else [sys.executable, "-m"]
        command = [*start, *block("docs/operating.md", "gateway worker").split()]
        self.process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE)

    def end(self, number: signal.Signals) -> int:
        """Sends the signal, and returns the exit code."""
        self.process.send_signal(number)
        self.process.communicate(timeout=30)
        return self.process.returncode

    def __enter__(self) -> Self:
        assert self.process.stdout is not None
        assert self.process.stdout.readline()  # it works
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end(signal.SIGKILL)


def test_decision_reaches_the_merchant(own_sandbox: Sandbox, seeded_state: tuple[str, Path]) -> None:
    merchant = MerchantClient(own_sandbox)
    with closing(merchant), deployment(*seeded_state) as services, Receiver() as receiver:
        merchant_id = merchant.graphql(merchant.merchant_token, "{ merchant { id } }").data["merchant"]["id"]
        endpoint, secret = services.webhooks.create(merchant_id, receiver.url(), list(Topic))
        token = merchant.token()
        decision = merchant.request(token, car())["decision"]
        until(lambda: len(receiver.received), lambda count: count == 3)
        received = {str(each.document["type"]): each for each in receiver.received}
        assert received.keys() == {"consent.granted", "consent.first_used", "decision.approved"}
        approved = received["decision.approved"]
        Webhook(secret).verify(approved.body, approved.headers)
        document = approved.document
        assert document["id"] == approved.headers["webhook-id"]
        assert document["subject"] == {"type": "decision", "id": decision["id"]}
        assert document["data"]["merchantReference"] == decision["merchantReference"]
        assert (document["environment"], document["sequence"]) == ("SANDBOX", 1)
        merchant.release(decision)
        until(lambda: receiver.received[-1].document["type"], lambda topic: topic == "decision.cancelled")
        assert receiver.received[-1].document["sequence"] == 2
        services.webhooks.delete(merchant_id, endpoint.id)
        assert secret not in own_sandbox.output


class History:
    """Events of many decisions of a new merchant, written as the commits of decisions write them."""

    def __init__(self, services: Container) -> None:
        self._services = services
        with writing(services.database) as unit:
            self._consent = factories.make_cast(unit).consent
        self.merchant_id = self._consent.merchant_id

    def write(self, number: int, *, subjects: int) -> dict[str, str]:
        """Writes so many events, in turn of so many decisions. Returns the decision of each event."""
        events: dict[str, str] = {}
        for first in range(0, number, BATCH):
            with writing(self._services.database) as unit:
                for each in range(first, min(first + BATCH, number)):
                    events |= self._write(unit, f"dec_{each % subjects}")
        return events

    def _write(self, unit: UnitOfWork, decision_id: str) -> dict[str, str]:
        state = factories.decision_state(self._consent, id=decision_id)
        event = DecisionEvent(ACTIVATED, Status.APPROVED, Status.ACTIVE, state.updated_at)
        public = {"decision": decision_id, "topic": ACTIVATED}
        payload = snapshot_decision(state, event, Actor.MERCHANT)
        message = message_of_event(ids.new("evt"), self.merchant_id, public, payload, unit.wall)
        unit.outbox.add(message)
        return {message.id: decision_id}


@pytest.mark.parametrize("seeded_state", ["postgresql"], indirect=True)
def test_separate_worker_delivers(seeded_state: tuple[str, Path]) -> None:
    with deployment(*seeded_state) as services, Receiver() as receiver:
        history = History(services)
        services.webhooks.create(history.merchant_id, receiver.url(), [ACTIVATED])
        with Worker(*seeded_state) as worker:
            events = history.write(20, subjects=5)
            until(lambda: len(receiver.received), lambda count: count == len(events))
            assert worker.end(signal.SIGTERM) == 0
        assert sorted(receiver.events) == sorted(events)


class Unreliable:
    """The reference receiver behind a network that loses requests and responses: 30 of 100 in all."""

    def __init__(self, database: Path, secret: str) -> None:
        self.receiver = example.Receiver(database, [secret])
        self._database, self._chance = database, random.Random(20261130)

    def answer(self, received: Received) -> bytes:
        lost = self._chance.random()
        if lost < 0.15:
            return status(503 if lost < 0.05 else 500)
        self.receiver.receive(received.headers, received.body)
        return status(500) if lost < 0.3 else OK

    @property
    def effects(self) -> list[str]:
        """The events that had an effect, in the order of the effects."""
        with closing(sqlite3.connect(self._database)) as connection:
            return [row[0] for row in connection.execute("SELECT event_id FROM effects ORDER BY rowid")]


@pytest.mark.slow
def test_killed_processes_lose_no_event(seeded_state: tuple[str, Path], tmp_path: Path) -> None:
    """On SQLite the server is killed, on PostgreSQL one of two workers, each time with attempts under way."""
    number, is_sqlite = EVENTS, seeded_state[0].startswith("sqlite")
    with deployment(*seeded_state) as services, Receiver() as receiver:
        history = History(services)
        _, secret = services.webhooks.create(history.merchant_id, receiver.url(), [ACTIVATED])
        network = Unreliable(tmp_path / "receiver.db", secret)
        receiver.answer = network.answer
        events = history.write(number, subjects=max(10, number // 10))
        with ExitStack() as stack:
            if is_sqlite:
                kill_server(stack, seeded_state, receiver, number)
            else:
                kill_worker(stack, seeded_state, receiver, number)
            until(lambda: services.database.read(count_unfinished), lambda count: count == 0, 300)
        assert Counter(network.effects) == Counter(list(events))
        for decision_id in set(events.values()):
            own = [event for event in events if events[event] == decision_id]
            assert [event for event in network.effects if event in own] == own
        assert len(receiver.events) > number


def count_unfinished(unit: UnitOfWork) -> int:
    """The number of deliveries that have not ended; 1 while there are messages without deliveries."""
    return unit.webhook_deliveries.count_waiting() or len(unit.outbox.list_waiting(1))


def kill_server(stack: ExitStack, state: tuple[str, Path], receiver: Receiver, number: int) -> None:
    """Starts a server, kills it twice on the way, and starts it again."""
    server = Sandbox(*state)
    server.python = (sys.executable, "-P", QUICK)
    stack.enter_context(server)
    for part in (0.3, 0.6):
        until(lambda: len(receiver.received) / number, part.__le__, 300)
        server.kill()
        server.start()


def kill_worker(stack: ExitStack, state: tuple[str, Path], receiver: Receiver, number: int) -> None:
    """Starts two workers, and kills one of them on the way."""
    killed, _ = (stack.enter_context(Worker(*state, quick=True)) for _ in range(2))
    until(lambda: len(receiver.received), lambda count: count >= number / 3, 300)
    killed.end(signal.SIGKILL)
