"""The tasks of the deployment: one process at a time runs them, and ends a task when it has lost the right."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest
import structlog
from structlog.testing import capture_logs

from gateway.bootstrap import build
from gateway.kit import logging
from gateway.services.container import Container
from gateway.services.purge import PurgeService
from tests.services.decisions import request_decision
from tests.services.test_unanswered_disputes import contested
from tests.support.demo_world import DemoWorld
from tests.support.units import writing


@pytest.fixture
def other(world: DemoWorld) -> Iterator[Container]:
    """Another process of the same deployment."""
    with closing(build(world.container.settings, clock=world.clock)) as container:
        yield container


def times(number: int) -> Callable[[], bool]:
    """A function that returns True so many times."""
    values = iter([True] * number)
    return lambda: next(values, False)


def record_uses(world: DemoWorld, number: int) -> None:
    with writing(world.database) as unit:
        for each in range(number):
            unit.replays.record_use(f"r{each}", unit.wall, unit.wall)


@pytest.mark.postgresql
def test_tasks_run_in_the_process_that_holds_the_lock(world: DemoWorld, other: Container) -> None:
    request_decision(world)
    record_uses(world, 1)
    world.clock.advance(timedelta(days=8))
    assert other.processes.hold_tasks()
    if world.database.sqlite:  # one process serves, so there is no lock
        assert world.container.processes.hold_tasks()
    else:
        assert (world.container.tasks.apply_due(), world.container.tasks.purge()) == (0, {})
    assert (other.tasks.apply_due(), other.tasks.purge()["oauth_replays"]) == (1, 1)


@pytest.mark.postgresql
def test_another_process_takes_over_when_the_first_has_ended(world: DemoWorld, other: Container) -> None:
    request_decision(world)
    world.clock.advance(timedelta(days=8))
    assert other.processes.hold_tasks()
    other.close()
    assert world.container.tasks.apply_due() == 1


@pytest.fixture
def _logging_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.postgresql
@pytest.mark.usefixtures("_logging_as_before")
def test_taking_the_tasks_is_logged_where_another_process_could_have_them(world: DemoWorld) -> None:
    logging.configure("INFO")  # the world has set another level
    with capture_logs() as logged:
        assert world.container.processes.hold_tasks()
        assert world.container.processes.hold_tasks()
    assert [line["event"] for line in logged] == ([] if world.database.sqlite else ["tasks_taken"])


def test_scheduler_stops_before_the_next_decision(world: DemoWorld) -> None:
    for number in range(3):
        request_decision(world, number=number)
    world.clock.advance(timedelta(days=8))
    assert world.scheduler.apply_due(times(2)) == 2
    assert world.scheduler.apply_due() == 1


def test_disputes_stop_before_the_next_one(world: DemoWorld) -> None:
    for number in range(3):
        contested(world, number)
    world.clock.advance(timedelta(days=8))
    assert world.disputes.uphold_unanswered(times(2)) == 2
    assert world.disputes.uphold_unanswered() == 1


def test_purge_stops_before_the_next_batch(world: DemoWorld) -> None:
    record_uses(world, 12)
    world.clock.advance(timedelta(days=8))
    purges = PurgeService(world.database, world.container.settings, batch=5)
    deleted = purges.purge(may_continue=times(1))
    assert sum(deleted.values()) <= 5
    assert purges.purge()["oauth_replays"] == 12 - deleted["oauth_replays"]


@pytest.mark.postgresql
def test_checkpoints_are_signed_in_the_process_that_holds_the_lock(world: DemoWorld, other: Container) -> None:
    def signed() -> int:
        return int(world.rows("SELECT count(*) FROM log_checkpoints")[0][0])

    if world.database.sqlite:
        pytest.skip("one process serves")
    assert other.processes.hold_tasks()
    world.container.tasks.sign_checkpoints()
    assert signed() == 0
    other.tasks.sign_checkpoints()
    assert signed() == 3
    request_decision(world)
    other.close()
    world.container.tasks.sign_checkpoints()
    assert [row.size for row in world.rows("SELECT size FROM log_checkpoints WHERE log = 'decision'")] == [1]
