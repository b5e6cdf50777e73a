"""The score scheduler: due scores of all partners, each in its business time, and for a limited time."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from itertools import count

import pytest
from structlog.testing import capture_logs

from gateway.domain.scoring.history import Cause
from gateway.kit.clock import BusinessTime
from gateway.kit.outage import outage_log
from gateway.services.scoring import scheduler
from gateway.services.scoring.computation import ScoreComputation
from gateway.services.scoring.scheduler import ScoreScheduler
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.outages import DEADLOCK, DatabaseUnavailable
from gateway.store.scoring.scores import PersonScoreRow
from gateway.store.unit import UnitOfWork
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.people import invite
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql


def scores_of(world: DemoWorld, monotonic: Callable[[], float] = lambda: 0.0) -> ScoreScheduler:
    return ScoreScheduler(world.database, world.source, monotonic)


def load(world: DemoWorld, user_id: str) -> PersonScoreRow:
    with reading(world.database) as unit:
        row = unit.scores.load(user_id)
    assert row is not None
    return row


def mark_all_due(world: DemoWorld) -> int:
    """Marks the scores of all personas as due. Returns how many there are."""
    with writing(world.database) as unit:
        users = [row[0] for row in unit.connection.exec_driver_sql("SELECT user_id FROM personas")]
        for user in users:
            unit.scores.mark_due(user, BusinessTime(unit.wall), Cause.CHOICE)
    return len(users)


def test_score_is_computed_when_the_month_begins(world: DemoWorld) -> None:
    before = load(world, world.user("excellent"))
    assert scores_of(world).compute_due() == 0
    world.clock.advance(timedelta(days=8))  # it is December now
    assert scores_of(world).compute_due() == 8
    after = load(world, world.user("excellent"))
    assert before.as_of is not None
    assert (after.score, str(after.as_of)[:10], after.cause) == (before.score, "2026-12-01", "MONTH")
    assert scores_of(world).compute_due() == 0


def test_each_partner_has_its_business_time(world: DemoWorld) -> None:
    world.second_partner()
    with writing(world.database) as unit:
        unit.partners.move_clock(world.partner_id, int(timedelta(days=8).total_seconds()))
    assert scores_of(world).compute_due() == 8
    assert str(load(world, world.user("good")).as_of)[:10] == "2026-12-01"
    assert str(load(world, world.user("good", "other")).as_of)[:10] == "2026-11-23"


def test_persons_without_a_partner_are_computed(world: DemoWorld) -> None:
    invite(world.container, external_id="1")
    with writing(world.database) as unit:
        user = unit.users.load_by_external_id("1")
        assert user is not None
        unit.scores.lock(user.id, BusinessTime(unit.wall))
    assert scores_of(world).compute_due() == 1
    assert load(world, user.id).as_of is not None


def test_run_ends_after_its_longest_time_and_the_next_one_goes_on(world: DemoWorld) -> None:
    assert mark_all_due(world) == 8
    seconds = count()
    run = scores_of(world, lambda: float(next(seconds))).compute_due()
    assert run == scheduler.LONGEST_RUN - 1  # the clock is read at the beginning, and before each person
    assert scores_of(world).compute_due() == 8 - run


def test_run_ends_when_the_process_may_not_continue(world: DemoWorld) -> None:
    mark_all_due(world)
    answers = iter([True, True, False])
    assert scores_of(world).compute_due(lambda: next(answers)) == 2


def test_more_persons_than_a_batch_are_computed(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "BATCH", 3)
    assert scores_of(world).compute_due() == 0
    assert mark_all_due(world) == scores_of(world).compute_due()


class FailingSource(ScorecardSource):
    """Fails for one person."""

    failing = ""
    error: Exception = ValueError("no score")

    def compute(self, unit: UnitOfWork, user_id: str, now: BusinessTime) -> PersonScoreRow:
        if user_id == self.failing:
            raise self.error
        return super().compute(unit, user_id, now)


def test_score_that_fails_does_not_stop_the_others(world: DemoWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "BATCH", 1)
    source = FailingSource(world.database, world.source.cards, world.ids)
    source.failing = world.user("excellent")
    total = mark_all_due(world)
    assert ScoreScheduler(world.database, source).compute_due() == total - 1


def test_deadlock_of_one_score_does_not_stop_the_others(world: DemoWorld) -> None:
    source = FailingSource(world.database, world.source.cards, world.ids)
    source.failing, source.error = world.user("excellent"), DatabaseUnavailable(DEADLOCK)
    total = mark_all_due(world)
    assert ScoreScheduler(world.database, source).compute_due() == total - 1


def test_lock_on_one_score_is_logged_and_does_not_stop_the_others(postgresql_url: str, clock: MovableClock) -> None:
    outage_log.forget()
    with closing(DemoWorld(postgresql_url, clock, database_lock_wait=timedelta(milliseconds=50))) as world:
        world.seed_demo()
        total = mark_all_due(world)
        with writing(world.database) as unit, capture_logs() as logged:
            unit.scores.lock(world.user("good"), BusinessTime(unit.wall))
            assert scores_of(world).compute_due() == total - 1
        assert [(line["event"], line["cause"], line["path"]) for line in logged] == [
            ("unavailable", "55P03", "score scheduler")
        ]
        assert scores_of(world).compute_due() == 1


def test_tasks_compute_due_scores(world: DemoWorld) -> None:
    mark_all_due(world)
    world.container.tasks.apply_due()
    assert load(world, world.user("good")).cause == "CHOICE"


def test_score_of_a_replaced_persona_is_not_computed_any_more(world: DemoWorld) -> None:
    old = world.user("good")
    with writing(world.database) as unit:
        unit.users.disable(old, unit.wall)
    world.clock.advance(timedelta(days=8))
    assert scores_of(world).compute_due() == 7
    assert str(load(world, old).as_of)[:7] == "2026-11"
    world.clock.advance(timedelta(days=31))
    computation = ScoreComputation(world.database, world.source)
    assert (computation.count_due(), computation.compute_all()) == (7, 7)
