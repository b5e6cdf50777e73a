"""Receipts are signed over the log: not over a changed row, a changed entry or with a foreign key."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from gateway.domain.decisions.state import DecisionState
from gateway.domain.errors import RecordMismatch
from gateway.kit.checkpoints import parse_checkpoints
from gateway.kit.crypto import SigningKey
from gateway.services.query_unit import Needs
from gateway.settings import SettingsError
from gateway.startup import prepare_to_serve
from gateway.store.logs.keys import SIGNING_KEYS
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, request_command
from tests.support.clock import NOON, MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.logs import Forger, sign_checkpoints, without_triggers
from tests.support.receipts import claims_of
from tests.support.units import writing


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    with demo_database.open(clock) as world:
        yield world


@pytest.fixture
def decision(world: DemoWorld) -> DecisionState:
    command = request_command(car(world.clock(), "30.00"), "key", "order-1")
    return world.requester.request(world.user_token(world.grant()), command).decision


def receipt(world: DemoWorld, decision: DecisionState) -> str | None:
    token = world.user_token(world.grant())
    return world.queries.run_query(token, Needs(), lambda query: world.receipts.sign(query, decision))


def test_c2_an_unchanged_decision_has_a_receipt(world: DemoWorld, decision: DecisionState) -> None:
    signed = receipt(world, decision)
    assert signed is not None
    assert claims_of(signed)["decision"]["id"] == decision.id


@pytest.mark.parametrize(
    "change",
    [
        pytest.param("outcome = REPLACE(CAST(outcome AS TEXT), '30.00', '3.00'){json}", id="C2-outcome"),
        pytest.param("merchant_reference = 'other'", id="C2-reference"),
        pytest.param("policy_hash = 'other'", id="C2-policy"),
        pytest.param("subject = 'usr_other'", id="C2-subject"),
        pytest.param("due_minor = 1", id="C2-settlement"),
    ],
)
def test_c2_no_receipt_is_signed_over_a_changed_row(world: DemoWorld, decision: DecisionState, change: str) -> None:
    json = "" if world.database.sqlite else "::json"
    with writing(world.database) as unit:
        unit.connection.execute(text(f"UPDATE decisions SET {change.replace('{json}', json)}"))
    with pytest.raises(RecordMismatch) as refused:
        receipt(world, decision)
    assert refused.value.code == "RECORD_MISMATCH"


def test_c2_no_receipt_is_signed_over_a_changed_entry(world: DemoWorld, decision: DecisionState) -> None:
    with without_triggers(world.database, "decision_log") as connection:
        Forger(connection, "decision_log").edit_public(0, to="DECLINED")
    with pytest.raises(RecordMismatch):
        receipt(world, decision)


def test_c2_no_receipt_is_signed_over_a_changed_entry_in_a_tree_computed_again(
    world: DemoWorld, decision: DecisionState
) -> None:
    with without_triggers(world.database, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.edit_public(0, business_at="2020-01-01T00:00:00Z")
        forger.rehash(0)
        forger.rebuild()
    with pytest.raises(RecordMismatch):
        receipt(world, decision)


def test_receipt_after_erasure_needs_a_checkpoint(world: DemoWorld, decision: DecisionState) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(text("DELETE FROM user_keys"))
    with pytest.raises(RecordMismatch):
        receipt(world, decision)
    sign_checkpoints(world.database)
    assert receipt(world, decision) is not None
    with without_triggers(world.database, "decision_log") as connection:
        forger = Forger(connection, "decision_log")
        forger.edit_public(0, business_at="2020-01-01T00:00:00Z")
        forger.rehash(0)
        forger.rebuild()
    with pytest.raises(RecordMismatch):
        receipt(world, decision)


def insert_foreign_key(world: DemoWorld, key: SigningKey) -> None:
    """Writes a newer row of this key by hand."""
    with writing(world.database) as unit:
        changed = {"kid": key.kid, "public": key.public, "created_at": NOON + timedelta(days=1)}
        row = unit.keys.list_signing_keys()[0].model_copy(update=changed)
        unit.connection.execute(SIGNING_KEYS.insert(), dict(row))


def test_c2_a_foreign_key_is_neither_published_nor_used(world: DemoWorld, decision: DecisionState) -> None:
    before = receipt(world, decision)
    assert before is not None
    foreign = SigningKey()
    insert_foreign_key(world, foreign)
    published = world.database.read(lambda unit: unit.keys.list_published(unit.wall))
    assert foreign.kid not in [row.kid for row in published]
    after = receipt(world, decision)
    assert after is not None
    assert after.split(".")[0] == before.split(".")[0]  # the header names the key
    ours = [row.public for row in published]
    checkpoints = parse_checkpoints(sign_checkpoints(world.database))
    assert [each.is_signed_by(ours) for each in checkpoints] == [True] * 3
    assert world.database.read(lambda unit: unit.keys.list_foreign()) == [foreign.kid]


def test_c2_a_changed_public_half_is_neither_published_nor_used(world: DemoWorld, decision: DecisionState) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(text("UPDATE signing_keys SET public = :public"), {"public": SigningKey().public})
    assert world.database.read(lambda unit: unit.keys.list_published(unit.wall)) == []
    with pytest.raises(RecordMismatch):
        receipt(world, decision)


def test_c2_a_server_does_not_start_without_a_key_that_opens(world: DemoWorld, decision: DecisionState) -> None:
    with writing(world.database) as unit:
        unit.connection.execute(text("UPDATE signing_keys SET public = :public"), {"public": SigningKey().public})
    with pytest.raises(SettingsError, match="gateway keys rotate"):
        prepare_to_serve(world.container)
    world.database.write(lambda unit: unit.keys.rotate())
    prepare_to_serve(world.container)


def test_c2_no_receipt_is_signed_over_an_unreadable_row(world: DemoWorld, decision: DecisionState) -> None:
    json = "" if world.database.sqlite else "::json"
    with writing(world.database) as unit:
        unit.connection.execute(text(f"UPDATE decisions SET ask = '[0.5]'{json}"))
    with pytest.raises(RecordMismatch):
        receipt(world, decision)
