"""The fixture `world`: the pages over ASGI on SQLite, with a clock moved by hand."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.settings import Settings
from gateway.store.database import Database
from tests.support.clock import MovableClock
from tests.support.oauth_world import World, build_world


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    with closing(Database(sqlite_url)) as database:
        yield build_world(database, settings, clock)
