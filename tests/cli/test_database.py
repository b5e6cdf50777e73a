"""`gateway database purge`: what it deletes and prints."""

import json
from contextlib import closing
from datetime import UTC, datetime

import pytest

from gateway.kit.clock import WallTime
from gateway.store.database import Database
from gateway.store.purge import PURGED
from tests.support.operators import Gateway
from tests.support.units import writing

LONG_AGO = WallTime(datetime(2020, 1, 1, tzinfo=UTC))


@pytest.fixture
def expired(database_url: str) -> None:
    """A database with two expired rows."""
    with closing(Database(database_url)) as database, writing(database) as unit:
        unit.replays.record_use("one", LONG_AGO)
        unit.replays.record_use("two", LONG_AGO)


def test_b2_purge_prints_one_line_for_each_table(gateway: Gateway, expired: None) -> None:
    lines = gateway.output("database", "purge").splitlines()
    assert [line.split(":")[0] for line in lines] == list(PURGED)
    assert "oauth_replays: 2 rows deleted." in lines
    assert "sessions: 0 rows deleted." in lines


def test_b2_purge_as_json(gateway: Gateway, expired: None) -> None:
    assert json.loads(gateway.output("database", "purge", "--json")) == dict.fromkeys(PURGED, 0) | {"oauth_replays": 2}
