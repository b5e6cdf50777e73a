"""Webhook endpoints, receivers and a worker that is stepped by the test."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gateway.domain.events import Topic
from gateway.kit.http import HttpClient
from gateway.kit.webhook_signatures import new_secret
from gateway.services.webhooks.sending import WebhookSender
from gateway.services.webhooks.worker import DeliveryWorker
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.webhooks.delivery_rows import WebhookAttemptRow, WebhookDeliveryRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow
from merchants.wire import Rendered, Signature
from tests.support import factories
from tests.support.clock import MovableClock
from tests.support.factories import ids
from tests.support.local_server import LocalServer, http_response
from tests.support.outgoing import LOOPBACK
from tests.support.units import reading, writing

OK = http_response()
APPROVED = Topic.DECISION_APPROVED


@dataclass(frozen=True)
class Received:
    """A request that a receiver got."""

    headers: dict[str, str]
    body: bytes

    @property
    def event_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def document(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


class Receiver(LocalServer):
    """A receiver that answers with `answer(received)`, 200 by default."""

    def __init__(self, answer: Callable[[Received], bytes] = lambda _: OK) -> None:
        super().__init__(self._answer)
        self.answer = answer
        self.received: list[Received] = []

    @property
    def events(self) -> list[str]:
        """The ids of the events that it got, in order."""
        return [each.event_id for each in self.received]

    def _answer(self, request: bytes) -> Iterable[bytes]:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        received = Received({name.lower(): value for name, value in lines}, body)
        self.received.append(received)
        return [self.answer(received)]


def status(code: int, **headers: str) -> bytes:
    """A response without a body."""
    return http_response(b"", code, [(name.replace("_", "-"), value) for name, value in headers.items()])


def render(message: OutboxRow) -> Rendered:
    """A message as JSON of its own columns."""
    document = {"id": message.id, "sequence": message.sequence, "topic": message.topic}
    return Rendered(json.dumps(document).encode(), "application/json", Signature.STANDARD_WEBHOOKS, "webhook-signature")


class WebhookWorld:
    """One merchant over a database. `render` can be replaced. `claims` gets the events of delivered claims."""

    def __init__(self, database: Database, clock: MovableClock, **limits: Any) -> None:
        self.database, self.clock = database, clock
        with writing(database) as unit:
            self.merchant_id = factories.make_merchant(unit, factories.make_partner(unit))
        self.render: Callable[[OutboxRow], Rendered] = render
        self.limits = limits
        self.claims: list[str] = []
        self.on_claim_delivered: Callable[[str], object] = self.claims.append
        self.http = HttpClient(LOOPBACK, keeps_connections=True)
        self.worker = self.make_worker()

    def make_worker(self) -> DeliveryWorker:
        """A worker as another process has one."""

        def rendered(message: OutboxRow) -> Rendered:
            return self.render(message)

        sender = WebhookSender(self.http, self.clock)

        def on_claim_delivered(event_id: str) -> None:
            self.on_claim_delivered(event_id)

        return DeliveryWorker(self.database, ids, sender, rendered, on_claim_delivered, **self.limits)

    def endpoint(self, url: str, topics: Iterable[Topic] = tuple(Topic), secret: str | None = None) -> str:
        """Adds an endpoint and returns its id."""
        with writing(self.database) as unit:
            endpoint_id = ids.new("whe")
            unit.webhook_endpoints.insert(
                WebhookEndpointRow(
                    id=endpoint_id,
                    merchant_id=self.merchant_id,
                    url=url,
                    topics=list(topics),
                    secret_sealed=unit.webhook_endpoints.seal_secret(secret or new_secret(), endpoint_id),
                    created_at=unit.wall,
                )
            )
        return endpoint_id

    def emit(self, subject: str = "dec_1", topic: Topic = APPROVED) -> str:
        """Writes a message as an event does, and returns the event's id."""
        with writing(self.database) as unit:
            event_id = ids.new("evt")
            unit.outbox.add(
                OutboxRow(
                    id=event_id,
                    merchant_id=self.merchant_id,
                    aggregate_id=subject,
                    topic=topic,
                    payload={},
                    created_at=unit.wall,
                )
            )
        return event_id

    def settle(self, worker: DeliveryWorker | None = None) -> None:
        """Steps the worker until nothing is due and no attempt runs."""
        worker = worker or self.worker
        end = time.monotonic() + 60
        while (worker.step() or worker.running) and time.monotonic() < end:
            time.sleep(0.002)

    def deliveries(self, endpoint_id: str) -> list[WebhookDeliveryRow]:
        """The deliveries to an endpoint, in the order of their events."""
        with reading(self.database) as unit:
            return sorted(unit.webhook_deliveries.list_of_endpoint(endpoint_id), key=lambda row: row.position)

    def attempts(self, delivery: WebhookDeliveryRow) -> list[WebhookAttemptRow]:
        with reading(self.database) as unit:
            return unit.webhook_deliveries.list_attempts([delivery.id])

    def load(self, endpoint_id: str) -> WebhookEndpointRow:
        """The row of an endpoint."""
        with reading(self.database) as unit:
            endpoint = unit.webhook_endpoints.load(endpoint_id)
        assert endpoint is not None
        return endpoint
