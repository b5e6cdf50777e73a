"""The view of a delivery to a webhook endpoint."""

from dataclasses import dataclass

from gateway.domain.events import wire_name
from gateway.services.sandbox.partner_webhooks import Delivery
from gateway.store.webhooks.delivery_rows import DeliveryStatus, WebhookAttemptRow
from gateway.web.texts import Texts, msgid

STATUSES = {
    DeliveryStatus.PENDING: msgid("waits"),
    DeliveryStatus.DELIVERED: msgid("delivered"),
    DeliveryStatus.FAILED: msgid("failed"),
}
_RESPONSE = msgid("HTTP %(status)s after %(duration)s ms")
_NO_RESPONSE = msgid("no response after %(duration)s ms: %(error)s")
_NEXT = msgid("Next attempt: %(moment)s")


@dataclass(frozen=True, slots=True)
class DeliveryView:
    """A delivery: its event, its status, a sentence about the next attempt ("" if there is none), and its attempts."""

    id: str
    topic: str
    event_id: str
    status: str
    is_failed: bool
    moment: str
    next_attempt: str
    attempts: tuple[str, ...]


def describe_delivery(texts: Texts, delivery: Delivery) -> DeliveryView:
    """The view of the delivery in this language."""
    row = delivery.row
    return DeliveryView(
        id=row.id,
        topic=wire_name(delivery.topic),
        event_id=row.event_id,
        status=texts.gettext(STATUSES[DeliveryStatus(row.status)]),
        is_failed=row.status == DeliveryStatus.FAILED,
        moment=texts.moment(row.created_at),
        next_attempt=texts.gettext(_NEXT, moment=texts.moment(row.due_at)) if row.due_at is not None else "",
        attempts=tuple(f"{each.number}. {_describe_attempt(texts, each)}" for each in delivery.attempts),
    )


def _describe_attempt(texts: Texts, attempt: WebhookAttemptRow) -> str:
    if attempt.response_status is None:
        return texts.gettext(_NO_RESPONSE, duration=attempt.duration_ms, error=attempt.error or "")
    return texts.gettext(_RESPONSE, status=attempt.response_status, duration=attempt.duration_ms)
