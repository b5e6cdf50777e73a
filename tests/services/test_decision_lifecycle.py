"""What becomes of a promise, by its merchant and by time: rows, exposure, log and messages move together."""

import pytest

from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.errors import StateConflict
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, ExtendCommand, FulfillCommand
from tests.services.asks import asking, car, order
from tests.services.promises import DAY, THREADS, activated, events, requested, seen, settlement, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld


def test_from_the_request_to_the_last_settlement(world: DemoWorld) -> None:
    decision = requested(world)
    assert decision.available_transitions == (Transition.ACTIVATE, Transition.CANCEL)
    assert settlement(decision).outstanding == yuan("3000.00")
    assert world.exposure() == 300_000
    moves, token = world.transitions, world.merchant_token()
    decision = moves.activate(token, ActivateCommand(decision.id, "a", world.now))
    assert decision.available_transitions == (Transition.EXTEND, Transition.FULFILL, Transition.REPORT_BREACH)
    later = world.now + 10 * DAY
    decision = moves.extend(token, ExtendCommand(decision.id, "b", later, "Longer trip"))
    assert settlement(decision).due_at == later
    decision = moves.fulfill(token, FulfillCommand(decision.id, "c", None, yuan("1000.00")))
    assert (decision.status, world.exposure()) == (Status.ACTIVE, 200_000)
    decision = moves.fulfill(token, FulfillCommand(decision.id, "d", world.now))
    assert (decision.status, world.exposure(), decision.available_transitions) == (Status.FULFILLED, 0, ())
    assert settlement(decision) == Settlement(yuan("3000.00"), yuan("3000.00"), yuan("0.00"), later, False)
    assert events(world, decision) == [
        (Topic.DECISION_APPROVED, None, Status.APPROVED, Actor.GATEWAY, None),
        (Topic.DECISION_ACTIVATED, Status.APPROVED, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_EXTENDED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, "Longer trip"),
        (Topic.DECISION_PART_SETTLED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.mismatches() == []


def test_a_breach_holds_its_room_until_it_is_made_good(world: DemoWorld) -> None:
    decision, moves, token = activated(world), world.transitions, world.merchant_token()
    given = BreachCommand(decision.id, "b", BreachKind.DAMAGED, yuan("800.00"), ("https://cars.example/1",), "A dent")
    decision = moves.report_breach(token, given)
    assert (decision.status, decision.available_transitions) == (Status.BREACHED, (Transition.FULFILL,))
    assert (settlement(decision).outstanding, world.exposure()) == (yuan("800.00"), 80_000)
    assert events(world, decision)[-1] == (
        Topic.DECISION_BREACHED,
        Status.ACTIVE,
        Status.BREACHED,
        Actor.MERCHANT,
        "A dent",
    )
    cured = moves.fulfill(token, FulfillCommand(decision.id, "c"))
    assert (cured.status, world.exposure()) == (Status.FULFILLED, 0)
    assert world.mismatches() == []


def test_what_ran_out_is_told_so_and_the_clock_writes_it_down(world: DemoWorld) -> None:
    decision = requested(world)
    world.clock.advance(4 * DAY)
    with pytest.raises(StateConflict) as refused:
        world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert (refused.value.code, refused.value.status) == ("DECISION_EXPIRED", Status.EXPIRED)
    assert seen(world, decision).status is Status.EXPIRED
    assert world.exposure() == 300_000
    assert world.scheduler.apply_due() == 1
    assert world.scheduler.apply_due() == 0
    assert world.exposure() == 0
    assert events(world, decision)[-1] == (Topic.DECISION_EXPIRED, Status.APPROVED, Status.EXPIRED, Actor.CLOCK, None)
    assert world.mismatches() == []


def test_late_is_marked_then_let_go(world: DemoWorld) -> None:
    decision = activated(world)  # back in four days, a day's grace
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    assert settlement(seen(world, decision)).overdue
    assert world.exposure() == 300_000
    refusal = requested(world, number=2)
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_OVERDUE_OBLIGATION",)
    world.clock.advance(14 * DAY)
    assert world.scheduler.apply_due() == 1
    assert (settlement(seen(world, decision)).overdue, world.exposure()) == (False, 0)
    assert requested(world, number=3).status is Status.APPROVED
    assert [event[:4] for event in events(world, decision)][-2:] == [
        (Topic.DECISION_OVERDUE, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
        (Topic.DECISION_LAPSED, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
    ]
    late_word = BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
    with pytest.raises(StateConflict) as refused:
        world.transitions.report_breach(world.merchant_token(), late_word)
    assert refused.value.transitions == seen(world, decision).available_transitions == (Transition.FULFILL,)
    assert world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "late")).status is (
        Status.FULFILLED
    )
    assert world.mismatches() == []


def test_due_transition_at_a_merchants_call_has_the_schedulers_note(world: DemoWorld) -> None:
    decision = activated(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    world.clock.advance(14 * DAY)
    settled = world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "late"))
    assert settled.status is Status.FULFILLED
    note = "No breach was reported in time: the overdue flag expired."
    assert events(world, decision)[-2:] == [
        (Topic.DECISION_LAPSED, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK, note),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.mismatches() == []


def test_a_breach_declines_new_asks_only_after_its_window_and_while_it_is_open(world: DemoWorld) -> None:
    decision, moves, token = activated(world), world.transitions, world.merchant_token()
    moves.report_breach(token, BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED))
    assert requested(world, number=2).status is Status.APPROVED, "within the contest window it changes nothing"
    world.clock.advance(14 * DAY)
    elsewhere = world.grant("excellent", client=world.client("online_shop"))
    given = asking(order(), "key-3", "order-3")
    refusal = world.requester.request(world.acting(elsewhere), given).decision
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_OVERDUE_OBLIGATION",)
    moves.fulfill(world.merchant_token(), FulfillCommand(decision.id, "c"))
    assert requested(world, number=4).status is Status.APPROVED, "made good, it is over"


def test_open_decisions_outlive_the_consent(world: DemoWorld) -> None:
    consent = world.grant()
    given = asking(car(world.clock()))
    decision = world.requester.request(world.acting(consent), given).decision
    world.revoke(consent)
    moves, token = world.transitions, world.merchant_token()
    moves.activate(token, ActivateCommand(decision.id, "a"))
    moves.extend(token, ExtendCommand(decision.id, "e", world.now + 9 * DAY, "As agreed"))
    moves.report_breach(token, BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED))
    assert moves.fulfill(token, FulfillCommand(decision.id, "f")).status is Status.FULFILLED
    assert world.mismatches() == []


