"""Decisions in the states that simulated events need, and the mutation that simulates one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from gateway.audit.reconciliation import find_mismatches
from gateway.domain.identity.principal import Principal
from gateway.store.events import MessageWindow
from gateway.store.outbox import OutboxRow
from tests.support.graphql_world import REQUEST, GraphQLWorld
from tests.support.transitions import RESPOND, TRANSITIONS, transition_input
from tests.support.units import reading, writing

SIMULATE = """mutation Simulate($id: ID!, $event: SandboxDecisionEvent!) {
  sandboxDecisionSimulate(decisionId: $id, event: $event) {
    decision { id status settlement { overdue } claim { kind status } provenance { ruleId } }
    events { __typename id topic sequence
      ... on DecisionEvent { from to actor } ... on DisputeEvent { dispute { id } } }
    userErrors { __typename code message field
      ... on TooEarlyError { possibleFrom } ... on StateConflictError { currentStatus availableTransitions } } } }"""
SCOPES = ("decisions:read", "decisions:write", "disputes:write", "sandbox")
Setup = Callable[[GraphQLWorld], str]
"""Makes a decision and returns its id."""


def simulate(world: GraphQLWorld, decision: str, event: str, *, by: Principal | None = None) -> Any:
    variables = {"id": decision, "event": event}
    return world.data(SIMULATE, variables, by=by or world.merchant(*SCOPES))["sandboxDecisionSimulate"]


def error(payload: Any) -> tuple[str, str, list[str] | None]:
    assert (payload["decision"], payload["events"]) == (None, [])
    (each,) = payload["userErrors"]
    return each["__typename"], each["code"], each["field"]


def refused(world: GraphQLWorld, decision: str, event: str) -> tuple[str, str, list[str] | None]:
    """The error of an event that is not possible, which must have changed nothing."""
    before = world.contents()
    failed = error(simulate(world, decision, event))
    assert world.contents() == before
    return failed


def messages(world: GraphQLWorld, decision: str) -> list[OutboxRow]:
    with reading(world.database) as unit:
        return unit.events.list_of_subject(decision, MessageWindow(50))


def mismatches(world: GraphQLWorld) -> list[str]:
    """What the reconciliation finds, except about the foreign decision, for which the logs have no entries."""
    consent = world.foreign_consent
    foreign = (world.foreign_decision, consent.merchant_id, consent.user_id)
    with writing(world.database) as unit:
        return [each for each in find_mismatches(unit) if not any(known in each for known in foreign)]


def requested(world: GraphQLWorld) -> str:
    return str(world.request()["decision"]["id"])


def ordered(world: GraphQLWorld) -> str:
    """An active order of the online shop."""
    ask = {"onlineOrder": {"amount": {"amount": "100.00", "currency": "CNY"}, "payWithin": "P7D"}}
    command = {"idempotencyKey": "k", "merchantReference": "order", "ask": ask, "purpose": "CAR_RENTAL"}
    payload = world.data(REQUEST, {"input": command})["decisionRequest"]
    assert payload["userErrors"] == []
    return transition(world, payload["decision"]["id"], "activate")


def transition(world: GraphQLWorld, decision: str, name: str, **arguments: Any) -> str:
    variables = {"input": transition_input(name, decision, **arguments)}
    (payload,) = world.data(TRANSITIONS[name].document, variables, by=world.merchant(*SCOPES)).values()
    assert payload["userErrors"] == []
    return decision


def active(world: GraphQLWorld) -> str:
    return transition(world, requested(world), "activate")


def late(world: GraphQLWorld) -> str:
    """Past its due date and grace period, without a flag."""
    decision = active(world)
    world.clock.advance(timedelta(days=5))
    return decision


def overdue(world: GraphQLWorld) -> str:
    decision = late(world)
    world.container.scheduler.apply_due()
    return decision


def lapsed(world: GraphQLWorld) -> str:
    decision = overdue(world)
    world.clock.advance(timedelta(days=120))
    world.container.scheduler.apply_due()
    return decision


def breached(world: GraphQLWorld) -> str:
    return transition(world, active(world), "breach")


def disputed(world: GraphQLWorld, of: Setup = breached) -> str:
    """The merchant has not answered the dispute yet."""
    decision = of(world)
    assert simulate(world, decision, "USER_DISPUTES")["userErrors"] == []
    return decision


def reviewed(world: GraphQLWorld, of: Setup = breached) -> str:
    """The merchant has refused the dispute."""
    decision = disputed(world, of)
    with reading(world.database) as unit:
        (dispute,) = unit.disputes.list_of_decision(decision)
    variables = {"disputeId": dispute.id, "idempotencyKey": "d", "accept": False, "statement": "It is broken."}
    responded = world.data(RESPOND, {"input": variables}, by=world.merchant(*SCOPES))["disputeRespond"]
    assert responded["userErrors"] == []
    return decision


def reviewed_flag(world: GraphQLWorld) -> str:
    return reviewed(world, overdue)
