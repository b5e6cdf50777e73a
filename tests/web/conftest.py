"""The fixtures `world`, the pages over ASGI on SQLite, with a clock moved by hand, and `told`, what a till was told."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.oauth_world import OAuthWorld
from tests.support.till import asked


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    with closing(OAuthWorld(sqlite_url, settings, clock)) as made:
        yield made


@pytest.fixture
def told(world: OAuthWorld) -> dict[str, Any]:
    """The answer to the bank's device authorization request for a sale."""
    return asked(world.bank)
