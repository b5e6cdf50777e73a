"""The feed of a merchant's events: bodies as endpoints got them, and else as they would get them."""

import pytest
from structlog.testing import capture_logs

from gateway.domain.events import Topic
from gateway.services.webhooks.feed import EventFeed, FeedEvent
from gateway.store.outbox import OutboxRow
from merchants.wire import Rendered
from tests.support.webhook_world import Receiver, WebhookWorld, render

pytestmark = pytest.mark.postgresql


def read_all(world: WebhookWorld, feed: EventFeed) -> list[FeedEvent]:
    return feed.list_after(world.merchant_id, 0, topics=tuple(Topic), since=None, limit=10)


def unlike(message: OutboxRow) -> Rendered:
    """A later version of a format."""
    rendered = render(message)
    return Rendered(b"{}", rendered.content_type, rendered.signature, rendered.header)


def test_bytes_that_an_endpoint_got_are_not_rendered_again(world: WebhookWorld) -> None:
    feed = EventFeed(world.database, unlike)
    with Receiver() as receiver:
        without_endpoint = world.emit()
        world.settle()
        world.endpoint(receiver.url())
        world.emit()
        world.settle()
        first, second = read_all(world, feed)
        assert first.message is not None
        assert second.message is not None
        assert (first.event.id, first.message.body) == (without_endpoint, b"{}")
        assert second.message.body == receiver.received[0].body != b"{}"


def test_event_that_cannot_be_rendered_has_no_message(world: WebhookWorld) -> None:
    def fail(_: OutboxRow) -> Rendered:
        raise KeyError("an adapter")

    event_id = world.emit()
    world.settle()
    with capture_logs() as logs:
        (event,) = read_all(world, EventFeed(world.database, fail))
    assert (event.event.id, event.message) == (event_id, None)
    assert [entry["event"] for entry in logs] == ["webhook_message_not_rendered"]


def test_event_without_a_position_does_not_appear(world: WebhookWorld) -> None:
    feed = EventFeed(world.database, render)
    world.emit()
    assert (read_all(world, feed), feed.last_position()) == ([], 0)
    world.settle()
    assert [each.position for each in read_all(world, feed)] == [feed.last_position()] == [1]
