"""The fixture `world`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld


@pytest.fixture
def world(database_url: str, clock: MovableClock) -> Iterator[DemoWorld]:
    """The services with the demo partner, on each kind of database in turn."""
    with closing(DemoWorld(database_url, clock)) as world:
        world.seed_demo()
        yield world
