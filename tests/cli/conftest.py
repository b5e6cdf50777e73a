"""A command reads its database by address. What the databases do differently is tested layer by layer; so PostgreSQL's
turn at the command line comes with the long rounds."""

import base64
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.database import KINDS
from tests.fixtures.settings import MASTER
from tests.services.world import World
from tests.support.clock import MovableClock
from tests.support.operators import Gateway


@pytest.fixture(params=[kind if kind == "sqlite" else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS])
def database_url(request: pytest.FixtureRequest) -> Any:
    """The address of a migrated database, on SQLite, and in the long rounds on PostgreSQL."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    """The demo partner's services over the database of the command line."""
    with closing(World(database_url, MovableClock())) as world:
        world.plant()
        yield world


@pytest.fixture
def gateway(database_url: str, tmp_path: Path) -> Gateway:
    """An operator with the key of that deployment."""
    return Gateway(database_url, tmp_path, GATEWAY_SECRET_KEY=base64.b64encode(MASTER).decode())
