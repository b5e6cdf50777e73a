"""The fixture `world`: the GraphQL engine with real services on SQLite."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_world import GraphQLWorld


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened
