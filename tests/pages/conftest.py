"""The command line and the services, over one SQLite database with the demo partner."""

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.kit.clock import WallTime, wall_clock
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway


@pytest.fixture
def world(sqlite_url: str) -> Iterator[DemoWorld]:
    """The services, over the database of the commands. They have the real time, because commands have it."""
    with closing(DemoWorld(sqlite_url, MovableClock())) as world:
        world.clock.now = WallTime(wall_clock().replace(microsecond=0))
        world.seed_demo()
        yield world


@pytest.fixture
def gateway(sqlite_url: str, tmp_path: Path) -> Gateway:
    """The command line with the master key of the deployment."""
    return Gateway(sqlite_url, tmp_path, GATEWAY_SECRET_KEY=base64.b64encode(MASTER).decode())
