"""`gateway policy explain`."""

import json
from pathlib import Path

from gateway.services.decisions.shadows import ShadowPolicies
from merchants.car_rental import CarRental
from tests.cli.policies import request_decision, write_changed_policy
from tests.support.demo_world import DemoWorld
from tests.support.documented import documented
from tests.support.operators import Gateway


def test_explain_prints_rules_result_and_outcome(world: DemoWorld, gateway: Gateway) -> None:
    decision = request_decision(world, "just-below")

    assert gateway.output("policy", "explain", decision.id).splitlines() == [
        f"{decision.id}: APPROVED at 2026-11-23T12:00:00Z",
        "product: DEPOSIT_WAIVER for CAR_RENTAL",
        f"policy: car_rental 2026-11-29, {CarRental.policy.hash}",
        "requested: deposit 3000.00 CNY, vehicleValue 180000.00 CNY",
        "person: tier VERY_GOOD, overdue obligations: 0, breaches: 0",
        "  overdue: not met, requires open_overdue at least 1",
        "  breach: not met, requires open_breaches at least 1",
        "  starter: not met, requires starter is yes",
        "  unscored: not met, requires tier one of UNSCORED",
        "  excellent: not met, requires tier at least EXCELLENT",
        "  very-good: matched",
        "policy result: approve, 70 percent, at most 7000.00 CNY",
        "outcome: approval",
        "  REDUCED_FOR_TIER: A part was granted, as set for the score tier.",
    ]


def test_explain_shows_a_starter(world: DemoWorld, gateway: Gateway) -> None:
    decision = request_decision(documented(world), "unscored")
    output = gateway.output("policy", "explain", decision.id)
    assert "person: tier UNSCORED, overdue obligations: 0, breaches: 0, a starter\n" in output
    assert "  starter: matched\npolicy result: approve, 20 percent, at most 200.00 CNY\n" in output
    explained = json.loads(gateway.output("policy", "explain", decision.id, "--json"))
    assert explained["person"]["starter"] is True


def test_explain_shows_an_outcome_that_differs_from_the_policy_result(world: DemoWorld, gateway: Gateway) -> None:
    output = gateway.output("policy", "explain", request_decision(world, "good", reduction=False).id)

    assert "policy result: approve, 50 percent, at most 5000.00 CNY\noutcome: decline" in output
    assert "REDUCTION_NOT_ACCEPTED" in output


def test_explain_warns_about_another_policy_in_force(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    table = CarRental().load_policy(
        Path(write_changed_policy(tmp_path, 'retry_after = "P30D"', 'retry_after = "P60D"'))
    )
    adapter = world.registry["car_rental"]
    adapter.policies = adapter.with_policy(table).policies
    output = gateway.output("policy", "explain", request_decision(world, "building").id)

    assert f"policy: car_rental 2026-11-29, {table.hash}" in output
    assert f"warning: another policy is in force now: 2026-11-29, {CarRental.policy.hash}" in output
    assert "  fair: not met, requires a condition on tier of a policy that is no longer installed" in output
    assert "policy result: decline, retry after P60D" in output


def test_explain_shows_no_personal_data_without_the_key(world: DemoWorld, gateway: Gateway) -> None:
    decision = request_decision(world, "overdue")
    world.execute("DELETE FROM user_keys")

    output = gateway.output("policy", "explain", decision.id)

    assert "rule: overdue" in output
    assert "key has been destroyed" in output
    assert "tier" not in output
    assert "3000.00" not in output


def test_explain_rejects_an_unknown_decision(world: DemoWorld, gateway: Gateway) -> None:
    assert "There is no decision dec_test_nothing." in gateway.error_line("policy", "explain", "dec_test_nothing")


def test_explain_names_the_error_of_a_shadow_policy(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    table = CarRental().load_policy(Path(write_changed_policy(tmp_path, "share = 70", "share = 60")))
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))
    table.decide = None  # type: ignore[assignment, method-assign]  # so it raises a TypeError
    decision = request_decision(shadowed, "just-below")

    explained = gateway.output("policy", "explain", decision.id).splitlines()

    assert explained[-1] == f"shadow policy car_rental 2026-11-29, {table.hash}: failed with TypeError"


def test_explain_as_json(world: DemoWorld, gateway: Gateway) -> None:
    decision = request_decision(world, "just-below")
    explained = json.loads(gateway.output("policy", "explain", decision.id, "--json"))
    assert (explained["decision_id"], explained["is_sealed"]) == (decision.id, False)
    assert explained["requested"]["deposit"] == {"amount": "3000.00", "currency": "CNY"}
    assert explained["person"] == {
        "tier": "VERY_GOOD",
        "open_overdue": 0,
        "open_breaches": 0,
        "starter": False,
    }
    assert [(rule["rule"], rule["is_matched"]) for rule in explained["rules"]][-2:] == [
        ("excellent", False),
        ("very-good", True),
    ]
    assert (explained["result"]["verdict"], explained["result"]["share"]) == ("APPROVE", 70)
    assert explained["outcome"] == {"kind": "APPROVAL", "reasons": ["REDUCED_FOR_TIER"]}
    assert explained["shadow"] is None


def test_explain_as_json_without_the_key(world: DemoWorld, gateway: Gateway) -> None:
    decision = request_decision(world, "just-below")
    world.execute("DELETE FROM user_keys")
    explained = json.loads(gateway.output("policy", "explain", decision.id, "--json"))
    assert explained["is_sealed"] is True
    assert {explained[name] for name in ("requested", "person", "rules", "result", "outcome", "shadow")} == {None}
