"""Disputes about late settlements: the decision stays fulfilled, and the late settlement counts or does not count."""

import pytest

from gateway.domain.decisions.dispute import Contested, Dispute, DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Actor, Topic
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.obligations import Obligation
from gateway.services.decisions.transitions import BreachCommand, FulfillCommand
from tests.services.decisions import DAY, activate_decision, list_events, load_decision, request_decision
from tests.support.demo_world import DemoWorld
from tests.support.units import reading


def fulfilled_late(world: DemoWorld) -> DecisionState:
    """A decision that was overdue for a day and is settled."""
    decision = activate_decision(world)  # due in four days, with one day of grace
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    world.clock.advance(DAY)
    return world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision.id, "late"))


def opened(world: DemoWorld, decision: DecisionState) -> Dispute:
    return world.disputes.open(world.user("excellent"), decision.id, "I paid in time.")


def responded(world: DemoWorld, dispute: Dispute, *, accept: bool) -> Dispute:
    command = RespondCommand(dispute.id, "r", accept, "We looked.")
    return world.disputes.respond(world.merchant_token(), command)


def obligations(world: DemoWorld) -> tuple[Obligation, ...]:
    with reading(world.database) as unit:
        return world.obligations.list_obligations(unit, world.user("excellent"))


def test_late_settlement_is_listed_and_can_be_contested_until_it_counts(world: DemoWorld) -> None:
    decision = fulfilled_late(world)
    (listed,) = obligations(world)
    assert (listed.state, listed.contestable) == (decision, Contested.OVERDUE)
    assert request_decision(world, number=2).status is Status.APPROVED, "it is no overdue obligation any more"
    world.clock.advance(13 * DAY)
    assert [each for each in obligations(world) if each.state.id == decision.id] == []
    with pytest.raises(InvalidInput, match="late settlement is over"):
        opened(world, decision)


def test_dispute_about_a_late_settlement_keeps_the_decision_fulfilled(world: DemoWorld) -> None:
    decision = fulfilled_late(world)
    dispute = opened(world, decision)
    assert (dispute.subject, dispute.status) == (Contested.OVERDUE, DisputeStatus.AWAITING_MERCHANT)
    now = load_decision(world, decision)
    assert (now.status, now.contested, world.exposure()) == (Status.FULFILLED, True, 0)
    world.clock.advance(60 * DAY)
    assert (world.scheduler.apply_due(), [each.state.id for each in obligations(world)]) == (0, [decision.id])
    assert world.mismatches() == []


@pytest.mark.parametrize("how", ["accepted", "unanswered", "decided"])
def test_upheld_dispute_leaves_no_late_settlement(world: DemoWorld, how: str) -> None:
    decision = fulfilled_late(world)
    dispute = opened(world, decision)
    if how == "accepted":
        responded(world, dispute, accept=True)
    elif how == "unanswered":
        world.clock.advance(7 * DAY)
        assert world.disputes.uphold_unanswered() == 1
    else:
        responded(world, dispute, accept=False)
        world.disputes.resolve(dispute.id, uphold=True, resolution="Paid in time.")
    state = load_decision(world, decision)
    assert (state.status, state.lapsed_at, state.late_counts_from) == (Status.FULFILLED, world.now, None)
    actor = {"accepted": Actor.MERCHANT, "unanswered": Actor.CLOCK, "decided": Actor.OPERATOR}[how]
    assert [event[:4] for event in list_events(world, decision)][-2:] == [
        (Topic.DECISION_LAPSED, Status.FULFILLED, Status.FULFILLED, actor),
        (Topic.DISPUTE_RESOLVED, Status.FULFILLED, Status.FULFILLED, actor),
    ]
    assert (obligations(world), world.disputes.list_open(), world.mismatches()) == ((), [], [])


@pytest.mark.parametrize("how", ["withdrawn", "rejected"])
def test_late_settlement_counts_at_once_after_its_dispute(world: DemoWorld, how: str) -> None:
    decision = fulfilled_late(world)
    dispute = opened(world, decision)
    world.clock.advance(DAY)
    if how == "withdrawn":
        world.disputes.withdraw(world.user("excellent"), dispute.id)
    else:
        responded(world, dispute, accept=False)
        world.disputes.resolve(dispute.id, uphold=False, resolution="Paid late.")
    state = load_decision(world, decision)
    assert (state.status, state.contested, state.late_counts_from) == (Status.FULFILLED, False, world.now)
    assert obligations(world) == ()
    with pytest.raises(InvalidInput, match="decided or withdrawn"):
        opened(world, decision)
    assert world.mismatches() == []


def test_settling_a_contested_breach_leaves_a_void_breach(world: DemoWorld) -> None:
    decision, moves, token = activate_decision(world), world.transitions, world.merchant_token()
    moves.report_breach(token, BreachCommand(decision.id, "b", BreachKind.DAMAGED))
    opened(world, decision)
    world.clock.advance(DAY)
    done = moves.fulfill(world.merchant_token(), FulfillCommand(decision.id, "f"))
    assert (done.status, done.voided_at, done.breach_counts_from) == (Status.FULFILLED, world.now, None)
    assert [event[0] for event in list_events(world, decision)][-2:] == [
        Topic.DECISION_FULFILLED,
        Topic.DISPUTE_RESOLVED,
    ]
    assert (world.disputes.list_open(), world.mismatches()) == ([], [])
