"""A score provider of this process, and sandboxes that use it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.settings import sandbox_settings
from tests.support.clock import MovableClock
from tests.support.remote_world import OpenWorld, RemoteWorld
from tests.support.score_provider import Provider


@pytest.fixture
def provider(tmp_path: Path, clock: MovableClock) -> Iterator[Provider]:
    folder = tmp_path / "provider"
    folder.mkdir()
    with Provider(folder, sandbox_settings().issuer, clock) as provider:
        yield provider
        provider.may_respond.set()


@pytest.fixture
def open_world(sqlite_url: str, clock: MovableClock, provider: Provider) -> Iterator[OpenWorld]:
    """A function that opens a sandbox over SQLite. Its attempts end soon and are not repeated."""
    with ExitStack() as worlds:

        def open_world(**settings: Any) -> RemoteWorld:
            quick = {"score_retries": 0, "score_circuit_failures": 1000}
            world = RemoteWorld(sqlite_url, clock, provider, **{**quick, **settings})
            return worlds.enter_context(closing(world))

        yield open_world


@pytest.fixture
def world(open_world: OpenWorld) -> RemoteWorld:
    return open_world()


@pytest.fixture
def each_world(database_url: str, clock: MovableClock, provider: Provider) -> Iterator[RemoteWorld]:
    """A sandbox over each database in turn."""
    with closing(RemoteWorld(database_url, clock, provider, score_retries=0)) as world:
        yield world
