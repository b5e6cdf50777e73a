"""Reconciliation of claims after manual changes."""

import pytest

from gateway.domain.decisions.transitions import ClaimKind
from tests.support.decision_history import DecisionHistory


@pytest.fixture
def claimed(history: DecisionHistory) -> DecisionHistory:
    """The history, in which a claim about the active decision was accepted."""
    world = history.world
    world.claims.claim(world.user("excellent"), history.active, ClaimKind.RETURNED)
    for days in (5, 8):
        world.clock.advance(days=days)
        world.scheduler.apply_due()
    return history


@pytest.mark.postgresql
def test_accepted_claim_is_reconciled(claimed: DecisionHistory) -> None:
    assert claimed.mismatches_after("SELECT 1") == []


def test_changed_claim_is_found(claimed: DecisionHistory) -> None:
    wrong, digest = "its behaviour record does not say what the decision says", "does not match the digest"
    columns = ("claimed_at", "claim_accepted_at", "claim")
    attempts = (
        *((f"UPDATE decisions SET {column} = NULL WHERE id = {{active}}", digest) for column in columns),
        ("UPDATE decisions SET claim_contradicted_at = claimed_at WHERE id = {active}", "no claim stands"),
        ("UPDATE decisions SET claim_told_at = claimed_at WHERE id = {active}", digest),
        ("UPDATE decisions SET claim_withdrawn_at = claimed_at WHERE id = {active}", digest),
        ("UPDATE behaviour_records SET claimed_at = NULL WHERE id = {active}", wrong),
        ("UPDATE behaviour_records SET at = claimed_at WHERE id = {active}", wrong),
        ("DELETE FROM behaviour_records WHERE id = {active}", "it has no behaviour record"),
        (
            "DELETE FROM outbox WHERE topic = 'DECISION_CLAIMED' AND aggregate_id = {active}",
            "the outbox has no message for it",
        ),
        ("UPDATE decisions SET next_transition_at = NULL WHERE id = {active}", "its next_transition_at is None"),
    )
    assert claimed.undetected(attempts) == []
