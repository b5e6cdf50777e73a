"""The command line and the services, over one database with the demo partner."""

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway


@pytest.fixture
def world(database_url: str) -> Iterator[DemoWorld]:
    """The services, over the database of the command line."""
    with closing(DemoWorld(database_url, MovableClock())) as world:
        world.seed_demo()
        yield world


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    """The command line with the master key of the deployment."""
    return Gateway(database_url, tmp_path, GATEWAY_SECRET_KEY=base64.b64encode(MASTER).decode())
