"""Claims deliveries that are due, and makes attempts of them."""

from itertools import zip_longest

from gateway.kit.clock import WallTime
from gateway.kit.crypto import SealBroken
from gateway.kit.logging import get_logger
from gateway.services.webhooks.rendering import Render, render_or_log
from gateway.services.webhooks.sending import Attempt
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import WebhookMessageRow
from gateway.store.webhooks.endpoints import WebhookEndpointRow

_log = get_logger(__name__)


class Claims:
    """Begins attempts. `render` renders messages that could not be rendered before. `has_faults` is whether partners
    can inject faults into attempts."""

    def __init__(self, render: Render, *, has_faults: bool) -> None:
        self._render, self._has_faults = render, has_faults

    def claim(self, unit: UnitOfWork, endpoint: WebhookEndpointRow, lost_at: WallTime, most: int) -> list[Attempt]:
        """Begins at most `most` attempts at an endpoint, which count as lost at `lost_at`. Returns none, and logs it,
        if the secret of the endpoint cannot be read."""
        try:
            secrets = tuple(unit.webhook_endpoints.open_secrets(endpoint, unit.wall))
        except SealBroken:
            _log.error("webhook_secret_not_readable", endpoint=endpoint.id)
            return []
        claimed = unit.webhook_deliveries.claim(endpoint.id, unit.wall, lost_at, most)
        messages = unit.webhook_deliveries.load_messages([row.event_id for row in claimed]) if claimed else {}
        forced = unit.faults.fail_attempts(endpoint.merchant_id, len(claimed)) if self._has_faults and claimed else []
        return [
            Attempt.of(
                row, endpoint, secrets, messages.get(row.event_id) or self._render_again(unit, row.event_id), status
            )
            for row, status in zip_longest(claimed, forced)
        ]

    def _render_again(self, unit: UnitOfWork, event_id: str) -> WebhookMessageRow | None:
        message = unit.outbox.load(event_id)
        rendered = None if message is None else render_or_log(self._render, message, unit.wall)
        if rendered is not None:
            unit.webhook_deliveries.insert([rendered], [])
        return rendered
