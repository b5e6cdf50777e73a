"""What becomes of a promise, by its merchant and by time: rows, exposure, log and messages move together."""

import pytest

from gateway.domain.decision import BreachKind, Status, Transition
from gateway.domain.errors import StateConflict
from gateway.domain.event import Actor, Topic
from gateway.domain.outcome import Decline
from gateway.domain.settlement import Settlement
from gateway.services.decisions import ActivateInput, BreachInput, ExtendInput, FulfillInput
from tests.services.promises import DAY, THREADS, activated, events, requested, seen, settlement, yuan
from tests.services.world import World, asking, car, order
from tests.support.at_once import at_once


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
    assert settlement(decision) == Settlement(yuan("3000.00"), yuan("3000.00"), yuan("0.00"), later, False)
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
        (Topic.DECISION_LAPSED, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
    ]
    late_word = BreachInput(decision.id, "b", BreachKind.NOT_RETURNED)
    with pytest.raises(StateConflict) as refused:
        world.decisions.moves.report_breach(world.merchant_token(), late_word)
    assert refused.value.transitions == seen(world, decision).transitions == (Transition.FULFILL,)
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
