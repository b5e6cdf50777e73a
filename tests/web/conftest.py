"""The fixtures `world`, the pages over ASGI on SQLite with a movable clock, and `device`, a device authorization
response."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.point_of_sale import authorize_device


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


@pytest.fixture
def device(world: OAuthWorld) -> dict[str, Any]:
    """The response to the bank's device authorization request for a sale."""
    return authorize_device(world.bank)