def test_several_clocks_do_the_work_once(world: DemoWorld) -> None:
    decisions = [requested(world, number=number) for number in range(5)]
    world.clock.advance(8 * DAY)
    done = at_once([world.scheduler.apply_due] * THREADS)
    assert sum(each for each in done if isinstance(each, int)) == len(decisions)
    assert not [each for each in done if isinstance(each, Exception)]
    assert world.counts()["decision_log"] == 2 * len(decisions)
    assert world.mismatches() == []


def test_a_decision_that_cannot_be_moved_holds_up_no_other(world: DemoWorld) -> None:
    first = requested(world, number=1)
    second = requested(world, number=2)
    world.execute(f"UPDATE exposures SET exposure_minor = 1 WHERE user_id = '{world.user('excellent')}'")
    world.clock.advance(8 * DAY)
    assert world.scheduler.apply_due() == 0, "neither can give back what is not held"
    assert len(world.mismatches()) == 1
    world.execute(f"UPDATE exposures SET exposure_minor = 300000 WHERE user_id = '{world.user('excellent')}'")
    assert world.scheduler.apply_due() == 1
    assert {seen(world, each).status for each in (first, second)} == {Status.EXPIRED}


def test_a_merchant_moves_its_own_decisions_only_in_its_own_time(world: DemoWorld) -> None:
    """Business time is the partner's: what is past for one partner is not for another."""
    decision = requested(world)
    world.execute("UPDATE partners SET clock_offset_seconds = 345600 WHERE name = 'demo'")
    with pytest.raises(StateConflict):
        world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert world.scheduler.apply_due() == 1
    assert seen(world, decision).status is Status.EXPIRED
