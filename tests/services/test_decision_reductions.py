"""Reductions of an amount due: amounts, exposure, events, and the fulfillment when nothing is outstanding."""

import pytest

from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import IdempotencyConflict
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.transitions import FulfillCommand, ReduceCommand
from tests.services.decisions import DAY, activate_decision, list_events, load_decision, settlement_of, yuan
from tests.support.demo_world import DemoWorld


def test_reduction_releases_its_part_and_keeps_the_terms(world: DemoWorld) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    moves.fulfill(token, FulfillCommand(decision.id, "p", None, yuan("1000.00")))
    reduced = moves.reduce(token, ReduceCommand(decision.id, "r", yuan("1800.00"), "A discount"))
    assert reduced == load_decision(world, decision)
    due_at = settlement_of(decision).due_at
    assert settlement_of(reduced) == Settlement(yuan("1800.00"), yuan("1000.00"), yuan("800.00"), due_at, False)
    assert (reduced.terms, world.exposure()) == (decision.terms, 80_000)
    assert list_events(world, decision)[-1] == (
        Topic.DECISION_REDUCED,
        Status.ACTIVE,
        Status.ACTIVE,
        Actor.MERCHANT,
        "A discount",
    )
    assert world.mismatches() == []


@pytest.mark.parametrize("settled", ["0.00", "1000.00"])
def test_reduction_to_the_settled_amount_fulfills_the_decision(world: DemoWorld, settled: str) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    if settled != "0.00":
        moves.fulfill(token, FulfillCommand(decision.id, "p", None, yuan(settled)))
    done = moves.reduce(token, ReduceCommand(decision.id, "r", yuan(settled), "All of it came back"))
    due_at = settlement_of(decision).due_at
    assert (done.status, world.exposure()) == (Status.FULFILLED, 0)
    assert settlement_of(done) == Settlement(yuan(settled), yuan(settled), yuan("0.00"), due_at, False)
    assert list_events(world, decision)[-2:] == [
        (Topic.DECISION_REDUCED, Status.ACTIVE, Status.ACTIVE, Actor.MERCHANT, "All of it came back"),
        (Topic.DECISION_FULFILLED, Status.ACTIVE, Status.FULFILLED, Actor.MERCHANT, None),
    ]
    assert world.mismatches() == []


def test_replay_after_both_events_changes_nothing(world: DemoWorld) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    command = ReduceCommand(decision.id, "r", yuan("0.00"), "It came back")
    done = moves.reduce(token, command)
    after = world.contents()
    assert moves.reduce(token, command) == done
    with pytest.raises(IdempotencyConflict) as refused:
        moves.reduce(token, ReduceCommand(decision.id, "r", yuan("1.00"), "It came back"))
    assert refused.value.differing == (("newAmount", "amount"),)
    assert world.contents() == after
    assert world.mismatches() == []


def test_due_transitions_come_before_a_reduction(world: DemoWorld) -> None:
    decision = activate_decision(world)  # due in four days, with one day of grace
    world.clock.advance(5 * DAY)
    command = ReduceCommand(decision.id, "r", yuan("2000.00"), "A refund")
    reduced = world.transitions.reduce(world.merchant_token(), command)
    assert settlement_of(reduced).overdue
    assert world.exposure() == 200_000
    assert [event[0] for event in list_events(world, decision)][-2:] == [Topic.DECISION_OVERDUE, Topic.DECISION_REDUCED]
    assert world.mismatches() == []
