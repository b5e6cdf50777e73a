"""Disputes without a response in time: an error in one does not stop the others."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import BreachKind
from gateway.services.decisions.transitions import BreachCommand
from tests.services.decisions import activate_decision
from tests.support.demo_world import DemoWorld

CONTESTED = 3


def contested(world: DemoWorld, number: int) -> tuple[str, str]:
    """The ids of a breached decision and of the dispute about it."""
    decision = activate_decision(world, number)
    breach = BreachCommand(decision.id, f"breach-{number}", BreachKind.DAMAGED)
    world.transitions.report_breach(world.merchant_token(), breach)
    return decision.id, world.disputes.open(world.user("excellent"), decision.id, "I brought it back.").id


def statuses(world: DemoWorld) -> dict[str, str]:
    return dict(world.rows("SELECT id, status FROM disputes"))


@pytest.mark.parametrize("broken", range(CONTESTED))
def test_failing_dispute_is_logged_and_others_are_upheld(world: DemoWorld, broken: int) -> None:
    made = [contested(world, number) for number in range(1, CONTESTED + 1)]
    decision, dispute = made[broken]
    world.clock.advance(timedelta(days=8))
    world.execute(f"UPDATE decisions SET currency = 'XXX' WHERE id = '{decision}'")

    with capture_logs() as logs:
        assert world.disputes.uphold_unanswered() == CONTESTED - 1
    expected = {"event": "dispute_not_upheld", "log_level": "error", "dispute": dispute, "error": "ValueError"}
    assert [{name: entry[name] for name in expected} for entry in logs] == [expected]
    waiting = {each for each, status in statuses(world).items() if status == DisputeStatus.AWAITING_MERCHANT}
    assert waiting == {dispute}

    world.execute(f"UPDATE decisions SET currency = 'CNY' WHERE id = '{decision}'")
    assert (world.disputes.uphold_unanswered(), set(statuses(world).values())) == (1, {DisputeStatus.UPHELD})
    assert world.mismatches() == []
