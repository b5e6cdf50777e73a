"""The fixture `world`."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.services.world import World
from tests.support.clock import MovableClock


@pytest.fixture
def world(database_url: str, clock: MovableClock) -> Iterator[World]:
    """The services over a database with the demo partner, on each kind of database in turn."""
    with closing(World(database_url, clock)) as world:
        world.plant()
        yield world
