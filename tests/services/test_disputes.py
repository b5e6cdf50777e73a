"""Disputes: what is contested waits; the merchant answers, silence is for the person, and the operator decides."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.decisions.dispute import Contested, Dispute, DisputeStatus, Party
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status, Transition
from gateway.domain.errors import GatewayError, IdempotencyConflict, InvalidInput, NotFound, StateConflict
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, ExtendCommand, FulfillCommand
from tests.services.asks import asking, car
from tests.services.promises import DAY, seen
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld

WORDS = "I brought it back on Tuesday.\nThe receipt is in the glove box."


def active(world: DemoWorld, number: int = 1) -> DecisionState:
    given = asking(car(world.clock()), f"key-{number}", f"order-{number}")
    decision = world.requester.request(world.acting(world.grant()), given).decision
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"a-{number}"))


def breached(world: DemoWorld, number: int = 1) -> DecisionState:
    given = BreachCommand(active(world, number).id, f"b-{number}", BreachKind.NOT_RETURNED)
    return world.transitions.report_breach(world.merchant_token(), given)


def overdue(world: DemoWorld) -> DecisionState:
    decision = active(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    return seen(world, decision)


def opened(world: DemoWorld, decision: DecisionState) -> Dispute:
    return world.disputes.open(world.user("excellent"), decision.id, WORDS)


def answer(dispute: Dispute, *, accept: bool, key: str = "r") -> RespondCommand:
    return RespondCommand(dispute.id, key, accept, "We looked.", ("https://cars.example/photo",))


def asks_again(world: DemoWorld, number: int = 9) -> Status:
    given = asking(car(world.clock(), "100.00"), f"key-{number}", f"order-{number}")
    return world.requester.request(world.acting(world.grant()), given).decision.status


def topics(world: DemoWorld, decision: DecisionState) -> list[tuple[Topic, Actor]]:
    found = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    return [(event.topic, event.actor) for event in found][2:]


def refused(world: DemoWorld, call: Callable[[], object], kind: type[GatewayError]) -> GatewayError:
    before = world.contents()
    with pytest.raises(kind) as refusal:
        call()
    assert world.contents() == before
    return refusal.value


def test_a_dispute_suspends_what_it_is_about(world: DemoWorld) -> None:
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
    assert (seen(world, decision).status, world.exposure() > 300_000) == (Status.BREACHED, True)
    assert world.mismatches() == []


def test_a_breach_reported_after_the_mark_lifts_nothing_of_the_mark(world: DemoWorld) -> None:
    decision = overdue(world)
    token, given = world.merchant_token(), BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
    after = world.transitions.report_breach(token, given)
    assert (after.settlement is not None and after.settlement.overdue, asks_again(world, 5)) == (True, Status.DECLINED)
    opened(world, decision)
    suspended = seen(world, decision).settlement
    assert (suspended is not None and suspended.overdue, asks_again(world, 6)) == (False, Status.APPROVED)


def test_accepting_upholds_the_person(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=True))
    assert (dispute.status, dispute.response, dispute.resolved_at) == (
        DisputeStatus.UPHELD,
        "We looked.",
        world.clock(),
    )
    assert dispute.evidence == ("https://cars.example/photo",)
    after = seen(world, decision)
    assert (after.status, after.available_transitions) == (Status.ACTIVE, (Transition.EXTEND, Transition.FULFILL))
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


def test_silence_upholds_the_person(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = opened(world, decision)
    world.clock.advance(7 * DAY)
    late = refused(
        world, lambda: world.disputes.respond(world.merchant_token(), answer(dispute, accept=False)), StateConflict
    )
    assert late.code == "INVALID_TRANSITION"
    assert world.disputes.uphold_unanswered() == 1
    assert world.disputes.uphold_unanswered() == 0
    assert seen(world, decision).status is Status.ACTIVE
    assert topics(world, decision)[-1] == (Topic.DISPUTE_RESOLVED, Actor.CLOCK)
    assert world.mismatches() == []


def test_refusing_leaves_it_to_the_operator_who_may_reject(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    assert dispute.status is DisputeStatus.UNDER_REVIEW
    world.clock.advance(30 * DAY)
    assert (world.disputes.uphold_unanswered(), asks_again(world, 7)) == (0, Status.APPROVED), (
        "it waits for the operator"
    )
    done = world.disputes.resolve(dispute.id, uphold=False, resolution="The photo shows the car elsewhere.")
    assert (done.status, done.resolution) == (DisputeStatus.REJECTED, "The photo shows the car elsewhere.")
    assert seen(world, decision).status is Status.BREACHED
    assert asks_again(world, 8) is Status.DECLINED, "a rejected dispute makes the breach count at once"
    again = refused(world, lambda: opened(world, decision), InvalidInput)
    assert "already decided" in again.message
    cured = world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "f"))
    assert cured.status is Status.FULFILLED
    assert world.mismatches() == []


def test_a_rejected_dispute_counts_even_within_the_window(world: DemoWorld) -> None:
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, breached(world)), accept=False))
    world.disputes.resolve(dispute.id, uphold=False, resolution="No.")
    assert asks_again(world) is Status.DECLINED


def test_the_operator_may_uphold(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    assert [each.id for each in world.disputes.list_open()] == [dispute.id]
    assert world.disputes.resolve(dispute.id, uphold=True, resolution="Paid.").status is DisputeStatus.UPHELD
    assert seen(world, decision).status is Status.ACTIVE
    assert world.disputes.list_open() == []
    refused(world, lambda: world.disputes.resolve(dispute.id, uphold=False, resolution="Again."), StateConflict)


def test_an_overdue_mark_can_be_contested_at_once(world: DemoWorld) -> None:
    decision = overdue(world)
    assert asks_again(world, 5) is Status.DECLINED
    dispute = opened(world, decision)
    assert dispute.subject is Contested.OVERDUE
    assert asks_again(world, 6) is Status.APPROVED
    hindered = refused(
        world,
        lambda: world.transitions.report_breach(
            world.merchant_token(), BreachCommand(decision.id, "b", BreachKind.NOT_RETURNED)
        ),
        StateConflict,
    )
    assert isinstance(hindered, StateConflict)
    assert hindered.transitions == (Transition.EXTEND, Transition.FULFILL)
    assert seen(world, decision).available_transitions == hindered.transitions
    world.disputes.respond(world.merchant_token(), answer(dispute, accept=True))
    after = seen(world, decision)
    assert after.settlement is not None
    assert (after.status, after.settlement.overdue) == (Status.ACTIVE, False)
    assert after.available_transitions == (Transition.FULFILL,), "the merchant agreed that it is not overdue"
    assert world.mismatches() == []


def test_a_rejected_mark_counts_again_and_its_window_goes_on(world: DemoWorld) -> None:
    decision = overdue(world)
    dispute = world.disputes.respond(world.merchant_token(), answer(opened(world, decision), accept=False))
    world.clock.advance(60 * DAY)
    assert world.scheduler.apply_due() == 0, "what is contested does not lapse"
    world.disputes.resolve(dispute.id, uphold=False, resolution="Not back.")
    assert asks_again(world, 6) is Status.DECLINED
    assert world.scheduler.apply_due() == 0
    world.clock.advance(14 * DAY)
    assert world.scheduler.apply_due() == 1
    assert asks_again(world, 7) is Status.APPROVED
    assert world.mismatches() == []


@pytest.mark.parametrize("gives_in", ["fulfill", "extend"])
def test_a_merchant_that_settles_or_extends_has_given_in(world: DemoWorld, gives_in: str) -> None:
    decision = overdue(world)
    dispute = opened(world, decision)
    moves, token = world.transitions, world.merchant_token()
    if gives_in == "fulfill":
        moves.fulfill(token, FulfillCommand(decision.id, "f"))
    else:
        moves.extend(token, ExtendCommand(decision.id, "e", world.now + 9 * DAY, "As agreed"))
    found = world.query(token, lambda query: world.disputes.find(query, dispute.id))
    assert found is not None
    assert found.status is DisputeStatus.UPHELD
    assert topics(world, decision)[-1] == (Topic.DISPUTE_RESOLVED, Actor.MERCHANT)
    assert world.mismatches() == []


def test_a_person_may_withdraw(world: DemoWorld) -> None:
    decision = breached(world)
    dispute = opened(world, decision)
    refused(world, lambda: world.disputes.withdraw(world.user("good"), dispute.id), NotFound)
    done = world.disputes.withdraw(world.user("excellent"), dispute.id)
    assert (done.status, seen(world, decision).status) == (DisputeStatus.WITHDRAWN, Status.BREACHED)
    refused(world, lambda: world.disputes.withdraw(world.user("excellent"), dispute.id), StateConflict)
    assert asks_again(world) is Status.DECLINED, "what is no longer contested counts"
    assert "withdrawn" in refused(world, lambda: opened(world, decision), InvalidInput).message
    assert world.mismatches() == []


def test_only_what_is_held_against_somebody_can_be_contested_and_by_them_alone(world: DemoWorld) -> None:
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


def test_answers_are_idempotent_and_the_merchants_own(world: DemoWorld) -> None:
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


def test_answers_at_once_have_one_winner(world: DemoWorld) -> None:
    dispute = opened(world, breached(world))
    token = world.merchant_token()
    calls = [partial(world.disputes.respond, token, answer(dispute, accept=n % 2 == 0, key=f"k{n}")) for n in range(8)]
    failures = [each for each in at_once(calls) if isinstance(each, Exception)]
    assert (len(failures), {type(each) for each in failures}) == (7, {StateConflict})
    assert world.mismatches() == []


def test_nothing_of_what_the_parties_say_stands_in_the_open(world: DemoWorld) -> None:
    dispute = opened(world, breached(world))
    world.disputes.respond(world.merchant_token(), answer(dispute, accept=False))
    for table in ("disputes", "decision_log", "outbox", "decisions"):
        text = str(world.rows(f"SELECT * FROM {table}"))
        assert "glove box" not in text
        assert "We looked" not in text
