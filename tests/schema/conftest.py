"""The GraphQL engine with real services: `world` on SQLite, `each_world` on each kind of database in turn."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import GraphQLWorld
from tests.support.webhook_world import Receiver


@pytest.fixture
def world(settings: Settings, sqlite_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": sqlite_url}), clock)) as opened:
        yield opened


@pytest.fixture
def each_world(settings: Settings, database_url: str, clock: MovableClock) -> Iterator[GraphQLWorld]:
    with closing(GraphQLWorld(settings.model_copy(update={"database_url": database_url}), clock)) as opened:
        yield opened


@pytest.fixture
def hooks(world: GraphQLWorld) -> GraphQLHooks:
    return GraphQLHooks(world)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
