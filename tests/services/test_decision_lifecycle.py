"""The lifecycle of a decision: row, exposure, log and outbox stay consistent through all transitions."""

import pytest

from gateway.domain.decisions.outcome import Decline
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.errors import StateConflict, TooEarly
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, ExtendCommand, FulfillCommand
from tests.services.asks import car, order, request_command
from tests.services.decisions import (
    DAY,
    THREADS,
    activate_decision,
    list_events,
    load_decision,
    request_decision,
    settlement_of,
    yuan,
)
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld


def test_lifecycle_from_request_to_last_settlement(world: DemoWorld) -> None:
    decision = request_decision(world)
    assert decision.available_transitions == (Transition.ACTIVATE, Transition.CANCEL)
    assert settlement_of(decision).outstanding == yuan("3000.00")
    assert world.exposure() == 300_000
    moves, token = world.transitions, world.merchant_token()
    decision = moves.activate(token, ActivateCommand(decision.id, "a", world.now))
    assert decision.available_transitions == (
        Transition.EXTEND,
        Transition.REDUCE,
        Transition.FULFILL,
        Transition.REPORT_BREACH,
    )
    later = world.now + 10 * DAY
    decision = moves.extend(token, ExtendCommand(decision.id, "b", later, "Longer trip"))
    assert settlement_of(decision).due_at == later
    decision = moves.fulfill(token, FulfillCommand(decision.id, "c", None, yuan("1000.00")))
    assert (decision.status, world.exposure()) == (Status.ACTIVE, 200_000)
    decision = moves.fulfill(token, FulfillCommand(decision.id, "d", world.now))
    assert (decision.status, world.exposure(), decision.available_transitions) == (Status.FULFILLED, 0, ())
    assert settlement_of(decision) == Settlement(yuan("3000.00"), yuan("3000.00"), yuan("0.00"), later, False)
    assert list_events(world, decision) == [
        (Topic.DECISION_APPROVED, None, Status.APPROVED, Actor.GATEWAY, None),
        (Topic.DECISION_ACTIVATED, Status.APPROVED, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_EXTENDED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, "Longer trip"),
        (Topic.DECISION_PART_SETTLED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, None),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.mismatches() == []


def test_breach_keeps_exposure_until_it_is_cured(world: DemoWorld) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    command = BreachCommand(decision.id, "b", BreachKind.DAMAGED, yuan("800.00"), ("https://cars.example/1",), "A dent")
    decision = moves.report_breach(token, command)
    assert (decision.status, decision.available_transitions) == (Status.BREACHED, (Transition.FULFILL,))
    assert (settlement_of(decision).outstanding, world.exposure()) == (yuan("800.00"), 80_000)
    assert list_events(world, decision)[-1] == (
        Topic.DECISION_BREACHED,
        Status.ACTIVE,
        Status.BREACHED,
        Actor.MERCHANT,
        "A dent",
    )
    cured = moves.fulfill(token, FulfillCommand(decision.id, "c"))
    assert (cured.status, world.exposure()) == (Status.FULFILLED, 0)
    assert world.mismatches() == []


def test_approval_expires_and_scheduler_saves_it(world: DemoWorld) -> None:
    decision = request_decision(world)
    world.clock.advance(4 * DAY)
    with pytest.raises(StateConflict) as refused:
        world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert (refused.value.code, refused.value.status) == ("DECISION_EXPIRED", Status.EXPIRED)
    assert load_decision(world, decision).status is Status.EXPIRED
    assert world.exposure() == 300_000
    assert world.scheduler.apply_due() == 1
    assert world.scheduler.apply_due() == 0
    assert world.exposure() == 0
    assert list_events(world, decision)[-1] == (
        Topic.DECISION_EXPIRED,
        Status.APPROVED,
        Status.EXPIRED,
        Actor.CLOCK,
        None,
    )
    assert world.mismatches() == []


def test_overdue_flag_is_set_and_expires(world: DemoWorld) -> None:
    decision = activate_decision(world)  # due in four days, with one day of grace
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    assert settlement_of(load_decision(world, decision)).overdue
    assert world.exposure() == 300_000
    refusal = request_decision(world, number=2)
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_OVERDUE_OBLIGATION",)
    world.clock.advance(14 * DAY)
    assert world.scheduler.apply_due() == 1
    assert (settlement_of(load_decision(world, decision)).overdue, world.exposure()) == (False, 0)
    assert request_decision(world, number=3).status is Status.APPROVED
    assert [event[:4] for event in list_events(world, decision)][-2:] == [
        (Topic.DECISION_OVERDUE, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
        (Topic.DECISION_LAPSED, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK),
    ]
    late_report = BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
    with pytest.raises(StateConflict) as refused:
        world.transitions.report_breach(world.merchant_token(), late_report)
    possible = (Transition.REDUCE, Transition.FULFILL)
    assert refused.value.transitions == load_decision(world, decision).available_transitions == possible
    assert world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "late")).status is (
        Status.FULFILLED
    )
    assert world.mismatches() == []


