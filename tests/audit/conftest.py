"""Logs and decisions to tamper with."""

from collections.abc import Iterator

import pytest

from gateway.audit import log_verification
from gateway.store.database import Database
from tests.fixtures.demo import DemoDatabase
from tests.support.clock import MovableClock
from tests.support.decision_history import DecisionHistory, make_history
from tests.support.written_logs import Logs, make_logs


@pytest.fixture
def logs(database: Database, monkeypatch: pytest.MonkeyPatch) -> Logs:
    """The logs of one merchant. Their verification reads several batches of each."""
    monkeypatch.setattr(log_verification, "BATCH", 2)
    return make_logs(database)


@pytest.fixture
def history(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DecisionHistory]:
    with demo_database.open(clock) as world:
        yield make_history(world)
