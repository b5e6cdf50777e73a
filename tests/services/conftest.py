"""The fixture `world`."""

import pytest

from gateway.store.database import Database
from tests.services.world import World
from tests.support.clock import MovableClock


@pytest.fixture
def world(database: Database, clock: MovableClock) -> World:
    """The services over a database with the demo partner, on each kind of database in turn."""
    world = World(database, clock)
    world.plant()
    return world
