"""Reconciliation of disputes about imported records with these records, after manual changes."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.score_imports import import_records, make_people, row, user_id


@pytest.fixture
def disputes(database_url: str, clock: MovableClock) -> Iterator[tuple[DemoWorld, dict[str, str]]]:
    """A deployment with an open, an upheld, a rejected and a corrected dispute, and a record that its source contests;
    and the ids of the disputes by the id of their record."""
    with closing(DemoWorld(database_url, clock)) as world:
        make_people(world.container, "mei")
        rows = [row(number, kind="LATE", at="2026-11-01") for number in range(1, 6)]
        import_records(world.container, *rows[:4], {**rows[4], "contested": True})
        service, opened = world.container.record_disputes, dict[str, str]()
        mei = world.database.read(lambda unit: user_id(unit, "mei"))
        for record_id, reference in world.rows("SELECT id, reference FROM behaviour_records WHERE reference <> 'r5'"):
            opened[reference] = service.open(mei, record_id, "No.").id
        service.resolve(opened["r2"], uphold=True, resolution="Yes.")
        service.resolve(opened["r3"], uphold=False, resolution="No.")
        import_records(world.container, {**rows[3], "kind": "KEPT"})
        assert world.container.tasks.apply_due() == 1
        yield world, opened


@pytest.mark.postgresql
def test_matching_disputes_have_no_mismatch(disputes: tuple[DemoWorld, dict[str, str]]) -> None:
    assert disputes[0].mismatches() == []


@pytest.mark.parametrize(
    ("change", "record", "mismatch"),
    [
        ("contested_at = NULL", "r1", "it is open, but the record is not contested."),
        ("removed_at = NULL", "r2", "it was upheld, but the record was not removed."),
        (
            "contested_at = (SELECT opened_at FROM record_disputes WHERE reference = 'r3')",
            "r3",
            "it has ended, but the record is contested.",
        ),
    ],
)
def test_changed_record_is_found(
    disputes: tuple[DemoWorld, dict[str, str]], change: str, record: str, mismatch: str
) -> None:
    world, opened = disputes
    world.execute(f"UPDATE behaviour_records SET {change} WHERE reference = '{record}'")
    assert world.mismatches() == [f"Dispute {opened[record]}: {mismatch}"]


def test_removed_record_without_a_dispute_is_found(disputes: tuple[DemoWorld, dict[str, str]]) -> None:
    world, _ = disputes
    world.execute("UPDATE behaviour_records SET removed_at = at WHERE reference = 'r5'")
    ((record,),) = world.rows("SELECT id FROM behaviour_records WHERE reference = 'r5'")
    assert world.mismatches() == [f"Record {record}: it was removed, but no dispute about it was upheld."]


def test_deleted_dispute_about_a_removed_record_is_found(disputes: tuple[DemoWorld, dict[str, str]]) -> None:
    world, opened = disputes
    world.execute(f"DELETE FROM record_disputes WHERE id = '{opened['r2']}'")
    assert len(world.mismatches()) == 1
