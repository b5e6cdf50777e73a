"""Events that a partner triggers to test its receiver: sample data about a subject that does not exist."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.environment import Environment
from gateway.domain.events import Topic
from gateway.domain.webhooks.notice import SubjectType, subject_type_of
from gateway.domain.webhooks.snapshot import ADAPTER, snapshot
from gateway.domain.webhooks.variant import WebhookVariant, mark
from gateway.kit.ids import Ids
from gateway.services.webhooks.certification.samples import Samples, actor_of
from gateway.services.webhooks.fan_out import FanOut
from gateway.services.webhooks.rendering import EventRenderer
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import WebhookDeliveryRow
from merchants.registry import AdapterRegistry
from merchants.wire import STANDARD

MOST_BATCHES = 5
"""How many batches of messages one call places at most, until its own are placed."""


@dataclass(frozen=True, slots=True)
class TriggeredEvent:
    """The id of an event, of the first one that is sent if there are two, and the deliveries of all of them. None if
    they do not exist yet."""

    id: str
    deliveries: Sequence[WebhookDeliveryRow] | None


class SandboxWebhookService:
    """Triggers events for the endpoints and listeners of a merchant."""

    def __init__(self, database: Database, registry: AdapterRegistry, environment: Environment, ids: Ids) -> None:
        self._database, self._registry, self._ids = database, registry, ids
        self._fan_out = FanOut(database, ids, EventRenderer(registry, environment))

    def trigger(self, merchant_id: str, topic: Topic, variant: WebhookVariant) -> TriggeredEvent:
        """Writes an event of the topic about a new subject, with REORDERED two events, and makes their deliveries.
        Returns the event. The deliveries are None if another process is making them."""
        events = self._database.write(lambda unit: self._write(unit, merchant_id, topic, variant))
        for _ in range(MOST_BATCHES):
            if not self._fan_out.run_once():
                break
        return TriggeredEvent(events[-1], self._database.read(lambda unit: _list_deliveries(unit, events)))

    def _write(self, unit: UnitOfWork, merchant_id: str, topic: Topic, variant: WebhookVariant) -> list[str]:
        """Writes the messages, and returns their ids in their order."""
        adapter = self._choose_adapter(unit, merchant_id)
        samples = Samples(lambda: unit.wall, self._ids)
        if adapter is not None:
            own = self._registry[adapter]
            samples = Samples(lambda: unit.wall, self._ids, own.product, own.policy.currency)
        subject, now = samples.new_subject(topic), unit.business_time(merchant_id)
        payload = mark(snapshot(now, actor_of(topic), samples.data(topic, subject, now)), variant)
        if adapter is not None and subject_type_of(topic) is SubjectType.DECISION:
            payload[ADAPTER] = adapter
        noun = "evt" if subject_type_of(topic) is SubjectType.DECISION else "msg"
        events = [self._ids.new(noun) for _ in range(2 if variant is WebhookVariant.REORDERED else 1)]
        for event_id in events:
            unit.outbox.add(
                OutboxRow(
                    id=event_id,
                    merchant_id=merchant_id,
                    aggregate_id=subject,
                    topic=topic,
                    payload=payload,
                    created_at=unit.wall,
                )
            )
        return events

    def _choose_adapter(self, unit: UnitOfWork, merchant_id: str) -> str | None:
        """Returns the key of an adapter that decides for the merchant: one with a wire format of its own if there is
        one, else the first one. None if the merchant has none."""
        enabled = unit.merchants.list_enabled_adapters(merchant_id)
        members = dict.fromkeys(self._registry[key].member for key in enabled if key in self._registry)
        deciding = [adapter for member in members if (adapter := self._registry.select_adapter(member, enabled))]
        return next((each.key for each in sorted(deciding, key=lambda each: each.wire is STANDARD)), None)


def _list_deliveries(unit: UnitOfWork, event_ids: Sequence[str]) -> list[WebhookDeliveryRow] | None:
    messages = unit.events.list_by_ids(event_ids)
    is_placed = all(each.position is not None for each in messages)
    return unit.webhook_deliveries.list_of_events(event_ids) if is_placed else None
