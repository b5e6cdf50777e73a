"""`gateway policy backtest` and `gateway policy shadow`."""

import json
import stat
from pathlib import Path

from gateway.services.decisions.shadows import ShadowPolicies
from merchants.car_rental import CarRental
from tests.cli.policies import CAR_RENTAL, request_decision, write_changed_policy
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway


def test_backtest_counts_changes_and_writes_them_as_csv(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    reduced, good, fair = (
        request_decision(world, "just-below"),
        request_decision(world, "good"),
        request_decision(world, "fair"),
    )
    world.execute(f"DELETE FROM user_keys WHERE user_id = '{world.user('fair')}'")
    before, out = world.contents(), tmp_path / "changed.csv"

    file = write_changed_policy(tmp_path, "share = 70", "share = 60")
    output = gateway.output("policy", "backtest", file, "--adapter", "car_rental", "--csv", str(out)).splitlines()

    assert " ".join(output[0].split()) == "tier was would be decisions exposed: was exposed: would be"
    assert output[1].split() == ["VERY_GOOD", "APPROVED", "APPROVED", "1", "2100.00", "CNY", "1800.00", "CNY"]
    assert output[2].startswith("car_rental 2026-11-29 (")
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
    request_decision(world, "excellent")

    output = gateway.output("policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental").splitlines()
    later = gateway.output(
        "policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental", "--since", "2026-11-24"
    ).splitlines()

    assert output == [
        "car_rental 2026-11-29 (car_rental/policy.toml): 0 of 1 differ.",
        "Only policies are compared. Credit limits are not replayed.",
    ]
    assert "0 of 0 differ" in later[0]


def test_backtest_rejects_unusable_arguments(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    same = ("policy", "backtest", str(CAR_RENTAL))
    assert "moon_travel" in gateway.error_line(*same, "--adapter", "moon_travel")
    assert "benefits" in gateway.error_line(*same, "--adapter", "lender")
    out = str(tmp_path / "no" / "such" / "folder.csv")
    assert "cannot be written" in gateway.error_line(*same, "--adapter", "car_rental", "--csv", out)


def test_shadow_counts_differences_from_decisions(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    assert gateway("policy", "shadow", "car_rental").stderr == "No shadow policy has been evaluated for car_rental.\n"
    table = CarRental().load_policy(Path(write_changed_policy(tmp_path, "share = 70", "share = 60")))
    request_decision(world, "just-below")  # before the shadow policy was set
    shadowed = world.variant(shadows=ShadowPolicies({"car_rental": table}))
    reduced, _, _ = (request_decision(shadowed, handle, number=2) for handle in ("just-below", "good", "fair"))
    world.execute(f"DELETE FROM user_keys WHERE user_id = '{world.user('fair')}'")

    explained = gateway.output("policy", "explain", reduced.id).splitlines()
    output = gateway.output("policy", "shadow", "car_rental").splitlines()

    assert explained[-1] == (
        f"shadow policy car_rental 2026-11-29, {table.hash}: approve, 60 percent, at most 7000.00 CNY,"
        " by the rule very-good"
    )

    assert output[0].split() == ["tier", "live", "shadow", "decisions", "exposed:", "live", "exposed:", "shadow"]
    assert output[1].split() == ["VERY_GOOD", "APPROVED", "APPROVED", "1", "2100.00", "CNY", "1800.00", "CNY"]
    assert output[2:] == [
        f"car_rental 2026-11-29 ({table.hash}): 1 of 2 differs.",
        "Only policies are compared. Credit limits are not replayed.",
        "1 not compared: the person's key has been destroyed.",
    ]
    assert gateway.output("policy", "shadow", "online_shop") == ""
    assert "moon_travel" in gateway.error_line("policy", "shadow", "moon_travel")


def test_backtest_as_json(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    request_decision(world, "just-below")
    file = write_changed_policy(tmp_path, "share = 70", "share = 60")
    counts = json.loads(gateway.output("policy", "backtest", file, "--adapter", "car_rental", "--json"))
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
    assert json.loads(gateway.output("policy", "shadow", "car_rental", "--json")) == {
        "adapter": "car_rental",
        "policies": [],
        "sealed": 0,
    }
