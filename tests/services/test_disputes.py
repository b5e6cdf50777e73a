"""Disputes: the contested breach or overdue flag is suspended, the merchant responds, and the operator decides."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.decisions.dispute import Contested, Dispute, DisputeStatus, Party
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.errors import GatewayError, IdempotencyConflict, InvalidInput, NotFound, StateConflict
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    ExtendCommand,
    FulfillCommand,
    ReduceCommand,
)
from tests.services.asks import car, request_command
from tests.services.decisions import DAY, load_decision, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld

WORDS = "I brought it back on Tuesday.\nThe receipt is in the glove box."


def active(world: DemoWorld, number: int = 1) -> DecisionState:
    command = request_command(car(world.clock()), f"key-{number}", f"order-{number}")
    decision = world.requester.request(world.user_token(world.grant()), command).decision
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"a-{number}"))


def breached(world: DemoWorld, number: int = 1) -> DecisionState:
    command = BreachCommand(active(world, number).id, f"b-{number}", BreachKind.DAMAGED)
    return world.transitions.report_breach(world.merchant_token(), command)


def overdue(world: DemoWorld) -> DecisionState:
    decision = active(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    return load_decision(world, decision)


def opened(world: DemoWorld, decision: DecisionState) -> Dispute:
    return world.disputes.open(world.user("excellent"), decision.id, WORDS)


def answer(dispute: Dispute, *, accept: bool, key: str = "r") -> RespondCommand:
    return RespondCommand(dispute.id, key, accept, "We looked.", ("https://cars.example/photo",))


def asks_again(world: DemoWorld, number: int = 9) -> Status:
    command = request_command(car(world.clock(), "100.00"), f"key-{number}", f"order-{number}")
    return world.requester.request(world.user_token(world.grant()), command).decision.status


def topics(world: DemoWorld, decision: DecisionState) -> list[tuple[Topic, Actor]]:
    events = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    return [(event.merchant_topic, event.actor) for event in events][2:]


def refused(world: DemoWorld, call: Callable[[], object], kind: type[GatewayError]) -> GatewayError:
    before = world.contents()
    with pytest.raises(kind) as refusal:
        call()
    assert world.contents() == before
    return refusal.value


def test_dispute_suspends_the_breach(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = opened(world, decision)
    assert (dispute.subject, dispute.opened_by, dispute.status) == (
        Contested.BREACH,
        Party.USER,
        DisputeStatus.AWAITING_MERCHANT,
    )
    assert (dispute.statement, dispute.respond_by) == (WORDS, world.clock() + 7 * DAY)
    world.clock.advance(6 * DAY)
    assert asks_again(world) is Status.APPROVED
    assert (load_decision(world, decision).status, world.exposure() > 300_000) == (Status.BREACHED, True)
    assert world.mismatches() == []


def test_breach_keeps_the_overdue_flag(world: DemoWorld) -> None:
    decision = overdue(world)
    token, command = world.merchant_token(), BreachCommand(decision.id, "b", BreachKind.DAMAGED)
    after = world.transitions.report_breach(token, command)
    assert (after.settlement is not None and after.settlement.overdue, asks_again(world, 5)) == (True, Status.DECLINED)
    opened(world, decision)
    suspended = load_decision(world, decision).settlement
    assert (suspended is not None and suspended.overdue, asks_again(world, 6)) == (False, Status.APPROVED)


def test_acceptance_upholds_the_dispute(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=True))
    assert (dispute.status, dispute.response, dispute.resolved_at) == (
        DisputeStatus.UPHELD,
        "We looked.",
        world.clock(),
    )
    assert dispute.evidence == ("https://cars.example/photo",)
    after = load_decision(world, decision)
    assert (after.status, after.available_transitions) == (
        Status.ACTIVE,
        (Transition.EXTEND, Transition.REDUCE, Transition.FULFILL),
    )
    once_more = BreachCommand(decision.id, "again", BreachKind.OTHER)
    refused(world, lambda: world.transitions.report_breach(world.merchant_token(), once_more), StateConflict)
    assert topics(world, decision) == [
        (Topic.DECISION_BREACHED, Actor.MERCHANT),
        (Topic.DISPUTE_OPENED, Actor.USER),
        (Topic.DISPUTE_ANSWERED, Actor.MERCHANT),
        (Topic.DECISION_BREACH_VOIDED, Actor.MERCHANT),
        (Topic.DISPUTE_RESOLVED, Actor.MERCHANT),
    ]
    assert world.mismatches() == []


def test_unanswered_dispute_is_upheld(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = opened(world, decision)
    world.clock.advance(7 * DAY)
    late = refused(
        world, lambda: world.disputes.respond(world.merchant_token(), answer(dispute, accept=False)), StateConflict
    )
    assert late.code == "INVALID_TRANSITION"
    assert world.disputes.uphold_unanswered() == 1
    assert world.disputes.uphold_unanswered() == 0
    assert load_decision(world, decision).status is Status.ACTIVE
    assert topics(world, decision)[-1] == (Topic.DISPUTE_RESOLVED, Actor.CLOCK)
    assert world.mismatches() == []


def test_operator_can_reject_a_refused_dispute(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    assert dispute.status is DisputeStatus.UNDER_REVIEW
    world.clock.advance(30 * DAY)
    assert (world.disputes.uphold_unanswered(), asks_again(world, 7)) == (0, Status.APPROVED), (
        "the dispute waits for the operator"
    )
    done = world.disputes.resolve(dispute.id, uphold=False, resolution="The photo shows the car elsewhere.")
    assert (done.status, done.resolution) == (DisputeStatus.REJECTED, "The photo shows the car elsewhere.")
    assert load_decision(world, decision).status is Status.BREACHED
    assert asks_again(world, 8) is Status.DECLINED, "a rejected dispute makes the breach count at once"
    again = refused(world, lambda: opened(world, decision), InvalidInput)
    assert "already decided" in again.message
    cured = world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "f"))
    assert cured.status is Status.FULFILLED
    assert world.mismatches() == []


def test_breach_counts_at_once_after_a_rejected_dispute(world: DemoWorld) -> None:
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, breached(world)), accept=False))
    world.disputes.resolve(dispute.id, uphold=False, resolution="No.")
    assert asks_again(world) is Status.DECLINED


def test_operator_can_uphold_a_refused_dispute(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    assert [each.id for each in world.disputes.list_open()] == [dispute.id]
    assert world.disputes.resolve(dispute.id, uphold=True, resolution="Paid.").status is DisputeStatus.UPHELD
    assert load_decision(world, decision).status is Status.ACTIVE
    assert world.disputes.list_open() == []
    refused(world, lambda: world.disputes.resolve(dispute.id, uphold=False, resolution="Again."), StateConflict)


def test_overdue_flag_can_be_contested(world: DemoWorld) -> None:
    decision = overdue(world)
    assert asks_again(world, 5) is Status.DECLINED
    dispute = opened(world, decision)
    assert dispute.subject is Contested.OVERDUE
    assert asks_again(world, 6) is Status.APPROVED
    hindered = refused(
        world,
        lambda: world.transitions.report_breach(
            world.merchant_token(), BreachCommand(decision.id, "b", BreachKind.DAMAGED)
        ),
        StateConflict,
    )
    assert isinstance(hindered, StateConflict)
    assert hindered.transitions == (Transition.EXTEND, Transition.REDUCE, Transition.FULFILL)
    assert load_decision(world, decision).available_transitions == hindered.transitions
    world.disputes.respond(world.merchant_token(), answer(dispute, accept=True))
    after = load_decision(world, decision)
    assert after.settlement is not None
    assert (after.status, after.settlement.overdue) == (Status.ACTIVE, False)
    assert after.available_transitions == (Transition.REDUCE, Transition.FULFILL), (
        "the merchant agreed that it is not overdue"
    )
    assert world.mismatches() == []


def test_overdue_flag_counts_again_after_a_rejected_dispute(world: DemoWorld) -> None:
    decision = overdue(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    world.clock.advance(60 * DAY)
    assert world.scheduler.apply_due() == 0, "a contested overdue flag does not expire"
    world.disputes.resolve(dispute.id, uphold=False, resolution="Not back.")
    assert asks_again(world, 6) is Status.DECLINED
    assert world.scheduler.apply_due() == 0
    world.clock.advance(14 * DAY)
    assert world.scheduler.apply_due() == 1
    assert asks_again(world, 7) is Status.APPROVED
    assert world.mismatches() == []


@pytest.mark.parametrize("transition", ["fulfill", "reduce", "extend"])
def test_settling_reducing_to_nothing_or_extending_upholds_the_dispute(world: DemoWorld, transition: str) -> None:
    decision = overdue(world)
    dispute = opened(world, decision)
    moves, token = world.transitions, world.merchant_token()
    if transition == "fulfill":
        moves.fulfill(token, FulfillCommand(decision.id, "f"))
    elif transition == "reduce":
        moves.reduce(token, ReduceCommand(decision.id, "d", yuan("0.00"), "It came back"))
    else:
        moves.extend(token, ExtendCommand(decision.id, "e", world.now + 9 * DAY, "As agreed"))
    ended = world.query(token, lambda query: world.disputes.find(query, dispute.id))
    assert ended is not None
    assert ended.status is DisputeStatus.UPHELD
    assert topics(world, decision)[-1] == (Topic.DISPUTE_RESOLVED, Actor.MERCHANT)
    assert world.mismatches() == []


def test_person_can_withdraw_a_dispute(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = opened(world, decision)
    refused(world, lambda: world.disputes.withdraw(world.user("good"), dispute.id), NotFound)
    done = world.disputes.withdraw(world.user("excellent"), dispute.id)
    assert (done.status, load_decision(world, decision).status) == (DisputeStatus.WITHDRAWN, Status.BREACHED)
    refused(world, lambda: world.disputes.withdraw(world.user("excellent"), dispute.id), StateConflict)
    assert asks_again(world) is Status.DECLINED, "an uncontested breach counts"
    assert "withdrawn" in refused(world, lambda: opened(world, decision), InvalidInput).message
    assert world.mismatches() == []


def test_only_the_person_can_contest_a_breach_in_time(world: DemoWorld) -> None:
    healthy = active(world)
    refused(world, lambda: opened(world, healthy), InvalidInput)
    decision = breached(world, 2)
    for user, which in ((world.user("good"), decision.id), (world.user("excellent"), "dec_test_none")):
        refused(world, lambda u=user, w=which: world.disputes.open(u, w, "Mine"), NotFound)  # type: ignore[misc]
    for words in ("", " \n ", "x" * 2001, "a\x00b"):
        refused(world, lambda w=words: world.disputes.open(world.user("excellent"), decision.id, w), InvalidInput)  # type: ignore[misc]
    opened(world, decision)
    refused(world, lambda: opened(world, decision), InvalidInput)
    late = breached(world, 3)
    world.clock.advance(14 * DAY)
    assert "is over" in refused(world, lambda: opened(world, late), InvalidInput).message


def test_response_is_idempotent_and_limited_to_the_merchant(world: DemoWorld) -> None:
    dispute = opened(world, breached(world))
    stranger = world.merchant_token(world.client("online_shop"))
    assert refused(world, lambda: world.disputes.respond(stranger, answer(dispute, accept=True)), NotFound).field == (
        "disputeId",
    )
    first = world.disputes.respond(world.merchant_token(), answer(dispute, accept=False))
    after = world.contents()
    assert world.disputes.respond(world.merchant_token(), answer(dispute, accept=False)) == first
    assert world.contents() == after
    refused(
        world, lambda: world.disputes.respond(world.merchant_token(), answer(dispute, accept=True)), IdempotencyConflict
    )
    refused(
        world,
        lambda: world.disputes.respond(world.merchant_token(), answer(dispute, accept=True, key="other")),
        StateConflict,
    )


def test_one_of_concurrent_responses_succeeds(world: DemoWorld) -> None:
    dispute = opened(world, breached(world))
    token = world.merchant_token()
    calls = [partial(world.disputes.respond, token, answer(dispute, accept=n % 2 == 0, key=f"k{n}")) for n in range(8)]
    failures = [each for each in at_once(calls) if isinstance(each, Exception)]
    assert (len(failures), {type(each) for each in failures}) == (7, {StateConflict})
    assert world.mismatches() == []


def test_statements_are_stored_sealed(world: DemoWorld) -> None:
    dispute = opened(world, breached(world))
    world.disputes.respond(world.merchant_token(), answer(dispute, accept=False))
    for table in ("disputes", "decision_log", "outbox", "decisions"):
        text = str(world.rows(f"SELECT * FROM {table}"))
        assert "glove box" not in text
        assert "We looked" not in text
