"""Gives messages their positions, and makes a delivery for each endpoint that gets them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from gateway.domain.webhooks.variant import WebhookVariant, variant_of
from gateway.kit.clock import WallTime
from gateway.kit.ids import Ids
from gateway.services.webhooks.rendering import Render, render_or_log
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import DeliveryStatus, WebhookDeliveryRow, WebhookMessageRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

BATCH = 200
"""The largest number of messages in one unit of work."""


class FanOut:
    """Makes deliveries. Several processes can do this at once: one of them works, the others find nothing to do."""

    def __init__(self, database: Database, ids: Ids, render: Render) -> None:
        self._database, self._ids, self._render = database, ids, render

    def run_once(self) -> int:
        """Takes the oldest messages without a position. Returns how many. Raises Outage."""
        return self._database.write(self.place) if self._database.read(has_waiting) else 0

    def place(self, unit: UnitOfWork, limit: int = BATCH) -> int:
        """Takes at most `limit` of the oldest messages without a position, as a part of this unit of work. Returns how
        many: none while another process takes some."""
        if not unit.outbox.try_lock_fan_out():
            return 0
        messages = unit.outbox.place(unit.outbox.list_waiting(limit))
        endpoints = _by_merchant(unit, messages)
        rendered: list[WebhookMessageRow] = []
        deliveries: list[WebhookDeliveryRow] = []
        for message in messages:
            receiving = [each for each in endpoints.get(message.merchant_id, ()) if _receives(each, message)]
            if not receiving:
                continue
            row = render_or_log(self._render, message, unit.wall)
            rendered += [row] if row is not None else []
            deliveries += [new_delivery(self._ids, message, each.id, unit.wall) for each in receiving]
        unit.webhook_deliveries.insert(rendered, deliveries)
        return len(messages)


def has_waiting(unit: UnitOfWork) -> bool:
    """Whether a message has no position."""
    return bool(unit.outbox.list_waiting(1))


def new_delivery(ids: Ids, message: OutboxRow, endpoint_id: str, now: WallTime) -> WebhookDeliveryRow:
    """Returns a new delivery of a message with a position, which is due at `now`."""
    assert message.position is not None
    is_reversed = variant_of(message.payload) is WebhookVariant.REORDERED
    return WebhookDeliveryRow.of_values(
        {
            "id": ids.new("whd"),
            "endpoint_id": endpoint_id,
            "event_id": message.id,
            "subject_id": message.aggregate_id,
            "sequence": -message.sequence if is_reversed else message.sequence,
            "position": message.position,
            "status": DeliveryStatus.PENDING.value,
            "attempts": 0,
            "tries": 0,
            "due_at": now,
            "created_at": now,
            "ended_at": None,
        }
    )


def _by_merchant(unit: UnitOfWork, messages: Sequence[OutboxRow]) -> Mapping[str, list[WebhookEndpointRow]]:
    endpoints: defaultdict[str, list[WebhookEndpointRow]] = defaultdict(list)
    if messages:
        for endpoint in unit.webhook_endpoints.list_enabled({each.merchant_id for each in messages}):
            endpoints[endpoint.merchant_id].append(endpoint)
    return endpoints


def _receives(endpoint: WebhookEndpointRow, message: OutboxRow) -> bool:
    """Whether the endpoint chose the topic, and existed when the message was written."""
    return message.topic in endpoint.topics and endpoint.created_at <= message.created_at
