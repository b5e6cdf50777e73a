"""Logs and decisions to tamper with."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from gateway.audit import log_verification
from gateway.store.database import Database
from tests.support.clock import MovableClock
from tests.support.decision_history import DecisionHistory, make_history
from tests.support.demo_world import DemoWorld
from tests.support.written_logs import Logs, make_logs


@pytest.fixture
def logs(database: Database, monkeypatch: pytest.MonkeyPatch) -> Logs:
    """The logs of one merchant. Their verification reads several batches of each."""
    monkeypatch.setattr(log_verification, "BATCH", 2)
    return make_logs(database)


@pytest.fixture
def history(database_url: str, clock: MovableClock) -> Iterator[DecisionHistory]:
    with closing(DemoWorld(database_url, clock)) as world:
        world.seed_demo()
        yield make_history(world)
