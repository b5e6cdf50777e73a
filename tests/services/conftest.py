"""The fixture `world`."""

from collections.abc import Iterator

import pytest

from tests.fixtures.demo import DemoDatabase
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    """The services with the demo partner, on each kind of database in turn."""
    with demo_database.open(clock) as world:
        yield world
