"""Claims in the API: what a merchant reads about one, and until when it can contradict it."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.transitions import ClaimKind
from tests.support.graphql_world import GraphQLWorld
from tests.support.transitions import TRANSITIONS, transition_input

READ = """query D($id: ID!) { decision(by: {id: $id}) { status settlement { outstanding { amount } }
  claim { kind status claimedAt contradictBy } timeline { nodes { topic ... on DecisionEvent { actor note } } } } }"""


@pytest.fixture
def decision(world: GraphQLWorld) -> str:
    """The id of an active rental, due in some days, about which the user says that it was returned."""
    identifier = str(world.request()["decision"]["id"])
    transition(world, identifier, "activate")
    assert read(world, identifier)["claim"] is None
    world.container.claims.claim(world.consent.user_id, identifier, ClaimKind.RETURNED)
    return identifier


def transition(world: GraphQLWorld, decision: str, name: str, **arguments: Any) -> None:
    document, command = TRANSITIONS[name].document, transition_input(name, decision, **arguments)
    (payload,) = world.data(document, {"input": command}, by=world.merchant()).values()
    assert payload["userErrors"] == []


def read(world: GraphQLWorld, decision: str) -> Any:
    return world.data(READ, {"id": decision}, by=world.merchant())["decision"]


def test_merchant_reads_the_claim_and_its_event(world: GraphQLWorld, decision: str) -> None:
    found = read(world, decision)
    claim = found["claim"]
    assert (claim["kind"], claim["status"], claim["claimedAt"]) == ("RETURNED", "OPEN", "2026-11-23T12:00:00Z")
    assert claim["contradictBy"] == "2026-12-05T09:00:00Z", "seven days after the due date and a day of grace"
    assert (found["status"], found["settlement"]["outstanding"]["amount"]) == ("ACTIVE", "1500.00")
    note = "The person says that it was returned."
    assert found["timeline"]["nodes"][-1] == {"topic": "DECISION_CLAIMED", "actor": "USER", "note": note}


def test_claim_is_accepted_after_the_silence(world: GraphQLWorld, decision: str) -> None:
    for days in (5, 7):
        world.clock.advance(timedelta(days=days))
        world.container.scheduler.apply_due()
    found = read(world, decision)
    assert (found["claim"]["status"], found["claim"]["contradictBy"]) == ("ACCEPTED", None)
    assert found["timeline"]["nodes"][-1]["actor"] == "CLOCK"


def test_claim_is_contradicted_by_a_part_settlement(world: GraphQLWorld, decision: str) -> None:
    transition(world, decision, "part", amount={"amount": "100.00", "currency": "CNY"})
    assert read(world, decision)["claim"]["status"] == "CONTRADICTED"


def test_claim_is_contradicted_while_there_is_a_breach(world: GraphQLWorld, decision: str) -> None:
    transition(world, decision, "breach")
    assert (read(world, decision)["claim"]["status"], read(world, decision)["claim"]["contradictBy"]) == (
        "CONTRADICTED",
        None,
    )


def test_withdrawn_claim_is_shown(world: GraphQLWorld, decision: str) -> None:
    world.container.claims.withdraw(world.consent.user_id, decision)
    assert read(world, decision)["claim"]["status"] == "WITHDRAWN"


def test_fulfilled_decision_has_no_claim(world: GraphQLWorld, decision: str) -> None:
    transition(world, decision, "fulfill")
    assert read(world, decision)["claim"] is None
