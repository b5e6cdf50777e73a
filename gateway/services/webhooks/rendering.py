"""The bytes that endpoints get about an event."""

from collections.abc import Callable
from dataclasses import replace

from gateway.domain.environment import Environment
from gateway.domain.webhooks.snapshot import ADAPTER
from gateway.domain.webhooks.variant import UNKNOWN_TYPE, WebhookVariant, variant_of
from gateway.kit import json
from gateway.kit.clock import WallTime
from gateway.kit.logging import get_logger
from gateway.store.outbox import OutboxRow, notice_of
from gateway.store.webhooks.delivery_rows import WebhookMessageRow
from merchants.registry import AdapterRegistry
from merchants.wire import STANDARD, Rendered, Wire

Render = Callable[[OutboxRow], Rendered]
_log = get_logger(__name__)


class EventRenderer:
    """Renders messages about decisions and disputes in the format of the decision's adapter, and all others in
    the standard envelope."""

    def __init__(self, registry: AdapterRegistry, environment: Environment) -> None:
        self._registry, self._label = registry, environment.label

    def __call__(self, message: OutboxRow) -> Rendered:
        """Returns the rendered message. Raises KeyError for an adapter that is not loaded, ValueError for a message
        without a snapshot, and whatever the adapter raises."""
        notice = notice_of(message, self._label)
        adapter = message.payload.get(ADAPTER)
        rendered = STANDARD.render(notice) if adapter is None else self._registry[adapter].render(notice)
        if variant_of(message.payload) is not WebhookVariant.UNKNOWN_TOPIC:
            return rendered
        wire = STANDARD if adapter is None else self._registry[adapter].wire
        member = wire.names.get("type", "type") if isinstance(wire, Wire) else "type"
        return replace(rendered, body=json.encode({**json.decode(rendered.body), member: UNKNOWN_TYPE}))


def render_or_log(render: Render, message: OutboxRow, now: WallTime) -> WebhookMessageRow | None:
    """Returns the rendered message. None, and a line in the log, if the adapter cannot render it: its deliveries fail,
    and are tried again."""
    try:
        rendered = render(message)
        _require_sendable(rendered)
        return WebhookMessageRow(
            event_id=message.id,
            content_type=rendered.content_type,
            signature=rendered.signature.value,
            header=rendered.header,
            body=rendered.body,
            created_at=now,
            variant=variant_of(message.payload),
        )
    except Exception as error:  # noqa: BLE001  # the code of an adapter can raise anything, and return anything
        _log.error("webhook_message_not_rendered", event_id=message.id, error=type(error).__name__)
        return None


def _require_sendable(rendered: Rendered) -> None:
    """Raises an error for what neither the database nor a request takes. It would hold up the messages after it."""
    memoryview(rendered.body)  # raises TypeError unless the body is bytes
    if not all(each.isascii() and each.isprintable() for each in (rendered.content_type, rendered.header)):
        raise ValueError("a header has a character that cannot be sent")
