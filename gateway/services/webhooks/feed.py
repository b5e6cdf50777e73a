"""The events of a merchant in the order in which they became visible, each with the body that its endpoints get."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.domain.events import Topic
from gateway.kit.clock import WallTime
from gateway.services.webhooks.rendering import Render, render_or_log
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.unit import UnitOfWork
from gateway.store.webhooks.delivery_rows import WebhookMessageRow

_EVER = WallTime(datetime(1970, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class FeedEvent:
    """An event and its message. `message` is None if it could not be rendered; the log has the reason."""

    event: OutboxRow
    message: WebhookMessageRow | None

    @property
    def position(self) -> int:
        """The place of the event among those of all merchants."""
        assert self.event.position is not None
        return self.event.position


class EventFeed:
    """Reads events. They appear when they have their positions, which the delivery of webhooks gives them."""

    def __init__(self, database: Database, render: Render) -> None:
        self._database, self._render = database, render

    def last_position(self) -> int:
        """Returns the position of the newest event of all merchants, 0 if there is none. Raises Outage."""
        return self._database.read(lambda unit: unit.outbox.last_position())

    def list_after(
        self, merchant_id: str, position: int, *, topics: Sequence[Topic], since: WallTime | None, limit: int
    ) -> list[FeedEvent]:
        """Returns at most `limit` events of a merchant about these topics behind a position, in order. With `since`
        only those that were written at this moment or later. Bytes that an endpoint got are returned unchanged. Raises
        Outage."""

        def read(unit: UnitOfWork) -> tuple[list[OutboxRow], dict[str, WebhookMessageRow], WallTime]:
            events = unit.outbox.list_since(merchant_id, topics, since or _EVER, limit, after=position)
            stored = unit.webhook_deliveries.load_messages([each.id for each in events]) if events else {}
            return events, stored, unit.wall

        events, stored, now = self._database.read(read)
        return [FeedEvent(each, stored.get(each.id) or render_or_log(self._render, each, now)) for each in events]
