"""`gateway database`: what purge deletes and prints, and what check finds."""

import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.kit.clock import WallTime
from gateway.kit.crypto import SigningKey
from gateway.store.database import Database
from gateway.store.logs.keys import SIGNING_KEYS
from gateway.store.purge import PURGED
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.units import writing

SCORES = ("behaviour_records", "score_snapshots")
LONG_AGO = WallTime(datetime(2020, 1, 1, tzinfo=UTC))


@pytest.fixture
def expired(database_url: str) -> None:
    """A database with two expired rows."""
    with closing(Database(database_url)) as database, writing(database) as unit:
        unit.replays.record_use("one", LONG_AGO, LONG_AGO)
        unit.replays.record_use("two", LONG_AGO, LONG_AGO)


def test_b2_purge_prints_one_line_for_each_table(gateway: Gateway, expired: None) -> None:
    lines = gateway.output("database", "purge").splitlines()
    assert [line.split(":")[0] for line in lines] == [*PURGED, *SCORES]
    assert "oauth_replays: 2 rows deleted." in lines
    assert "sessions: 0 rows deleted." in lines


def test_b2_purge_as_json(gateway: Gateway, expired: None) -> None:
    expected = dict.fromkeys([*PURGED, *SCORES], 0) | {"oauth_replays": 2}
    assert json.loads(gateway.output("database", "purge", "--json")) == expected


def test_c2_check_names_a_foreign_signing_key(gateway: Gateway, world: DemoWorld) -> None:
    foreign = SigningKey()
    with writing(world.database) as unit:
        unit.keys.rotate()
        row = unit.keys.list_signing_keys()[0].model_copy(update={"kid": foreign.kid, "public": foreign.public})
        unit.connection.execute(SIGNING_KEYS.insert(), dict(row))
    done = gateway("database", "check", "--deep")
    assert done.returncode == 1
    assert f"Signing key {foreign.kid}: its sealed half does not open to it" in done.stdout


def test_c2_check_names_a_changed_decision(gateway: Gateway, world: DemoWorld) -> None:
    command = request_command(car(world.clock(), "30.00"), "key", "order-1")
    decision = world.requester.request(world.user_token(world.grant()), command).decision
    assert gateway.output("database", "check", "--deep")
    with writing(world.database) as unit:
        unit.connection.execute(text("UPDATE decisions SET merchant_reference = 'other'"))
    assert f"decision {decision.id} does not match the digest" in gateway("database", "check", "--deep").stdout


def test_c2_check_without_the_secret_key_says_so(database_url: str, tmp_path: Path) -> None:
    done = Gateway(database_url, tmp_path)("database", "check", "--deep", "--json")
    assert (done.returncode, json.loads(done.stdout)["mismatches"]) == (0, [])
    assert done.stderr.startswith("The signing keys were not checked")
