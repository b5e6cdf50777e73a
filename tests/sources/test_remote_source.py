"""The last accepted answer about a person: how long it is used, and what threads and transactions do meanwhile."""

import time
from contextlib import closing
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.errors import Unavailable
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from tests.support.clock import MovableClock
from tests.support.http_server import wait_until
from tests.support.race import race
from tests.support.remote_world import OpenWorld, RemoteWorld
from tests.support.score_provider import Provider
from tests.support.units import used_connections


def test_answer_is_kept_until_it_expires(each_world: RemoteWorld) -> None:
    world, first = each_world, each_world.measure()
    world.know(score=350)
    world.clock.advance(hours=12, microseconds=-1)
    assert world.measure() == first
    world.clock.advance(microseconds=1)
    assert world.measure().tier is Tier.BUILDING
    assert (len(world.provider.questions), world.counts()["remote_scores"]) == (2, 1)


def test_setting_caps_how_long_an_answer_is_fresh(open_world: OpenWorld) -> None:
    world = open_world(score_fresh_for=timedelta(hours=1))
    assert world.measure().valid_until == world.now + timedelta(hours=1)
    world.clock.advance(hours=1)
    world.measure()
    assert len(world.provider.questions) == 2


def test_answer_is_kept_across_processes(world: RemoteWorld, open_world: OpenWorld) -> None:
    assert open_world().measure() == world.measure()
    assert len(world.provider.questions) == 1


def test_last_answer_is_used_while_the_provider_fails(world: RemoteWorld) -> None:
    first = world.measure()
    world.provider.is_down = True
    world.clock.advance(hours=13)
    stale = world.measure()
    assert (stale.score, stale.as_of, stale.reasons) == (first.score, first.as_of, first.reasons)
    assert stale.valid_until == world.now + timedelta(minutes=1), "a merchant must ask again soon"
    world.clock.advance(days=3, hours=-13, microseconds=-1)
    assert world.measure().valid_until == first.as_of + timedelta(days=3)
    world.clock.advance(microseconds=1)
    assert world.cause_of_failure() == "server_error"
    world.provider.is_down = False
    assert world.measure().as_of == world.now


def test_new_person_is_unavailable_while_the_provider_fails(world: RemoteWorld) -> None:
    world.provider.is_down = True
    assert world.cause_of_failure() == "server_error"
    assert world.counts()["remote_scores"] == 0


def test_unknown_person_is_unscored_for_five_minutes(world: RemoteWorld) -> None:
    measured = world.measure("good")
    assert (measured.score, measured.tier, measured.reasons) == (None, Tier.UNSCORED, ())
    assert (measured.open_overdue, measured.has_document, world.outcomes) == (0, False, [("fetched", "")])
    assert measured.valid_until == world.now + timedelta(minutes=5)
    world.know("good", 640)
    assert world.measure("good").score is None
    world.clock.advance(minutes=5)
    assert world.measure("good").score == 640


def test_person_without_external_id_is_unscored(each_world: RemoteWorld) -> None:
    world = each_world
    world.measure()
    world.execute("UPDATE users SET external_id = NULL")
    measured = world.measure()
    assert (measured.score, measured.tier) == (None, Tier.UNSCORED)
    assert (measured.as_of, measured.valid_until) == (world.now, world.now + timedelta(days=1))
    assert len(world.provider.questions) == 1


def test_answer_about_another_subject_is_not_used(world: RemoteWorld) -> None:
    world.measure()
    world.execute("UPDATE remote_scores SET subject = 'another', score = 900")
    assert world.measure().score == 702


def test_answer_from_the_future_is_not_used(world: RemoteWorld) -> None:
    later = BusinessTime(world.now + timedelta(days=10))
    assert world.measure(now=later).as_of == later
    assert world.measure().as_of == world.now
    world.provider.is_down = True
    world.measure(now=BusinessTime(world.now - timedelta(seconds=15)))
    assert len(world.outcomes) == 2, "the clocks of processes may differ a little"


def test_business_time_decides_and_signatures_have_wall_time(world: RemoteWorld) -> None:
    world.measure()
    world.move_partner(timedelta(days=100))
    consent = world.grant()
    now = world.user_token(consent).now
    assert now == world.clock() + timedelta(days=100)
    assert world.measure(now=now).as_of == now


def test_concurrent_requests_for_one_person_ask_once(each_world: RemoteWorld) -> None:
    world = each_world
    world.remote.provider.load_reasons()
    world.provider.may_respond.clear()

    def measure(number: int) -> int | None:
        if number == 7:
            time.sleep(0.3)  # meanwhile the others wait
            world.provider.may_respond.set()
        return world.measure().score

    assert race(measure, 8) == [702] * 8
    assert len(world.provider.questions) == 1


def test_waiting_requests_are_limited(open_world: OpenWorld) -> None:
    world = open_world(documents_at_once=1)  # 16 may wait
    handles = ["excellent", "good", "fair", "building"]
    for handle in handles:
        world.know(handle)
    world.remote.provider.load_reasons()
    world.provider.may_respond.clear()

    def measure(number: int) -> str:
        if number == 16:
            wait_until(lambda: world.provider.connections == 1 + len(handles))
            time.sleep(0.3)  # the others have come
        try:
            world.measure(handles[number % len(handles)])
        except Unavailable:
            world.provider.may_respond.set()
            return world.outcomes[-1][1]
        return "measured"

    assert race(measure, 17) == [*["measured"] * 16, "busy"]


@pytest.mark.postgresql
def test_no_transaction_is_open_while_the_provider_is_slow(
    database_url: str, clock: MovableClock, provider: Provider
) -> None:
    """One connection serves both requests, and the writer is not blocked."""
    with closing(RemoteWorld(database_url, clock, provider, database_connections=1)) as world:
        world.remote.provider.load_reasons()
        provider.may_respond.clear()
        user_id = world.user("excellent")

        def act(number: int) -> object:
            if number == 0:
                with world.database.one_snapshot():  # as for a GraphQL request
                    world.database.read(lambda unit: unit.users.load(user_id))
                    return world.remote.measure(user_id, world.now).score
            wait_until(lambda: provider.connections == 2)
            assert used_connections(world.database) == 0
            world.grant("good")  # reads and writes
            provider.may_respond.set()
            return None

        assert race(act, 2)[0] == 702


def test_database_outage_is_no_failure_of_the_provider(world: RemoteWorld) -> None:
    world.measure()
    world.clock.advance(hours=13)
    world.execute("DROP TABLE remote_scores")
    with pytest.raises(Exception, match="remote_scores"):
        world.measure()
    assert world.outcomes == [("fetched", "")]


def test_log_has_no_subject_and_no_score(world: RemoteWorld) -> None:
    world.measure()
    world.provider.is_down = True
    world.clock.advance(hours=13)
    with capture_logs() as lines:
        world.measure()
    (line,) = lines
    assert (line["event"], line["service"], line["cause"]) == ("unavailable", "score provider", "server_error")
    assert not any(text in str(line) for text in (world.subject(), "702", world.provider.base))
