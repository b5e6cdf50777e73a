"""The import of behaviour records: all or none, repetition, corrections, and imports that ended or run at once."""

import os
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest

from gateway.bootstrap import build
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import business_time
from gateway.services.container import Container
from gateway.services.scoring import record_files
from gateway.services.scoring.record_import import ImportRefused, RecordsImported
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.race import race
from tests.support.score_imports import (
    computation,
    compute,
    faults_of,
    history,
    import_records,
    importer,
    lines,
    make_people,
    records_of,
    row,
    user_id,
)
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql
LATER = "2026-11-10"


@pytest.fixture
def live(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    """A live deployment with the people mei and bo, on each kind of database in turn."""
    with closing(LiveWorld(database_url, clock)) as opened:
        make_people(opened.container, "mei", "bo")
        yield opened


@pytest.fixture
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_files, "BATCH", 2)


def counts(result: RecordsImported) -> tuple[int, int, int, int]:
    return result.added, result.replaced, result.unchanged, result.persons


@pytest.mark.usefixtures("_small_batches")
def test_records_are_visible_and_scores_due_after_the_import(live: LiveWorld) -> None:
    result = import_records(live.container, *history(), row(99, person="bo", kind="LATE"))
    assert counts(result) == (13, 0, 0, 2)
    assert len(records_of(live.container)) == 12
    assert computation(live.container).count_due() == 2
    assert computation(live.container).compute_all() == 2
    score = compute(live.container)
    assert (score.score is not None, score.cause) == (True, "FIRST")
    assert compute(live.container, "bo").tier == Tier.UNSCORED


@pytest.mark.usefixtures("_small_batches")
def test_same_file_again_changes_nothing(live: LiveWorld) -> None:
    import_records(live.container, *history())
    compute(live.container)
    live.clock.advance(timedelta(minutes=1))
    before = live.contents()
    again = import_records(live.container, *reversed(history()))
    assert (again.import_id, counts(again)) == (None, (0, 0, 12, 0))
    assert live.contents() == before


def test_file_with_one_more_record_adds_one(live: LiveWorld) -> None:
    import_records(live.container, *history(10))
    assert counts(import_records(live.container, *history(11))) == (1, 0, 10, 1)
    assert len(records_of(live.container)) == 11


def test_equal_values_in_another_form_are_no_change(live: LiveWorld) -> None:
    import_records(live.container, row(1, at="2026-11-02T00:00:00Z", amount="100", months=None))
    for same in ({"at": "2026-11-02"}, {"at": "2026-11-02T08:00:00+08:00"}, {"amount": 100.0}, {"contested": False}):
        assert counts(import_records(live.container, row(1, **{"at": "2026-11-02", **same}))) == (0, 0, 1, 0)


def test_faults_are_found_on_every_line_and_nothing_is_written(live: LiveWorld) -> None:
    before = live.contents()
    faults = faults_of(live.container, row(1), row(2, person="x"), row(3, kind="LAT"), row(1), row(4, months=3))
    assert [(fault.line, fault.field) for fault in faults] == [(2, "person"), (3, "kind"), (4, "id"), (5, "months")]
    assert faults[0].message == "There is no person with this external id."
    assert live.contents() == before


def test_correction_replaces_the_earlier_version(live: LiveWorld) -> None:
    import_records(live.container, *history(3))
    assert counts(import_records(live.container, row(1, amount="20.00"))) == (0, 1, 0, 1)
    (changed,) = [each for each in records_of(live.container) if each.reference == "r1"]
    assert (changed.amount_minor, len(records_of(live.container))) == (2000, 3)
    assert counts(import_records(live.container, row(1))) == (0, 1, 0, 1)  # back again
    assert sorted(each.amount_minor or 0 for each in records_of(live.container)) == [10_000] * 3


def test_record_can_move_to_another_person(live: LiveWorld) -> None:
    import_records(live.container, *history(3))
    compute(live.container), compute(live.container, "bo")
    assert counts(import_records(live.container, row(1, person="bo"))) == (0, 1, 0, 2)
    assert computation(live.container).count_due() == 2
    assert (len(records_of(live.container)), len(records_of(live.container, "bo"))) == (2, 1)


def excellent(live: LiveWorld) -> int:
    """Imports a history, with which mei has a good score. Returns the score."""
    identity = row(100, dimension="IDENTITY", kind="LIVENESS", amount=None, currency=None)
    shop = row(101, dimension="SHOPPING", kind="MONTHS", months=12, amount=None, currency=None)
    import_records(live.container, *history(32), identity, shop)
    score = compute(live.container)
    assert score.score is not None
    return score.score


@pytest.mark.parametrize(
    "correction",
    [{"kind": "KEPT"}, {"contested": True}, {"person": "bo"}],
    ids=lambda changes: next(iter(changes)),
)
def test_correction_of_a_broken_record_restores_the_tier_at_once(live: LiveWorld, correction: dict[str, Any]) -> None:
    before, tier = excellent(live), compute(live.container).tier
    live.clock.advance(timedelta(hours=1))
    import_records(live.container, row(200, kind="BROKEN", at=LATER))
    fallen = compute(live.container)
    assert fallen.score is not None
    assert (fallen.score < before - 50, Tier(fallen.tier).rank < Tier(tier).rank) == (True, True)
    live.clock.advance(timedelta(hours=1))
    import_records(live.container, row(200, at=LATER, **{"kind": "BROKEN", **correction}))
    restored = compute(live.container)
    assert (restored.tier, restored.cause) == (tier, "CORRECTION")
    assert restored.score is not None
    assert restored.score >= before


