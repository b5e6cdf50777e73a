"""What merchants and time do to a promise: rows, exposure, log and messages move together, once for each key."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest

from gateway.domain.decision import BreachKind, Decision, Status, Transition
from gateway.domain.errors import GatewayError, IdempotencyConflict, InvalidInput, NotFound, StateConflict
from gateway.domain.event import Actor, Topic
from gateway.domain.money import Money
from gateway.domain.outcome import Decline
from gateway.domain.principal import Principal
from gateway.domain.settlement import Settlement
from gateway.services.decisions import (
    ActivateInput,
    BreachInput,
    CancelInput,
    DecisionMover,
    ExtendInput,
    FulfillInput,
    Requested,
)
from tests.services.world import World, asking, at_once, car, order

DAY = timedelta(days=1)
THREADS = 8
Move = Callable[[DecisionMover, Principal], Decision]


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def requested(world: World, handle: str = "excellent", number: int = 1, deposit: str = "3000.00") -> Decision:
    given = asking(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    return world.decisions.request(world.acting(world.grant(handle)), given).decision


def activated(world: World, number: int = 1) -> Decision:
    decision = requested(world, number=number)
    return world.decisions.moves.activate(world.merchant_token(), ActivateInput(decision.id, f"activate-{number}"))


def events(world: World, decision: Decision) -> list[tuple[Topic, Status | None, Status, Actor, str | None]]:
    reading = world.reading(world.merchant_token())
    found = world.decisions.timeline(reading, decision.id)
    reading.abandon()
    return [(event.topic, event.before, event.after, event.actor, event.note) for event in found]


def seen(world: World, decision: Decision) -> Decision:
    reading = world.reading(world.merchant_token())
    found = world.decisions.find(reading, decision.id)
    reading.abandon()
    assert found is not None
    return found


def settlement(decision: Decision) -> Settlement:
    assert decision.settlement is not None
    return decision.settlement


def test_from_the_request_to_the_last_settlement(world: World) -> None:
    decision = requested(world)
    assert decision.transitions == (Transition.ACTIVATE, Transition.CANCEL)
    assert settlement(decision).outstanding == yuan("3000.00")
    assert world.held() == 300_000
    moves, token = world.decisions.moves, world.merchant_token()
    decision = moves.activate(token, ActivateInput(decision.id, "a", world.clock()))
    assert decision.transitions == (Transition.EXTEND, Transition.FULFILL, Transition.REPORT_BREACH)
    later = world.clock() + 10 * DAY
    decision = moves.extend(token, ExtendInput(decision.id, "b", later, "Longer trip"))
    assert settlement(decision).due_at == later
    decision = moves.fulfill(token, FulfillInput(decision.id, "c", None, yuan("1000.00")))
    assert (decision.status, world.held()) == (Status.ACTIVE, 200_000)
    decision = moves.fulfill(token, FulfillInput(decision.id, "d", world.clock()))
    assert (decision.status, world.held(), decision.transitions) == (Status.FULFILLED, 0, ())
    assert settlement(decision) == Settlement(yuan("3000.00"), yuan("3000.00"), later, False)
    assert events(world, decision) == [
        (Topic.DECISION_APPROVED, None, Status.APPROVED, Actor.GATEWAY, None),
        (Topic.DECISION_ACTIVATED, Status.APPROVED, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_EXTENDED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, "Longer trip"),
        (Topic.DECISION_PART_SETTLED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.faults() == []


def test_a_breach_holds_its_room_until_it_is_made_good(world: World) -> None:
    decision, moves, token = activated(world), world.decisions.moves, world.merchant_token()
    given = BreachInput(decision.id, "b", BreachKind.DAMAGED, yuan("800.00"), ("https://cars.example/1",), "A dent")
    decision = moves.report_breach(token, given)
    assert (decision.status, decision.transitions) == (Status.BREACHED, (Transition.FULFILL,))
    assert (settlement(decision).outstanding, world.held()) == (yuan("800.00"), 80_000)
    assert events(world, decision)[-1] == (
        Topic.DECISION_BREACHED,
        Status.ACTIVE,
        Status.BREACHED,
        Actor.MERCHANT,
        "A dent",
    )
    cured = moves.fulfill(token, FulfillInput(decision.id, "c"))
    assert (cured.status, world.held()) == (Status.FULFILLED, 0)
    assert world.faults() == []


MOVES: list[tuple[str, Callable[[str, str], Move]]] = [
    ("activate", lambda d, k: lambda m, t: m.activate(t, ActivateInput(d, k))),
    (
        "extend",
        lambda d, k: lambda m, t: m.extend(t, ExtendInput(d, k, datetime.fromisoformat("2026-12-20T00:00Z"), "x")),
    ),
    ("fulfill", lambda d, k: lambda m, t: m.fulfill(t, FulfillInput(d, k, None, yuan("1.00")))),
    ("breach", lambda d, k: lambda m, t: m.report_breach(t, BreachInput(d, k, BreachKind.OTHER))),
    ("cancel", lambda d, k: lambda m, t: m.cancel(t, CancelInput(d, k, None))),
]
EACH_MOVE = pytest.mark.parametrize("move", [pytest.param(move, id=name) for name, move in MOVES])


def ready(world: World, move: Callable[[str, str], Move]) -> Decision:
    """A decision that allows the move."""
    return requested(world) if move in {MOVES[0][1], MOVES[4][1]} else activated(world)


@EACH_MOVE
def test_the_same_key_does_its_work_once(world: World, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    first = move(decision.id, "once")(world.decisions.moves, token)
    after = world.contents()
    assert move(decision.id, "once")(world.decisions.moves, token) == first
    assert world.contents() == after


@EACH_MOVE
def test_the_same_key_with_another_decision_is_refused(world: World, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    move(decision.id, "once")(world.decisions.moves, token)
    other = requested(world, number=2)
    with pytest.raises(IdempotencyConflict) as refused:
        move(other.id, "once")(world.decisions.moves, token)
    assert refused.value.differing == (("decisionId",),)


@EACH_MOVE
def test_another_merchants_decision_does_not_exist(world: World, move: Callable[[str, str], Move]) -> None:
    decision = ready(world, move)
    before = world.contents()
    for which in (decision.id, "dec_test_none"):
        with pytest.raises(NotFound) as refused:
            move(which, "k")(world.decisions.moves, world.merchant_token(world.client("online_shop")))
        assert refused.value.field == ("decisionId",)
    assert world.contents() == before


@EACH_MOVE
def test_eight_at_once_with_keys_of_their_own(world: World, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    calls = [partial(move(decision.id, f"k{n}"), world.decisions.moves, token) for n in range(THREADS)]
    answers = at_once(calls)
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, GatewayError)]
    assert unexpected == []
    won = len([each for each in answers if isinstance(each, Decision)])
    repeatable = move is MOVES[2][1]  # part settlements of one yuan each
    assert won == (THREADS if repeatable else 1)
    assert world.faults() == []


def test_a_refused_move_changes_nothing(world: World) -> None:
    decision, moves, token = activated(world), world.decisions.moves, world.merchant_token()
    before = world.contents()
    long, evil = "x" * 256, "javascript:alert(1)"
    attempts: list[tuple[Callable[[], Decision], str]] = [
        (lambda: moves.activate(token, ActivateInput(decision.id, "k")), "INVALID_TRANSITION"),
        (lambda: moves.cancel(token, CancelInput(decision.id, "k", None)), "INVALID_TRANSITION"),
        (lambda: moves.fulfill(token, FulfillInput(decision.id, "k", None, yuan("3000.01"))), "INVALID_AMOUNT"),
        (lambda: moves.fulfill(token, FulfillInput(decision.id, "", None)), "INVALID"),
        (lambda: moves.extend(token, ExtendInput(decision.id, "k", world.clock(), "now")), "INVALID_PERIOD"),
        (lambda: moves.extend(token, ExtendInput(decision.id, "k", world.clock() + 30 * DAY, long)), "INVALID"),
        (lambda: moves.report_breach(token, BreachInput(decision.id, "k", BreachKind.OTHER, note="\n")), "INVALID"),
        (
            lambda: moves.report_breach(token, BreachInput(decision.id, "k", BreachKind.OTHER, evidence=(evil,))),
            "INVALID",
        ),
        (
            lambda: moves.report_breach(
                token, BreachInput(decision.id, "k", BreachKind.OTHER, evidence=("https://a.example/",) * 11)
            ),
            "INVALID",
        ),
    ]
    for attempt, code in attempts:
        with pytest.raises(GatewayError) as refused:
            attempt()
        assert refused.value.code == code
    assert world.contents() == before


def test_what_ran_out_is_told_so_and_the_clock_writes_it_down(world: World) -> None:
    decision = requested(world)
    world.clock.advance(4 * DAY)
    with pytest.raises(StateConflict) as refused:
        world.decisions.moves.activate(world.merchant_token(), ActivateInput(decision.id, "a"))
    assert (refused.value.code, refused.value.status) == ("DECISION_EXPIRED", Status.EXPIRED)
    assert seen(world, decision).status is Status.EXPIRED
    assert world.held() == 300_000
    assert world.life.tick() == 1
    assert world.life.tick() == 0
    assert world.held() == 0
    assert events(world, decision)[-1] == (Topic.DECISION_EXPIRED, Status.APPROVED, Status.EXPIRED, Actor.CLOCK, None)
    assert world.faults() == []


def test_late_is_marked_then_let_go(world: World) -> None:
    decision = activated(world)  # back in four days, a day's grace
    world.clock.advance(5 * DAY)
    assert world.life.tick() == 1
    assert settlement(seen(world, decision)).overdue
    assert world.held() == 300_000
    refusal = requested(world, number=2)
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_OVERDUE_OBLIGATION",)
    world.clock.advance(14 * DAY)
    assert world.life.tick() == 1
    assert (settlement(seen(world, decision)).overdue, world.held()) == (False, 0)
    assert requested(world, number=3).status is Status.APPROVED
    assert [event[:4] for event in events(world, decision)][-2:] == [
        (Topic.DECISION_OVERDUE, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
        (Topic.DECISION_OVERDUE, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
    ]
    assert world.decisions.moves.fulfill(world.merchant_token(), FulfillInput(decision.id, "late")).status is (
        Status.FULFILLED
    )
    assert world.faults() == []


def test_a_breach_declines_new_asks_only_after_its_window_and_while_it_is_open(world: World) -> None:
    decision, moves, token = activated(world), world.decisions.moves, world.merchant_token()
    moves.report_breach(token, BreachInput(decision.id, "b", BreachKind.NOT_RETURNED))
    assert requested(world, number=2).status is Status.APPROVED, "within the contest window it changes nothing"
    world.clock.advance(14 * DAY)
    elsewhere = world.grant("excellent", client=world.client("online_shop"))
    given = asking(order(), "key-3", "order-3")
    refusal = world.decisions.request(world.acting(elsewhere), given).decision
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_OVERDUE_OBLIGATION",)
    moves.fulfill(world.merchant_token(), FulfillInput(decision.id, "c"))
    assert requested(world, number=4).status is Status.APPROVED, "made good, it is over"


def test_all_merchants_share_one_line(world: World) -> None:
    for number in range(3):  # 30,000 yuan is the line of the highest tier
        assert requested(world, number=number, deposit="10000.00").status is Status.APPROVED
    token = world.acting(world.grant("excellent", client=world.client("online_shop")))
    reading = world.reading(token)
    preview = world.decisions.preview(reading, "onlineOrder", order("1.00"), None)
    reading.abandon()
    refusal = world.decisions.request(token, asking(order("1.00"), "k", "o")).decision
    for outcome in (preview.outcome, refusal.outcome):
        assert isinstance(outcome, Decline)
        assert outcome.reasons == ("EXPOSURE_LIMIT_REACHED",)
    assert (refusal.status, refusal.settlement, world.held()) == (Status.DECLINED, None, 3_000_000)
    assert requested(world, "good", 9).status is Status.APPROVED, "another person has another line"


def test_what_ran_out_makes_room_before_any_clock_has_come_by(world: World) -> None:
    for number in range(3):
        requested(world, number=number, deposit="10000.00")
    world.clock.advance(8 * DAY)
    assert requested(world, number=4, deposit="10000.00").status is Status.APPROVED
    assert world.held() == 1_000_000
    assert world.faults() == []


def test_open_decisions_outlive_the_consent(world: World) -> None:
    consent = world.grant()
    given = asking(car(world.clock()))
    decision = world.decisions.request(world.acting(consent), given).decision
    world.revoke(consent)
    moves, token = world.decisions.moves, world.merchant_token()
    moves.activate(token, ActivateInput(decision.id, "a"))
    moves.extend(token, ExtendInput(decision.id, "e", world.clock() + 9 * DAY, "As agreed"))
    moves.report_breach(token, BreachInput(decision.id, "b", BreachKind.NOT_RETURNED))
    assert moves.fulfill(token, FulfillInput(decision.id, "f")).status is Status.FULFILLED
    assert world.faults() == []


def test_several_clocks_do_the_work_once(world: World) -> None:
    decisions = [requested(world, number=number) for number in range(5)]
    world.clock.advance(8 * DAY)
    done = at_once([world.life.tick] * THREADS)
    assert sum(each for each in done if isinstance(each, int)) == len(decisions)
    assert not [each for each in done if isinstance(each, Exception)]
    assert world.counts()["decision_log"] == 2 * len(decisions)
    assert world.faults() == []


def test_a_decision_that_cannot_be_moved_holds_up_no_other(world: World) -> None:
    first = requested(world, number=1)
    second = requested(world, number=2)
    world.execute(f"UPDATE exposures SET held_minor = 1 WHERE user_id = '{world.user('excellent')}'")
    world.clock.advance(8 * DAY)
    assert world.life.tick() == 0, "neither can give back what is not held"
    assert len(world.faults()) == 1
    world.execute(f"UPDATE exposures SET held_minor = 300000 WHERE user_id = '{world.user('excellent')}'")
    assert world.life.tick() == 1
    assert {seen(world, each).status for each in (first, second)} == {Status.EXPIRED}


def test_a_merchant_moves_its_own_decisions_only_in_its_own_time(world: World) -> None:
    """Business time is the partner's: what is past for one partner is not for another."""
    decision = requested(world)
    world.execute("UPDATE partners SET clock_offset_seconds = 345600 WHERE name = 'demo'")
    with pytest.raises(StateConflict):
        world.decisions.moves.activate(world.merchant_token(), ActivateInput(decision.id, "a"))
    assert world.life.tick() == 1
    assert seen(world, decision).status is Status.EXPIRED


def test_requests_at_once_from_two_merchants_share_the_room(world: World) -> None:
    for number in range(2):
        requested(world, number=number, deposit="10000.00")
    consents = [world.grant("excellent"), world.grant("excellent", client=world.client("online_shop"))]
    calls = []
    for n in range(THREADS):
        ask = car(world.clock(), "4000.00") if n % 2 else order("4000.00")
        given = asking(ask, f"race-{n}", f"race-{n}")
        calls.append(partial(world.decisions.request, world.acting(consents[(n + 1) % 2]), given))
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    approved = [each for each in answers if isinstance(each, Requested) and each.decision.status is Status.APPROVED]
    assert len(approved) == 2, "of 10,000 yuan that were left"
    assert world.held() == 2_800_000
    assert world.faults() == []


def test_bad_input_is_an_error_with_its_place(world: World) -> None:
    decision = activated(world)
    with pytest.raises(InvalidInput) as refused:
        world.decisions.moves.fulfill(
            world.merchant_token(), FulfillInput(decision.id, "k", None, Money.parse("1.00", "EUR"))
        )
    assert (refused.value.code, refused.value.field) == ("UNSUPPORTED_CURRENCY", ("settledAmount", "currency"))
