"""Words of merchants and persons about each other are in no column of the database in plaintext."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.domain.decisions.transitions import BreachKind
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    ExtendCommand,
    ReduceCommand,
)
from gateway.store.tables import metadata
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, request_command
from tests.services.decisions import yuan
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.units import reading

pytestmark = pytest.mark.postgresql

WORDS = (
    *("delayed-ferry", "changed-plans", "scratched-seat", "broken-mirror", "photo-of-it"),
    *("already-broken", "garage-says", "judged-so"),
)


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    with demo_database.open(clock) as world:
        yield world


def test_c4_words_are_stored_sealed_only(world: DemoWorld) -> None:
    merchant, person = world.merchant_token(), world.user("excellent")
    cancelled, breached = (
        world.requester.request(
            world.user_token(world.grant()), request_command(car(world.clock(), "30.00"), f"k{n}", f"order-{n}")
        ).decision
        for n in range(2)
    )
    world.transitions.cancel(merchant, CancelCommand(cancelled.id, "cancel", "changed-plans"))
    world.clock.advance(minutes=1)
    active = world.transitions.activate(merchant, ActivateCommand(breached.id, "activate"))
    assert active.settlement is not None
    assert active.settlement.due_at is not None
    later = BusinessTime(active.settlement.due_at + timedelta(days=30))
    world.transitions.extend(merchant, ExtendCommand(breached.id, "extend", later, "delayed-ferry"))
    world.transitions.reduce(merchant, ReduceCommand(breached.id, "reduce", yuan("20.00"), "scratched-seat"))
    evidence = ("https://files.example/photo-of-it",)
    world.transitions.report_breach(
        merchant, BreachCommand(breached.id, "breach", BreachKind.DAMAGED, None, evidence, "broken-mirror")
    )
    dispute = world.disputes.open(person, breached.id, "already-broken")
    world.disputes.respond(merchant, RespondCommand(dispute.id, "respond", False, "garage-says"))
    world.disputes.resolve(dispute.id, uphold=False, resolution="judged-so")
    with reading(world.database) as unit:
        stored = [
            (f"{table.name}.{column}", str(value))
            for table in metadata.sorted_tables
            for row in unit.connection.execute(select(table)).mappings()
            for column, value in row.items()
        ]
    assert [place for place, value in stored if any(word in value for word in WORDS)] == []
