"""Test users that a partner makes, with outcomes of their own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gateway.cli.policy.explanation import describe
from gateway.domain.environment import LIVE
from gateway.domain.policies.comparison import ResultComparison
from gateway.domain.scoring.tier import Tier
from gateway.services.sandbox.personas import MOST_PERSONAS
from gateway.sources.scorecard.source import ScorecardSource
from tests.support import factories
from tests.support.graphql_world import DETAILS, REQUEST, USER_SCOPES, GraphQLWorld, request_variables
from tests.support.simulation import messages, mismatches, simulate, transition
from tests.support.units import reading, writing

CREATE = """mutation Create($input: SandboxPersonaCreateInput!) { sandboxPersonaCreate(input: $input) {
  persona { id handle summary tier score expectedOutcomes { product status reasonCodes } } username password
  userErrors { code message field } } }"""
PREVIEW = """query P($input: DecisionPreviewInput!) { decisionPreview(input: $input) {
  outcome: likelyOutcome { ... on Decline { reasons { code } } } blockers { code } } }"""
MOVE = """mutation Move($move: SandboxClockMove!) { sandboxClockMove(move: $move) {
  eventsFired userErrors { code } } }"""
WAIVER = "DEPOSIT_WAIVER"
DECLINED = {"product": WAIVER, "status": "DECLINED", "reasonCodes": ["OPEN_BREACH", "TIER_BELOW_REQUIRED"]}
Override = dict[str, Any]
APPROVED: Override = {"product": WAIVER, "status": "APPROVED"}


def create(world: GraphQLWorld, *overrides: Override, handle: str = "tester", tier: str = "EXCELLENT") -> Any:
    """The payload of sandboxPersonaCreate."""
    given = {"handle": handle, "tier": tier, "overrides": list(overrides)}
    return world.data(CREATE, {"input": given}, by=world.merchant("sandbox"))["sandboxPersonaCreate"]


def refused(world: GraphQLWorld, *overrides: Override, **given: str) -> tuple[str, list[str]]:
    """The error of an input that is not valid, which must have changed nothing."""
    before = world.contents()
    payload = create(world, *overrides, **given)
    assert (payload["persona"], payload["username"], payload["password"]) == (None, None, None)
    assert world.contents() == before
    (each,) = payload["userErrors"]
    return each["code"], each["field"]


def consent_of(world: GraphQLWorld, handle: str = "tester") -> Any:
    with writing(world.database) as unit:
        personas = unit.users.list_personas(world.partner_id)
        user = next(each.user_id for each in personas if each.handle == handle)
        return factories.make_consent(unit, world.client_id, user, scopes=USER_SCOPES, details=DETAILS)


def request(world: GraphQLWorld, *overrides: Override, reference: str = "order", tier: str = "EXCELLENT") -> Any:
    """The decision of a request about a new persona with these overrides."""
    assert create(world, *overrides, tier=tier)["userErrors"] == []
    by = world.user(consent=consent_of(world))
    payload = world.data(REQUEST, request_variables("key", reference), by=by)["decisionRequest"]
    assert payload["userErrors"] == []
    return payload["decision"]


def status_after(world: GraphQLWorld, decision: str, moved: str) -> str:
    payload = world.data(MOVE, {"move": {"advanceBy": moved}}, by=world.merchant())["sandboxClockMove"]
    assert payload["userErrors"] == []
    return read_status(world, decision)


def read_status(world: GraphQLWorld, decision: str) -> str:
    with reading(world.database) as unit:
        state = unit.decisions.load(decision)
        assert state is not None
        return str(state.status)


@pytest.mark.parametrize("tier", Tier)
def test_scorecard_computes_the_tier_from_the_records(world: GraphQLWorld, tier: Tier) -> None:
    payload = create(world, tier=tier)
    assert payload["userErrors"] == []
    assert (payload["persona"]["handle"], payload["persona"]["tier"]) == ("tester", tier)
    query = "{ consentedUser { scoreTier { tier } score } }"
    read = world.data(query, by=world.user(consent=consent_of(world)))["consentedUser"]
    assert read["scoreTier"]["tier"] == tier
    if tier is not Tier.UNSCORED:
        assert read["score"] == payload["persona"]["score"]
        records = "SELECT count(*) FROM behaviour_records r JOIN personas p USING (user_id) WHERE p.handle = 'tester'"
        assert world.rows(records)[0][0] > 0


def test_persona_signs_in_with_the_returned_name_and_password(world: GraphQLWorld) -> None:
    payload = create(world)
    with reading(world.database) as unit:
        user = world.container.accounts.load_by_username(unit, payload["username"])
    assert payload["username"].startswith("tester@")
    assert world.container.accounts.verify_password(user, payload["password"])


def test_forced_decline_has_its_reasons(world: GraphQLWorld) -> None:
    decision = request(world, DECLINED)
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("DECLINED", "sandbox:persona-declined")
    with reading(world.database) as unit:
        state = unit.decisions.load(decision["id"])
        assert state is not None
    assert state.outcome.reasons == ("OPEN_BREACH", "TIER_BELOW_REQUIRED")
    assert mismatches(world) == []


def test_forced_approval_grants_all_that_the_policy_would_not(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "status": "APPROVED"}, tier="FAIR")
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("APPROVED", "sandbox:persona-approved")
    assert decision["outcome"]["terms"]["waivedAmount"]["amount"] == "3000.00"
    assert transition(world, decision["id"], "activate")
    assert mismatches(world) == []


def test_forced_approval_is_reduced_to_the_credit_limit(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "status": "APPROVED"}, tier="BUILDING")
    assert (decision["status"], decision["outcome"]["terms"]["waivedAmount"]["amount"]) == ("APPROVED", "200.00")
    assert mismatches(world) == []


def test_forced_approval_without_available_limit_is_a_decline(world: GraphQLWorld) -> None:
    request(world, {"product": WAIVER, "status": "APPROVED"}, tier="BUILDING")
    by = world.user(consent=consent_of(world))
    second = world.data(REQUEST, request_variables("other", "other"), by=by)["decisionRequest"]["decision"]
    assert second["status"] == "DECLINED"
    assert mismatches(world) == []


def test_forced_review_waits_for_the_operator(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "status": "PENDING"})
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("PENDING", "sandbox:persona-pending")
    assert status_after(world, decision["id"], "P1D") == "PENDING"
    declined = simulate(world, decision["id"], "DECLINE_PENDING")
    assert declined["decision"]["status"] == "DECLINED"


@pytest.mark.parametrize("outcome", [{"status": "APPROVED"}, {"status": "DECLINED", "reasonCodes": ["OPEN_BREACH"]}])
def test_delayed_outcome_comes_when_its_time_has_passed(each_world: GraphQLWorld, outcome: Override) -> None:
    world = each_world
    decision = request(world, {"product": WAIVER, "delay": "PT12H", **outcome})
    assert decision["status"] == "PENDING"
    assert status_after(world, decision["id"], "PT6H") == "PENDING"
    assert status_after(world, decision["id"], "P1D") == outcome["status"]
    topics = [row.topic for row in messages(world, decision["id"])]
    assert topics == ["DECISION_PENDING", f"DECISION_{outcome['status']}"]
    with reading(world.database) as unit:
        state = unit.decisions.load(decision["id"])
        assert state is not None
        assert not unit.persona_reviews.has_any()
    assert state.updated_at - state.created_at == timedelta(hours=12), "the clock stops at the moment"
    assert state.rule_id.startswith("sandbox:persona-")
    assert mismatches(world) == []


def test_scheduler_of_the_server_decides_a_delayed_outcome(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "delay": "PT1H", "status": "APPROVED"})["id"]
    world.clock.advance(timedelta(hours=2))
    world.container.tasks.apply_due()
    assert read_status(world, decision) == "APPROVED"


def test_delayed_outcome_leaves_a_decision_that_has_ended(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "delay": "PT1H", "status": "APPROVED"})["id"]
    transition(world, decision, "cancel")
    assert status_after(world, decision, "P1D") == "CANCELLED"
    with reading(world.database) as unit:
        assert not unit.persona_reviews.has_any()


def test_preview_shows_the_fixed_outcome(world: GraphQLWorld) -> None:
    create(world, DECLINED)
    by = world.user("decisions:preview", consent=consent_of(world))
    ask = request_variables("k", "r")["input"]["ask"]
    preview = world.data(PREVIEW, {"input": {"ask": ask}}, by=by)["decisionPreview"]
    assert preview["blockers"] == []
    assert [each["code"] for each in preview["outcome"]["reasons"]] == DECLINED["reasonCodes"]


def test_expected_outcomes_show_the_fixed_ones(world: GraphQLWorld) -> None:
    later = {"product": "PAY_LATER", "status": "APPROVED", "delay": "PT1H"}
    outcomes = create(world, DECLINED, later)["persona"]["expectedOutcomes"]
    by_product = {each["product"]: each for each in outcomes}
    assert by_product[WAIVER] == DECLINED
    assert by_product["PAY_LATER"]["status"] == "PENDING"
    assert by_product["CREDIT_OFFER"]["status"] == "APPROVED"


def test_expected_outcomes_are_reduced_to_the_credit_limit(world: GraphQLWorld) -> None:
    (outcome, *_) = create(world, APPROVED, tier="BUILDING")["persona"]["expectedOutcomes"]
    assert outcome == {**APPROVED, "reasonCodes": ["EXPOSURE_LIMIT_REACHED"]}


def test_other_product_follows_the_policy(world: GraphQLWorld) -> None:
    decision = request(world, {"product": "PAY_LATER", "status": "DECLINED", "reasonCodes": ["OPEN_BREACH"]})
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("APPROVED", "excellent")


def test_reference_that_forces_an_outcome_comes_first(world: GraphQLWorld) -> None:
    decision = request(world, DECLINED, reference="force-pending-1")
    assert (decision["status"], decision["provenance"]["ruleId"]) == ("PENDING", "sandbox:force-pending")


def test_log_explains_that_the_outcome_was_forced(world: GraphQLWorld) -> None:
    decision = request(world, {"product": WAIVER, "status": "APPROVED"}, tier="FAIR")
    with writing(world.database) as unit:
        explanation = describe(world.container.policies.load_trace(unit, decision["id"]))
    rules = [(each["rule"], each["is_matched"]) for each in explanation["rules"]]
    assert rules == [("sandbox:persona-approved", True)]
    assert (explanation["person"]["tier"], explanation["result"]["share"]) == ("FAIR", 100)
    adapter = world.container.registry["car_rental"]
    (compared,) = world.container.policies.backtest(adapter, adapter.policy)
    assert isinstance(compared, ResultComparison)


@pytest.mark.parametrize(
    "handle", ["", "A", "Tester", "1st", "a_b", "a--b", "a-", "-a", "a@b", "a#1", "a b", "ä", "a" * 41, "a\n"]
)
def test_handle_of_another_form_is_refused(world: GraphQLWorld, handle: str) -> None:
    assert refused(world, handle=handle) == ("INVALID", ["input", "handle"])


@pytest.mark.parametrize("handle", ["good", "tester"])
def test_taken_handle_is_refused(world: GraphQLWorld, handle: str) -> None:
    create(world)
    assert refused(world, handle=handle) == ("INVALID", ["input", "handle"])


def test_partners_do_not_share_handles(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        foreign = unit.partners.list_partners()[-1].id
        factories.make_persona(unit, foreign, factories.make_user(unit, foreign), handle="tester")
    assert create(world)["userErrors"] == []


REASONS = ["OPEN_BREACH"]


@pytest.mark.parametrize(
    ("overrides", "code", "field"),
    [
        ([APPROVED, DECLINED], "INVALID", ["1", "product"]),
        ([{**DECLINED, "reasonCodes": ["NO_SUCH"]}], "INVALID", ["0", "reasonCodes", "0"]),
        ([{**DECLINED, "reasonCodes": [*REASONS, *REASONS]}], "INVALID", ["0", "reasonCodes", "1"]),
        ([{**DECLINED, "reasonCodes": []}], "INVALID", ["0", "reasonCodes"]),
        ([{**DECLINED, "reasonCodes": REASONS * 5}], "INVALID", ["0", "reasonCodes"]),
        ([{"product": WAIVER, "status": "DECLINED"}], "INVALID", ["0", "reasonCodes"]),
        ([{**APPROVED, "reasonCodes": REASONS}], "INVALID", ["0", "reasonCodes"]),
        ([{**APPROVED, "status": "ACTIVE"}], "INVALID", ["0", "status"]),
        ([{**APPROVED, "status": "PENDING", "delay": "PT1H"}], "INVALID", ["0", "delay"]),
        ([{**APPROVED, "delay": "PT0S"}], "INVALID_PERIOD", ["0", "delay"]),
        ([{**APPROVED, "delay": "P3650D"}], "INVALID_PERIOD", ["0", "delay"]),
    ],
)
def test_overrides_that_cannot_hold_are_refused(
    world: GraphQLWorld, overrides: Sequence[Override], code: str, field: list[str]
) -> None:
    assert refused(world, *overrides) == (code, ["input", "overrides", *field])


def test_number_of_personas_is_bounded(world: GraphQLWorld) -> None:
    with writing(world.database) as unit:
        for number in range(MOST_PERSONAS - 1):  # the partner has one
            user = factories.make_user(unit, world.partner_id)
            factories.make_persona(unit, world.partner_id, user, handle=f"p{number}")
    assert refused(world) == ("LIMIT_EXCEEDED", ["input"])


def test_scorecard_that_gives_another_tier_refuses(world: GraphQLWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(_: ScorecardSource, unit: Any, user_id: str, now: Any) -> Any:
        unit.scores.lock(user_id, now)  # a row without a score, as another card may give

    monkeypatch.setattr(ScorecardSource, "compute", compute)
    assert refused(world) == ("INVALID", ["input", "tier"])


def test_live_deployment_has_no_fixed_outcomes() -> None:
    assert not LIVE.fixed_outcomes
