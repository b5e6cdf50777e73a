"""`gateway policy`: check, explain, backtest and shadow."""

import json
import stat
from pathlib import Path

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.services.decisions.shadows import ShadowPolicies
from merchants.car_rental import CarRental
from tests.services.asks import asking, car
from tests.support.checkout import ROOT
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway

CAR_RENTAL = ROOT / "merchants" / "car_rental" / "policy.toml"


@pytest.fixture
def nowhere(tmp_path: Path) -> Gateway:
    """An operator without a database."""
    return Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path)


def decided(
    world: DemoWorld, handle: str, deposit: str = "3000.00", number: int = 1, *, reduction: bool = True
) -> DecisionState:
    """A decision about a car for the persona."""
    command = asking(car(world.clock(), deposit, reduction=reduction), f"{handle}-{number}", f"{handle}-{number}")
    return world.request(world.grant(handle), command).decision


def changed(folder: Path, old: str, new: str) -> str:
    """The path of a copy of the car rental's policy with some of its text replaced."""
    text = CAR_RENTAL.read_text(encoding="utf-8")
    assert old in text
    file = folder / "changed.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return str(file)


def test_check_lists_the_installed_policies_without_a_database(nowhere: Gateway, tmp_path: Path) -> None:
    lines = nowhere.answer("policy", "check").splitlines()

    policy = CarRental.policy
    assert (
        f"car_rental {policy.version}, effective 2026-11-01, in force: {len(policy.rules)} rules, {policy.hash}"
        in lines
    )
    assert [line.split()[0] for line in lines] == sorted(
        path.parent.name for path in CAR_RENTAL.parents[1].glob("*/policy.toml")
    )
    assert not (tmp_path / "none.db").exists()


def test_check_reads_files_for_an_adapter(nowhere: Gateway, tmp_path: Path) -> None:
    same = nowhere.answer("policy", "check", str(CAR_RENTAL), "--adapter", "car_rental")
    both = nowhere.answer(
        "policy", "check", str(CAR_RENTAL), changed(tmp_path, "share = 70", "share = 60"), "--adapter", "car_rental"
    ).splitlines()

    assert same.endswith(CarRental.policy.hash)
    assert both[0] == same
    assert both[1].startswith("car_rental 2026-11-01, effective 2026-11-01: 7 rules, ")
    assert not both[1].endswith(CarRental.policy.hash)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"VERY_GOOD"', '"BEST"', "changed.toml: rule 'very-good', column 'tier': at_least: 'BEST' is not a tier"),
        ("when.open_overdue", "when.weather", "changed.toml: rule 'overdue', column 'weather': unknown column"),
        ("share = 70", "share = 170", "changed.toml: rule 'very-good': share must be a whole number from 1 to 100"),
        ('currency = "CNY"', 'currency = "USD"', "changed.toml: the currency of car_rental is CNY, not USD"),
    ],
)
def test_check_names_file_rule_and_column_of_a_fault(
    nowhere: Gateway, tmp_path: Path, old: str, new: str, place: str
) -> None:
    file = changed(tmp_path, old, new)
    assert place in nowhere.refusal("policy", "check", file, "--adapter", "car_rental")


def test_check_requires_an_adapter_and_readable_files(nowhere: Gateway, tmp_path: Path) -> None:
    assert "--adapter" in nowhere.refusal("policy", "check", str(CAR_RENTAL))
    assert "moon_travel" in nowhere.refusal("policy", "check", str(CAR_RENTAL), "--adapter", "moon_travel")
    missing = str(tmp_path / "missing.toml")
    assert "cannot be read" in nowhere.refusal("policy", "check", missing, "--adapter", "car_rental")
    lender = nowhere.refusal("policy", "check", str(CAR_RENTAL), "--adapter", "lender")
    assert "car_rental/policy.toml: rule " in lender


def test_explain_prints_rules_result_and_outcome(world: DemoWorld, gateway: Gateway) -> None:
    decision = decided(world, "just-below")

    assert gateway.answer("policy", "explain", decision.id).splitlines() == [
        f"{decision.id}: APPROVED at 2026-11-23T12:00:00Z",
        "product: DEPOSIT_WAIVER for CAR_RENTAL",
        f"policy: car_rental 2026-11-01, {CarRental.policy.hash}",
        "requested: deposit 3000.00 CNY, vehicleValue 180000.00 CNY",
        "person: tier VERY_GOOD, overdue obligations: 0",
        "  overdue: not met, requires open_overdue at least 1",
        "  unscored: not met, requires tier one of UNSCORED",
        "  excellent: not met, requires tier at least EXCELLENT",
        "  very-good: matched",
        "policy result: approve, 70 percent, at most 7000.00 CNY",
        "outcome: approval",
        "  REDUCED_FOR_TIER: A part was granted, as set for the score tier.",
    ]


