"""The fixtures `world`, on SQLite with a clock moved by hand, `each_world`, the same on both databases, for what rows
decide, and `racing_world`, on both databases in real time; and `profile`, each client profile in turn."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.domain.client import BASELINE, FAPI2
from gateway.kit.clock import wall_clock
from gateway.settings import Settings
from gateway.store.database import Database
from tests.support.clock import MovableClock
from tests.support.oauth_world import World, build_world


@pytest.fixture
def world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    with closing(Database(sqlite_url)) as database:
        yield build_world(database, settings, clock)


@pytest.fixture
def each_world(database_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    with closing(Database(database_url)) as database:
        yield build_world(database, settings, clock)


@pytest.fixture
def racing_world(database_url: str, settings: Settings) -> Iterator[World]:
    with closing(Database(database_url)) as database:
        yield build_world(database, settings, wall_clock)


@pytest.fixture(params=[BASELINE, FAPI2])
def profile(request: pytest.FixtureRequest) -> str:
    return str(request.param)
