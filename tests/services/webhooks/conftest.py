"""The fixtures of tests of webhooks."""

from collections.abc import Iterator

import pytest

from gateway.store.database import Database
from tests.support.clock import MovableClock
from tests.support.webhook_world import Receiver, WebhookWorld


@pytest.fixture
def world(database: Database, clock: MovableClock) -> WebhookWorld:
    """A merchant and a worker, on each kind of database in turn."""
    return WebhookWorld(database, clock)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver that accepts everything."""
    with Receiver() as receiver:
        yield receiver