def test_explain_shows_an_outcome_that_differs_from_the_policy_result(world: DemoWorld, gateway: Gateway) -> None:
    output = gateway.answer("policy", "explain", decided(world, "good", reduction=False).id)

    assert "policy result: approve, 50 percent, at most 5000.00 CNY\noutcome: decline" in output
    assert "REDUCTION_NOT_ACCEPTED" in output


def test_explain_warns_about_another_policy_in_force(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    table = CarRental().load_policy(Path(changed(tmp_path, 'retry_after = "P30D"', 'retry_after = "P60D"')))
    adapter = world.registry["car_rental"]
    adapter.policies = adapter.with_policy(table).policies
    output = gateway.answer("policy", "explain", decided(world, "building").id)

    assert f"policy: car_rental 2026-11-01, {table.hash}" in output
    assert f"warning: another policy is in force now: 2026-11-01, {CarRental.policy.hash}" in output
    assert "  fair: not met, requires a condition on tier of a policy that is no longer installed" in output
    assert "policy result: decline, retry after P60D" in output


def test_explain_shows_no_personal_data_without_the_key(world: DemoWorld, gateway: Gateway) -> None:
    decision = decided(world, "overdue")
    world.execute("DELETE FROM user_keys")

    output = gateway.answer("policy", "explain", decision.id)

    assert "rule: overdue" in output
    assert "key has been destroyed" in output
    assert "tier" not in output
    assert "3000.00" not in output


def test_explain_rejects_an_unknown_decision(world: DemoWorld, gateway: Gateway) -> None:
    assert "There is no decision dec_test_nothing." in gateway.refusal("policy", "explain", "dec_test_nothing")


def test_backtest_counts_changes_and_writes_them_as_csv(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    reduced, good, fair = decided(world, "just-below"), decided(world, "good"), decided(world, "fair")
    world.execute(f"DELETE FROM user_keys WHERE user_id = '{world.user('fair')}'")
    before, out = world.contents(), tmp_path / "changed.csv"

    file = changed(tmp_path, "share = 70", "share = 60")
    output = gateway.answer("policy", "backtest", file, "--adapter", "car_rental", "--csv", str(out)).splitlines()

    assert output[0].split() == [
        "tier",
        "was",
        "would",
        "be",
        "decisions",
        "exposed:",
        "was",
        "exposed:",
        "would",
        "be",
    ]
    assert output[1].split() == ["VERY_GOOD", "APPROVED", "APPROVED", "1", "2100.00", "CNY", "1800.00", "CNY"]
    assert output[2].startswith("car_rental 2026-11-01 (")
    assert output[2].endswith("changed.toml): 1 of 2 differs.")
    assert output[3:] == [
        "Only policies are compared. Credit limits are not replayed.",
        "1 not compared: the person's key has been destroyed.",
    ]
    assert out.read_text(encoding="utf-8").splitlines() == [
        "decision,tier,currency,old_status,old_amount,old_rule,new_status,new_amount,new_rule",
        f"{reduced.id},VERY_GOOD,CNY,APPROVED,2100.00,very-good,APPROVED,1800.00,very-good",
    ]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert world.contents() == before
    assert not {good.id, fair.id} & set(out.read_text(encoding="utf-8").replace("\n", ",").split(","))


def test_backtest_of_the_same_policy_finds_no_change(world: DemoWorld, gateway: Gateway) -> None:
    decided(world, "excellent")

    output = gateway.answer("policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental").splitlines()
    later = gateway.answer(
        "policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental", "--since", "2026-11-24"
    ).splitlines()

    assert output == [
        "car_rental 2026-11-01 (car_rental/policy.toml): 0 of 1 differ.",
        "Only policies are compared. Credit limits are not replayed.",
    ]
    assert "0 of 0 differ" in later[0]


def test_backtest_rejects_unusable_arguments(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    same = ("policy", "backtest", str(CAR_RENTAL))
    assert "moon_travel" in gateway.refusal(*same, "--adapter", "moon_travel")
    assert "benefits" in gateway.refusal(*same, "--adapter", "lender")
    out = str(tmp_path / "no" / "such" / "folder.csv")
    assert "cannot be written" in gateway.refusal(*same, "--adapter", "car_rental", "--csv", out)


def test_shadow_counts_differences_from_decisions(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    assert gateway("policy", "shadow", "car_rental").stderr == "No shadow policy has been evaluated for car_rental.\n"
    table = CarRental().load_policy(Path(changed(tmp_path, "share = 70", "share = 60")))
    decided(world, "just-below")  # before the shadow policy was set
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))
    reduced, _, _ = (decided(shadowed, handle, number=2) for handle in ("just-below", "good", "fair"))
    world.execute(f"DELETE FROM user_keys WHERE user_id = '{world.user('fair')}'")

    explained = gateway.answer("policy", "explain", reduced.id).splitlines()
    output = gateway.answer("policy", "shadow", "car_rental").splitlines()

    assert explained[-1] == (
        f"shadow policy car_rental 2026-11-01, {table.hash}: approve, 60 percent, at most 7000.00 CNY,"
        " by the rule very-good"
    )

    assert output[0].split() == ["tier", "live", "shadow", "decisions", "exposed:", "live", "exposed:", "shadow"]
    assert output[1].split() == ["VERY_GOOD", "APPROVED", "APPROVED", "1", "2100.00", "CNY", "1800.00", "CNY"]
    assert output[2:] == [
        f"car_rental 2026-11-01 ({table.hash}): 1 of 2 differs.",
        "Only policies are compared. Credit limits are not replayed.",
        "1 not compared: the person's key has been destroyed.",
    ]
    assert gateway.answer("policy", "shadow", "online_shop") == ""
    assert "moon_travel" in gateway.refusal("policy", "shadow", "moon_travel")


def test_explain_names_the_error_of_a_shadow_policy(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    table = CarRental().load_policy(Path(changed(tmp_path, "share = 70", "share = 60")))
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))
    table.decide = None  # type: ignore[assignment, method-assign]  # so it raises a TypeError
    decision = decided(shadowed, "just-below")

    explained = gateway.answer("policy", "explain", decision.id).splitlines()

    assert explained[-1] == f"shadow policy car_rental 2026-11-01, {table.hash}: failed with TypeError"


def test_check_as_json(nowhere: Gateway) -> None:
    listed = json.loads(nowhere.answer("policy", "check", "--adapter", "car_rental", "--json"))
    assert listed == [
        {
            "adapter": "car_rental",
            "version": CarRental.policy.version,
            "effective": "2026-11-01",
            "is_in_force": True,
            "rules": len(CarRental.policy.rules),
            "hash": CarRental.policy.hash,
            "source": CarRental.policy.source,
        }
    ]


def test_explain_as_json(world: DemoWorld, gateway: Gateway) -> None:
    decision = decided(world, "just-below")
    explained = json.loads(gateway.answer("policy", "explain", decision.id, "--json"))
    assert (explained["decision_id"], explained["is_sealed"]) == (decision.id, False)
    assert explained["requested"]["deposit"] == {"amount": "3000.00", "currency": "CNY"}
    assert explained["person"] == {"tier": "VERY_GOOD", "open_overdue": 0}
    assert [(rule["rule"], rule["is_matched"]) for rule in explained["rules"]][-2:] == [
        ("excellent", False),
        ("very-good", True),
    ]
    assert (explained["result"]["verdict"], explained["result"]["share"]) == ("APPROVE", 70)
    assert explained["outcome"] == {"kind": "APPROVAL", "reasons": ["REDUCED_FOR_TIER"]}
    assert explained["shadow"] is None


def test_explain_as_json_without_the_key(world: DemoWorld, gateway: Gateway) -> None:
    decision = decided(world, "just-below")
    world.execute("DELETE FROM user_keys")
    explained = json.loads(gateway.answer("policy", "explain", decision.id, "--json"))
    assert explained["is_sealed"] is True
    assert {explained[name] for name in ("requested", "person", "rules", "result", "outcome", "shadow")} == {None}


def test_backtest_as_json(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    decided(world, "just-below")
    file = changed(tmp_path, "share = 70", "share = 60")
    counts = json.loads(gateway.answer("policy", "backtest", file, "--adapter", "car_rental", "--json"))
    assert (counts["compared"], counts["changed"]) == (1, 1)
    assert counts["groups"] == [
        {
            "tier": "VERY_GOOD",
            "status_before": "APPROVED",
            "status_after": "APPROVED",
            "decisions": 1,
            "exposed_before": {"amount": "2100.00", "currency": "CNY"},
            "exposed_after": {"amount": "1800.00", "currency": "CNY"},
        }
    ]
    assert counts["not_compared"] == {"sealed": 0, "unreadable": 0, "failed": 0, "overridden": 0}


def test_shadow_as_json_without_a_shadow_policy(world: DemoWorld, gateway: Gateway) -> None:
    assert json.loads(gateway.answer("policy", "shadow", "car_rental", "--json")) == {
        "adapter": "car_rental",
        "policies": [],
        "sealed": 0,
    }