def test_correction_counts_from_the_publication_of_the_record(live: LiveWorld) -> None:
    import_records(live.container, *history(3), row(200, kind="BROKEN", at="2026-05-01"))
    published = business_time(live.clock.now, 0)
    live.clock.advance(timedelta(hours=1))
    import_records(live.container, row(200, kind="LATE", at="2026-05-01"))
    with reading(live.container.database) as unit:
        marked = unit.scores.load(records_of(live.container)[0].user_id)
    assert marked is not None
    assert (marked.pending, marked.correct_from) == ("IMPORT", published)


def test_write_off_of_a_broken_record_is_no_correction(live: LiveWorld) -> None:
    import_records(live.container, *history(3), row(200, kind="BROKEN", at="2026-05-01"))
    compute(live.container)
    live.clock.advance(timedelta(hours=1))
    import_records(live.container, row(200, kind="BROKEN", at="2026-05-01", ended_at=LATER))
    assert compute(live.container).cause == "IMPORT"


def test_file_that_does_not_mention_a_dispute_keeps_it(live: LiveWorld) -> None:
    import_records(live.container, row(1, kind="LATE", contested=True))
    import_records(live.container, row(1, kind="LATE"))
    import_records(live.container, row(1, kind="LATE", amount="5.00"))
    (kept,) = records_of(live.container)
    assert (kept.amount_minor, kept.contested_at) == (500, business_time(live.clock.now, 0))
    import_records(live.container, row(1, kind="LATE", contested=False))
    (ended,) = records_of(live.container)
    assert (ended.amount_minor, ended.contested_at) == (10_000, None)


class Stopped(Exception):
    pass


def stop_at_second_batch() -> Any:
    """A progress function that raises at the second batch."""
    batches = iter([False])

    def advance(_: int) -> None:
        if next(batches, True):
            raise Stopped

    return advance


def run_until_stopped(container: Container, *rows: dict[str, Any]) -> None:
    file = importer(container).read(lines(rows))
    with closing(file.spool), pytest.raises(Stopped):
        importer(container).run(file, stop_at_second_batch())


@pytest.mark.usefixtures("_small_batches")
def test_failed_import_is_invisible_and_the_next_one_removes_it(live: LiveWorld) -> None:
    import_records(live.container, *history(4))
    run_until_stopped(live.container, *history(8, amount="20.00"))
    assert [each.amount_minor for each in records_of(live.container)] == [10_000] * 4
    assert len(live.rows("SELECT id FROM behaviour_records")) == 8
    assert counts(import_records(live.container, *history(4))) == (0, 0, 4, 0)
    assert len(live.rows("SELECT id FROM behaviour_records WHERE replaced_by IS NULL")) == 4
    assert len(live.rows("SELECT id FROM score_imports")) == 1


@pytest.mark.usefixtures("_small_batches")
def test_purge_removes_a_failed_import(live: LiveWorld) -> None:
    import_records(live.container, *history(4))
    run_until_stopped(live.container, *history(8, amount="20.00"))
    assert live.container.tasks.purge()["behaviour_records"] == 8  # four deleted, four not replaced any more
    assert len(live.rows("SELECT id FROM behaviour_records WHERE replaced_by IS NULL")) == 4
    assert live.container.tasks.purge() == {}


def test_second_import_at_once_is_refused(live: LiveWorld) -> None:
    refused = list[str]()

    def import_another(_: int) -> None:
        with pytest.raises(ImportRefused) as raised:
            importer(live.container).require_none_running()
        refused.append(str(raised.value))
        with pytest.raises(ImportRefused):
            import_records(live.container, *history(2))

    file = importer(live.container).read(lines(history()))
    with closing(file.spool):
        assert importer(live.container).run(file, import_another).added == 12
    assert f"process {os.getpid()}" in refused[0]
    assert import_records(live.container, *history()).import_id is None


def test_of_imports_that_begin_together_one_runs(live: LiveWorld, clock: MovableClock) -> None:
    with closing(build(live.container.settings, clock=clock)) as other:

        def attempt(container: Container) -> int:
            try:
                return import_records(container, *history()).added
            except ImportRefused:
                return -1

        added = race(lambda number: attempt((live.container, other)[number]), 2)
    assert sorted(added) in ([-1, 12], [0, 12])
    assert len(records_of(live.container)) == 12


@pytest.mark.usefixtures("_small_batches")
def test_suspended_import_that_was_abandoned_publishes_nothing(live: LiveWorld) -> None:
    def suspend(_: int) -> None:
        live.clock.advance(timedelta(minutes=6))
        import_records(live.container, row(50))

    file = importer(live.container).read(lines(history(4)))
    with closing(file.spool), pytest.raises(ImportRefused, match=r"was abandoned\. Nothing was imported"):
        importer(live.container).run(file, suspend)
    assert [each.reference for each in records_of(live.container)] == ["r50"]


def test_publication_waits_for_a_score_that_is_being_computed(postgresql_url: str, clock: MovableClock) -> None:
    with closing(LiveWorld(postgresql_url, clock, database_lock_wait=timedelta(milliseconds=300))) as live:
        make_people(live.container, "mei")
        locked, release = threading.Event(), threading.Event()

        def hold() -> None:
            with writing(live.container.database) as unit:
                unit.scores.lock(user_id(unit, "mei"), business_time(unit.wall, 0))
                locked.set()
                release.wait(timeout=30)

        holder = threading.Thread(target=hold)
        holder.start()
        assert locked.wait(timeout=30)
        timer = threading.Timer(0.5, release.set)  # longer than one attempt
        timer.start()
        assert import_records(live.container, *history(3)).added == 3
        holder.join()
        assert compute(live.container).cause == "FIRST"
