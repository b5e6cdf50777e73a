"""Outcomes that a partner forces in a sandbox by its merchant reference, on both databases."""

from typing import Any

import pytest

from gateway.cli.policy.explanation import describe
from gateway.domain.environment import LIVE
from gateway.domain.policies.comparison import ResultComparison
from gateway.domain.policies.rule import Verdict
from gateway.services.policies.history import Trace
from gateway.services.sandbox.decisions import SimulatedEvent
from tests.support import factories
from tests.support.graphql_world import DETAILS, REQUEST, USER_SCOPES, GraphQLWorld, request_variables
from tests.support.simulation import messages, mismatches, simulate
from tests.support.units import writing

PENDING, LIMIT = "force-pending-1", "force-limit-1"
READ = """query D($id: ID!) { decision(by: {id: $id}) { status receipt provenance { ruleId policyVersion }
  outcome { ... on Decline { reasons { code } retryAfter alternatives } } } }"""


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


def requested(world: GraphQLWorld, reference: str) -> Any:
    payload = world.request(reference, reference)
    assert payload["userErrors"] == []
    return payload["decision"]


def trace(world: GraphQLWorld, decision: str) -> Trace:
    with writing(world.database) as unit:
        return world.container.policies.load_trace(unit, decision)


def exposure(world: GraphQLWorld) -> int:
    query = "SELECT exposure_minor FROM exposures WHERE user_id = :user"
    return sum(row[0] for row in world.rows(query, user=world.consent.user_id))


def test_request_is_pending_and_reserves_nothing(world: GraphQLWorld) -> None:
    decision = requested(world, PENDING)
    assert (decision["status"], decision["outcome"]) == ("PENDING", None)
    assert [row.topic for row in messages(world, decision["id"])] == ["DECISION_PENDING"]
    assert (exposure(world), mismatches(world)) == (0, [])


def test_request_is_declined_for_the_limit(world: GraphQLWorld) -> None:
    decision = requested(world, LIMIT)
    read = world.data(READ, {"id": decision["id"]}, by=world.merchant())["decision"]
    assert read["status"] == "DECLINED"
    assert read["outcome"] == {
        "reasons": [{"code": "EXPOSURE_LIMIT_REACHED"}],
        "retryAfter": "2026-11-24T12:00:00Z",
        "alternatives": [],
    }
    assert (exposure(world), mismatches(world)) == (0, [])


@pytest.mark.parametrize(
    ("reference", "rule", "verdict"),
    [(PENDING, "sandbox:force-pending", Verdict.REFER), (LIMIT, "sandbox:force-limit", Verdict.DECLINE)],
)
def test_log_and_provenance_show_that_it_was_forced(
    reference: str, rule: str, verdict: Verdict, world: GraphQLWorld
) -> None:
    decision = requested(world, reference)
    assert decision["provenance"]["ruleId"] == rule
    logged = trace(world, decision["id"])
    assert logged.public["policy"]["rule"] == rule
    explanation = describe(logged)
    assert [(each["rule"], each["is_matched"]) for each in explanation["rules"]] == [(rule, True)]
    result = explanation["result"]
    assert (result["verdict"], result["share"], result["maximum"]) == (verdict, 0, None)
    assert logged.table is not None, "the log names the policy that was in force"
    assert world.data(READ, {"id": decision["id"]}, by=world.merchant())["decision"]["receipt"]


@pytest.mark.parametrize("reference", ["order-force-pending-1", "force-pending", "FORCE-PENDING-1", "force-"])
def test_other_reference_forces_nothing(reference: str, world: GraphQLWorld) -> None:
    decision = requested(world, reference)
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("APPROVED", "good")


def test_person_without_a_score_is_pending_too(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        user = factories.make_user(unit, world.partner_id)
        factories.make_persona(unit, world.partner_id, user, score=None, handle="unscored")
        consent = factories.make_consent(unit, world.client_id, user, scopes=USER_SCOPES, details=DETAILS)
    statuses = [
        world.data(REQUEST, request_variables(each, each), by=world.user(consent=consent))["decisionRequest"]
        for each in ("ordinary", PENDING)
    ]
    assert [each["decision"]["status"] for each in statuses] == ["DECLINED", "PENDING"]


@pytest.mark.parametrize(
    ("event", "status"),
    [(SimulatedEvent.APPROVE_PENDING, "APPROVED"), (SimulatedEvent.DECLINE_PENDING, "DECLINED")],
)
def test_operator_decides_a_forced_review(event: SimulatedEvent, status: str, world: GraphQLWorld) -> None:
    decision = requested(world, PENDING)["id"]
    payload = simulate(world, decision, event)
    assert (payload["userErrors"], payload["decision"]["status"]) == ([], status)
    assert trace(world, decision).public["policy"]["rule"] == "sandbox:force-pending", "the first entry stays"
    assert mismatches(world) == []


def test_repeated_request_returns_the_forced_decision(world: GraphQLWorld) -> None:
    first, second = (world.request("key", PENDING) for _ in range(2))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert second["decision"]["id"] == first["decision"]["id"]


@pytest.mark.parametrize("reference", [PENDING, LIMIT])
def test_what_the_consent_does_not_cover_is_not_forced(reference: str, world: GraphQLWorld) -> None:
    before = world.counts()
    payload = world.request("key", reference, deposit={"amount": "60000.00", "currency": "CNY"})
    (problem,) = payload["userErrors"]
    assert problem["code"] == "CONSENT_AMOUNT_EXCEEDED"
    assert world.counts() == before


def test_backtest_reads_forced_requests(world: GraphQLWorld) -> None:
    for reference in (PENDING, LIMIT):
        requested(world, reference)
    adapter = world.container.registry["car_rental"]
    compared = list(world.container.policies.backtest(adapter, adapter.policy))
    rules = [each.before.rule_id for each in compared if isinstance(each, ResultComparison)]
    assert sorted(rules) == ["sandbox:force-limit", "sandbox:force-pending"]


def test_live_deployment_forces_nothing() -> None:
    assert LIVE.forced_rules == {}
