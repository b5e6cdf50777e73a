"""The bytes that endpoints get about an event."""

from collections.abc import Callable

from gateway.kit.clock import WallTime
from gateway.kit.logging import get_logger
from gateway.store.outbox import OutboxRow
from gateway.store.webhooks.deliveries import WebhookMessageRow
from merchants.wire import Rendered

Render = Callable[[OutboxRow], Rendered]
_log = get_logger(__name__)


def render_or_log(render: Render, message: OutboxRow, now: WallTime) -> WebhookMessageRow | None:
    """Returns the rendered message. None, and a line in the log, if the adapter cannot render it: its deliveries fail,
    and are tried again."""
    try:
        rendered = render(message)
    except Exception as error:  # noqa: BLE001  # the code of an adapter can raise anything
        _log.error("webhook_message_not_rendered", event_id=message.id, error=type(error).__name__)
        return None
    return WebhookMessageRow(
        event_id=message.id,
        content_type=rendered.content_type,
        signature=rendered.signature.value,
        header=rendered.header,
        body=rendered.body,
        created_at=now,
    )
