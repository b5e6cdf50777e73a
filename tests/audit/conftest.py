"""Logs to tamper with."""

import pytest

from gateway.audit import log_verification
from gateway.store.database import Database
from tests.support.written_logs import Logs, make_logs


@pytest.fixture
def logs(database: Database, monkeypatch: pytest.MonkeyPatch) -> Logs:
    """The logs of one merchant. Their verification reads several batches of each."""
    monkeypatch.setattr(log_verification, "BATCH", 2)
    return make_logs(database)
