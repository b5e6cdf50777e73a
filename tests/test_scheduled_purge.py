"""A running server deletes expired rows by itself."""

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from gateway.app import create_app
from gateway.kit.clock import WallTime, wall_clock
from gateway.settings import Settings
from tests.support.units import writing
from tests.support.world import World


def test_b2_a_server_purges_and_logs_how_many(sqlite_url: str, settings: Settings) -> None:
    changed = {"database_url": sqlite_url, "purge_interval": timedelta(seconds=1), "log_level": "INFO"}
    with closing(World(settings.model_copy(update=changed), wall_clock)) as world:
        with writing(world.database) as unit:
            long_ago = WallTime(datetime(2020, 1, 1, tzinfo=UTC))
            unit.replays.record_use("r", long_ago, long_ago)
        with capture_logs() as logs, TestClient(create_app(world.container)):
            for _ in range(1000):
                if not world.rows("SELECT digest FROM oauth_replays"):
                    break
                time.sleep(0.01)
            else:
                pytest.fail("The row was never deleted.")
    assert [line.get("oauth_replays") for line in logs if line["event"] == "purged"] == [1]
