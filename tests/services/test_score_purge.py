"""The purge of behaviour records that have no weight any more, and of old computations."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.scoring.record import Dimension, RecordKind, month_of, month_start
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.purge import ScorePurge
from gateway.store.scoring.records import GATEWAY, new_record_row
from gateway.store.tables import metadata
from tests.support.clock import BUSINESS_NOON as NOW
from tests.support.demo_world import DemoWorld
from tests.support.records import record
from tests.support.units import writing

pytestmark = pytest.mark.postgresql


def at(months: int) -> BusinessTime:
    """A moment in the month so many months ago."""
    return BusinessTime(month_start(month_of(NOW) - months) + timedelta(days=3))


def purge(world: DemoWorld, batch: int = 2) -> dict[str, int]:
    return dict(ScorePurge(world.database, world.source.cards).purge(100, batch, lambda: True))


@pytest.mark.parametrize(
    ("kind", "kept", "deleted"),
    [
        (RecordKind.KEPT, {"at": at(59)}, {"at": at(60)}),
        (RecordKind.KEPT_WITH_DEPOSIT, {"at": at(59)}, {"at": at(60)}),
        (RecordKind.LATE, {"at": at(59)}, {"at": at(60)}),
        (RecordKind.BROKEN, {"at": at(70), "ended_at": at(59)}, {"at": at(70), "ended_at": at(60)}),
        (RecordKind.MONTHS, {"at": at(23), "months": 3}, {"at": at(24), "months": 3}),
    ],
)
def test_records_are_deleted_when_they_have_no_weight(
    world: DemoWorld, kind: RecordKind, kept: dict[str, Any], deleted: dict[str, Any]
) -> None:
    is_assessment = kind is RecordKind.MONTHS
    shared: dict[str, Any] = {"dimension": Dimension.SHOPPING, "amount": None} if is_assessment else {}
    user = world.user("good")
    with writing(world.database) as unit:
        before = len(unit.behaviour_records.list_of_user(user))
        stays = record(kind, **kept, **shared)
        rows = [stays, *(record(kind, **deleted, **shared) for _ in range(5))]
        unit.behaviour_records.insert_all([new_record_row(each, user, source="s", reference=each.id) for each in rows])
    assert purge(world) == {"behaviour_records": 5, "score_snapshots": 0}
    with writing(world.database) as unit:
        left = unit.behaviour_records.list_of_user(user)
    assert (len(left), stays.id in {each.id for each in left}) == (before + 1, True)
    assert purge(world)["behaviour_records"] == 0


def test_open_and_identity_records_stay(world: DemoWorld) -> None:
    user = world.user("good")
    rows = [
        record(RecordKind.OVERDUE, at=at(100)),
        record(RecordKind.BROKEN, at=at(100)),
        record(RecordKind.PHONE, at=at(100), dimension=Dimension.IDENTITY, amount=None),
    ]
    with writing(world.database) as unit:
        unit.behaviour_records.insert_all([new_record_row(each, user, source="s", reference=each.id) for each in rows])
    assert purge(world)["behaviour_records"] == 0


def test_records_of_decisions_stay(world: DemoWorld) -> None:
    old = record(at=at(80))
    with writing(world.database) as unit:
        row = new_record_row(old, world.user("good"), source=GATEWAY, reference=old.id)
        unit.behaviour_records.insert_all([row])
    assert purge(world)["behaviour_records"] == 0


def test_old_computations_are_deleted_except_for_the_newest_of_each_person(world: DemoWorld) -> None:
    assert purge(world)["score_snapshots"] == 0
    world.clock.advance(timedelta(days=62 * 31))
    assert purge(world, 100)["score_snapshots"] == 0
    world.source.measure(world.user("good"), world.now)
    assert purge(world, 100)["score_snapshots"] == 1
    assert world.mismatches() == []


def test_computations_that_stay_do_not_stop_the_purge(world: DemoWorld) -> None:
    """Those of `excellent` and `threshold`, who have no newer one, are the oldest and fill a batch."""
    world.clock.advance(timedelta(days=62 * 31))
    world.source.measure(world.user("just-below"), world.now)
    assert purge(world)["score_snapshots"] == 1
    assert world.mismatches() == []


def test_tasks_purge_and_report_these_tables(world: DemoWorld) -> None:
    world.clock.advance(timedelta(days=62 * 31))
    world.container.tasks.apply_due()
    deleted = world.container.tasks.purge()
    assert {"behaviour_records", "score_snapshots"} <= deleted.keys() <= metadata.tables.keys()
    assert world.mismatches() == []