def test_due_transition_saved_by_a_merchants_call_has_the_schedulers_note(world: DemoWorld) -> None:
    decision = activate_decision(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    world.clock.advance(14 * DAY)
    settled = world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "late"))
    assert settled.status is Status.FULFILLED
    note = "The overdue flag expired, because no breach was reported in time."
    assert list_events(world, decision)[-2:] == [
        (Topic.DECISION_LAPSED, Status.ACTIVE, Status.ACTIVE, Actor.CLOCK, note),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.mismatches() == []


def test_breach_declines_requests_after_the_dispute_window_until_cured(world: DemoWorld) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    moves.report_breach(token, BreachCommand(decision.id, "b", BreachKind.DAMAGED))
    assert request_decision(world, number=2).status is Status.APPROVED, "within the dispute window it does not count"
    world.clock.advance(14 * DAY)
    elsewhere = world.grant("excellent", client=world.client("online_shop"))
    command = request_command(order(), "key-3", "order-3")
    refusal = world.requester.request(world.user_token(elsewhere), command).decision
    assert isinstance(refusal.outcome, Decline)
    assert refusal.outcome.reasons == ("OPEN_BREACH",)
    moves.fulfill(world.merchant_token(), FulfillCommand(decision.id, "c"))
    assert request_decision(world, number=4).status is Status.APPROVED, "a cured breach does not count"


def test_e1_breach_before_the_due_date_is_refused_with_its_moment(world: DemoWorld) -> None:
    decision, token = activate_decision(world), world.merchant_token()  # due in four days, with one day of grace
    report = BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
    before = world.contents()
    with pytest.raises(TooEarly) as refused:
        world.transitions.report_breach(token, report)
    settlement = settlement_of(load_decision(world, decision))
    assert settlement.due_at is not None
    assert (refused.value.field, refused.value.possible_from) == (("kind",), settlement.due_at + DAY)
    assert world.contents() == before
    world.clock.advance(5 * DAY)
    assert world.transitions.report_breach(world.merchant_token(), report).status is Status.BREACHED
    assert [event[0] for event in list_events(world, decision)][-2:] == [
        Topic.DECISION_OVERDUE,
        Topic.DECISION_BREACHED,
    ]


def test_open_decisions_continue_after_revoked_consent(world: DemoWorld) -> None:
    consent = world.grant()
    command = request_command(car(world.clock()))
    decision = world.requester.request(world.user_token(consent), command).decision
    world.revoke(consent)
    moves, token = world.transitions, world.merchant_token()
    moves.activate(token, ActivateCommand(decision.id, "a"))
    moves.extend(token, ExtendCommand(decision.id, "e", world.now + 9 * DAY, "As agreed"))
    moves.report_breach(token, BreachCommand(decision.id, "b", BreachKind.DAMAGED))
    assert moves.fulfill(token, FulfillCommand(decision.id, "f")).status is Status.FULFILLED
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_concurrent_schedulers_apply_each_transition_once(world: DemoWorld) -> None:
    decisions = [request_decision(world, number=number) for number in range(5)]
    world.clock.advance(8 * DAY)
    done = at_once([world.scheduler.apply_due] * THREADS)
    assert sum(each for each in done if isinstance(each, int)) == len(decisions)
    assert not [each for each in done if isinstance(each, Exception)]
    assert world.counts()["decision_log"] == 2 * len(decisions)
    assert world.mismatches() == []


def test_failing_transition_does_not_stop_others(world: DemoWorld) -> None:
    first = request_decision(world, number=1)
    second = request_decision(world, number=2)
    world.execute(f"UPDATE exposures SET exposure_minor = 1 WHERE user_id = '{world.user('excellent')}'")
    world.clock.advance(8 * DAY)
    assert world.scheduler.apply_due() == 0, "the exposure of neither can be released"
    assert len(world.mismatches()) == 1
    world.execute(f"UPDATE exposures SET exposure_minor = 300000 WHERE user_id = '{world.user('excellent')}'")
    assert world.scheduler.apply_due() == 1
    assert {load_decision(world, each).status for each in (first, second)} == {Status.EXPIRED}


def test_transitions_use_business_time_of_the_partner(world: DemoWorld) -> None:
    """An approval has expired in the business time of its partner, although not in wall time."""
    decision = request_decision(world)
    world.execute("UPDATE partners SET clock_offset_seconds = 345600 WHERE name = 'demo'")
    with pytest.raises(StateConflict):
        world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert world.scheduler.apply_due() == 1
    assert load_decision(world, decision).status is Status.EXPIRED
