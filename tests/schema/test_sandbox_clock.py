"""The clock of a partner: it moves forward, and what falls due on the way happens in its order, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.domain.events import Actor, Topic
from gateway.domain.period import parse_moment
from gateway.domain.webhooks import schedule
from gateway.kit.clock import BusinessTime
from gateway.services.sandbox.clock import SandboxClockService
from gateway.store.events import MessageWindow
from gateway.store.outbox import OutboxRow
from gateway.store.partner_clock import PartnerClockRepository
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support import factories
from tests.support.clock import BUSINESS_NOON, NOON
from tests.support.graphql_webhooks import GraphQLHooks, deliver
from tests.support.graphql_world import GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.units import reading, writing
from tests.support.webhook_world import Receiver, status

pytestmark = pytest.mark.postgresql

CLOCK = "{ sandboxClock { now offset } }"
MOVE = """mutation Move($move: SandboxClockMove!) { sandboxClockMove(move: $move) {
  clock { now offset } eventsFired userErrors { code message field } } }"""
DAY = timedelta(days=1)


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


def move(world: GraphQLWorld, **step: str) -> Any:
    return world.data(MOVE, {"move": step}, by=world.merchant())["sandboxClockMove"]


def clock(world: GraphQLWorld) -> Any:
    return world.data(CLOCK, by=world.merchant())["sandboxClock"]


def error(payload: Any) -> tuple[str, list[str]]:
    assert (payload["clock"], payload["eventsFired"]) == (None, 0)
    (each,) = payload["userErrors"]
    return each["code"], each["field"]


def approve(world: GraphQLWorld, number: int = 1) -> str:
    decision = world.request(f"k{number}", f"r{number}", deposit={"amount": "100.00", "currency": "CNY"})["decision"]
    assert decision["status"] == "APPROVED"
    return str(decision["id"])


def activate(world: GraphQLWorld, number: int = 1) -> str:
    decision = approve(world, number)
    variables = {"input": transition_input("activate", decision)}
    (payload,) = world.data(TRANSITIONS["activate"].document, variables, by=world.merchant()).values()
    assert payload["userErrors"] == []
    return decision


def messages(world: GraphQLWorld, subject: str) -> list[OutboxRow]:
    with reading(world.database) as unit:
        return unit.events.list_of_subject(subject, MessageWindow(50))


def topics(world: GraphQLWorld, subject: str) -> list[str]:
    return [row.topic for row in messages(world, subject)]


def test_clock_shows_business_time(world: GraphQLWorld) -> None:
    assert clock(world) == {"now": "2026-11-23T12:00:00Z", "offset": "PT0S"}
    moved = move(world, advanceBy="P2DT3H")
    assert moved["userErrors"] == []
    assert clock(world) == moved["clock"] == {"now": "2026-11-25T15:00:00Z", "offset": "P2DT3H"}


def test_clock_moves_to_a_moment(world: GraphQLWorld) -> None:
    assert move(world, setTo="2026-12-01T00:00:00Z")["clock"]["now"] == "2026-12-01T00:00:00Z"


def test_approval_expires_on_the_way_at_its_own_time(world: GraphQLWorld) -> None:
    decision = approve(world)
    moved = move(world, advanceBy="P30D")
    with reading(world.database) as unit:
        loaded = unit.decisions.load(decision)
        assert loaded is not None
        expired = messages(world, decision)[-1]
    assert expired.topic == "DECISION_EXPIRED"
    assert parse_moment(expired.payload["occurredAt"]) < NOON + 30 * DAY
    assert loaded.status == "EXPIRED"
    assert moved["eventsFired"] == len(messages(world, decision)) - 1


def test_events_of_all_subjects_are_written_in_the_order_in_which_they_fall_due(world: GraphQLWorld) -> None:
    def tick() -> float:
        world.clock.advance(milliseconds=5)  # else all messages have the same time
        return 0.0

    late = activate(world, 1)
    world.clock.advance(timedelta(hours=7))
    other = approve(world, 2)
    with reading(world.database) as unit:
        before = len(unit.outbox.list_waiting(100))
    service = SandboxClockService(world.database, world.container.sandbox.clock.due, tick)
    moved = service.advance(world.merchant().partner_id, timedelta(days=120))
    with reading(world.database) as unit:
        written = unit.outbox.list_waiting(100)[before:]
    moments = [parse_moment(row.payload["occurredAt"]).replace(microsecond=0) for row in written]
    assert moments == sorted(moments)
    assert moved.events == len(written)
    subjects = {row.aggregate_id for row in written}
    assert {late, other, world.consent.id} <= subjects
    assert topics(world, world.consent.id) == ["CONSENT_EXPIRING", "CONSENT_EXPIRED"]
    assert "DECISION_OVERDUE" in topics(world, late)


def test_announcements_come_at_their_time_and_not_at_the_target(world: GraphQLWorld) -> None:
    move(world, advanceBy="P120D")
    expiring, expired = (parse_moment(row.payload["occurredAt"]) for row in messages(world, world.consent.id))
    assert timedelta(0) <= expiring - (world.consent.expires_at - 7 * DAY) < timedelta(minutes=1)
    assert expired == world.consent.expires_at


def test_score_is_computed_at_the_beginning_of_each_month(world: GraphQLWorld) -> None:
    move(world, advanceBy="P100D")
    with reading(world.database) as unit:
        states = unit.scores.list_since(world.consent.user_id, BUSINESS_NOON)
    months = {(state.as_of.year, state.as_of.month) for state in states if state.as_of > NOON}
    assert months == {(2026, 12), (2027, 1), (2027, 2), (2027, 3)}


def test_clock_of_another_partner_stays(world: GraphQLWorld) -> None:
    before = world.rows("SELECT name, clock_offset_seconds FROM partners ORDER BY id")
    foreign = messages(world, world.foreign_decision)
    move(world, advanceBy="P200D")
    after = world.rows("SELECT name, clock_offset_seconds FROM partners ORDER BY id")
    assert [(name, offset) for name, offset in after if offset] == [(before[0][0], 200 * 86_400)]
    assert messages(world, world.foreign_decision) == foreign
    with reading(world.database) as unit:
        stored = unit.decisions.load(world.foreign_decision)
    assert stored is not None
    assert stored.status == "APPROVED"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param({"advanceBy": "PT0S"}, ("INVALID_PERIOD", ["move", "advanceBy"]), id="by nothing"),
        pytest.param({"advanceBy": "P367D"}, ("INVALID_PERIOD", ["move", "advanceBy"]), id="too far"),
        pytest.param({"setTo": "2026-11-23T11:59:59Z"}, ("INVALID_PERIOD", ["move", "setTo"]), id="back"),
        pytest.param({"setTo": "2026-11-23T12:00:00Z"}, ("INVALID_PERIOD", ["move", "setTo"]), id="to now"),
        pytest.param({"setTo": "2027-12-01T00:00:00Z"}, ("INVALID_PERIOD", ["move", "setTo"]), id="to far away"),
    ],
)
def test_invalid_move_is_a_user_error(
    step: dict[str, str], expected: tuple[str, list[str]], world: GraphQLWorld
) -> None:
    assert error(move(world, **step)) == expected
    assert clock(world)["offset"] == "PT0S"


def test_clock_is_ahead_by_ten_years_at_most(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        PartnerClockRepository(unit.connection).move(world.partner_id, int(timedelta(days=3600).total_seconds()))
    assert error(move(world, advanceBy="P61D")) == ("INVALID_PERIOD", ["move", "advanceBy"])
    assert move(world, advanceBy="P59D")["userErrors"] == []


def test_move_that_takes_too_long_ends_early_and_can_be_repeated(world: GraphQLWorld) -> None:
    service, seconds = world.container.sandbox.clock, iter(range(100))
    impatient = SandboxClockService(world.database, service.due, lambda: float(next(seconds)))
    decision = approve(world)
    target = datetime(2027, 3, 1, tzinfo=UTC)
    steps = 0
    while True:
        moved = impatient.set(world.merchant().partner_id, BusinessTime(target))
        steps += 1
        if moved.is_complete:
            break
        assert moved.clock.now < target
    assert steps > 1
    assert topics(world, decision)[-1] == "DECISION_EXPIRED"


def test_waiting_delivery_is_tried_once_and_this_does_not_count(
    hooks: GraphQLHooks, receiver: Receiver, world: GraphQLWorld
) -> None:
    receiver.answer = lambda _: status(500)
    endpoint = deliver(hooks, receiver)
    (first,) = hooks.deliveries(endpoint)
    assert (first.status, first.attempts, first.tries) == (DeliveryStatus.PENDING, 1, 1)
    for attempts in (2, 3):
        move(hooks.world, advanceBy="P1D")
        hooks.settle()
        (tried,) = hooks.deliveries(endpoint)
        assert (tried.status, tried.attempts, tried.tries) == (DeliveryStatus.PENDING, attempts, 1)
    assert tried.due_at is not None
    assert tried.due_at - hooks.clock() <= 1.2 * schedule.RETRIES[0]
    assert hooks.load(endpoint).enabled


def test_running_attempt_is_left_alone(hooks: GraphQLHooks, receiver: Receiver) -> None:
    endpoint = hooks.endpoint(receiver.url())
    hooks.emit()
    dead = hooks.make_worker()
    dead.step()  # claims, and never records
    (before,) = hooks.deliveries(endpoint)
    move(hooks.world, advanceBy="P1D")
    assert hooks.deliveries(endpoint) == [before]


def test_token_without_the_scope_sandbox_is_refused(world: GraphQLWorld) -> None:
    executed = world.run(MOVE, {"move": {"advanceBy": "P1D"}}, by=world.merchant("decisions:read"))
    (problem,) = executed.body["errors"]
    assert problem["extensions"]["code"] == "FORBIDDEN"
    assert world.run(CLOCK, by=world.merchant("decisions:read")).body["data"]["sandboxClock"] is None


def test_count_has_the_events_of_the_clock_and_corrections_of_tiers(world: GraphQLWorld) -> None:
    causes = [
        (Topic.CONSENT_EXPIRED, Actor.CLOCK),
        (Topic.TIER_CORRECTED, Actor.GATEWAY),
        (Topic.CONSENT_GRANTED, Actor.USER),
        (Topic.DECISION_DECLINED, Actor.GATEWAY),
    ]
    with writing(world.database) as unit:
        for topic, actor in causes:
            unit.outbox.add(
                OutboxRow(
                    id=factories.ids.new("msg"),
                    merchant_id=world.merchant_id,
                    aggregate_id=world.consent.id,
                    topic=topic,
                    payload={"actor": actor.value},
                    created_at=unit.wall,
                )
            )
        assert len(PartnerClockRepository(unit.connection).list_events(world.partner_id, unit.wall, 0)) == 2
