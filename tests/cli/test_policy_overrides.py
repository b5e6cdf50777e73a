"""`gateway policy bounds`, `override` and `overrides`: a merchant's own values within the operator's bounds."""

import json
from pathlib import Path

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.kit.clock import WallTime, wall_clock
from gateway.store.policies import PolicyOverrideRow
from merchants.car_rental import CarRental
from tests.services.asks import car, request_command
from tests.support.checkout import ROOT
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.units import writing

CAR_RENTAL = ROOT / "merchants" / "car_rental" / "policy.toml"
HEADER = 'policy = "car_rental"\ncurrency = "CNY"\n'
BOUNDS = '[rule.good]\nshare = { at_least = 40, at_most = 70 }\nmaximum = { at_most = "6000.00" }\n'
GOOD = '[rule.good]\nshare = 60\nmaximum = "6000.00"\n'


@pytest.fixture(autouse=True)
def today(world: DemoWorld) -> str:
    """Today's date. The world gets the real time, because the command line has it."""
    world.clock.now = WallTime(wall_clock().replace(microsecond=0))
    return world.clock.now.date().isoformat()


def write_file(folder: Path, rules: str, *, version: str = "", effective: str = "") -> str:
    """The path of a file with bounds or, with a version, with an override."""
    file = folder / f"{version or 'bounds'}.toml"
    more = f'version = "{version}"\neffective = {effective}\n' if version else ""
    file.write_text(HEADER + more + rules, encoding="utf-8")
    return str(file)


def request_decision(world: DemoWorld, handle: str = "good", number: int = 1) -> DecisionState:
    command = request_command(car(world.clock()), f"{handle}-{number}", f"{handle}-{number}")
    return world.request(world.grant(handle), command).decision


def test_registered_override_decides_and_is_explained(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    target = (world.merchant(), "car_rental")
    assert gateway.output("policy", "bounds", *target) == "Demo Car Rental may override nothing of car_rental."
    assert gateway.output("policy", "overrides") == ""
    bounds = gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    assert bounds.splitlines() == [
        "Demo Car Rental may override these values of car_rental:",
        "  good: share at least 40 and at most 70",
        "  good: maximum at most 6000.00 CNY",
    ]
    assert gateway.output("policy", "bounds", *target) == bounds

    file = write_file(tmp_path, GOOD, version="north-1", effective=today)
    checked = gateway.output("policy", "override", *target, file, "--check").splitlines()
    assert checked[0].startswith(f"car_rental 2026-11-29+north-1, effective {today}: 9 rules, ")
    assert checked[1:] == [
        "  good: approve 60 percent, at most 6000.00 CNY; the policy: approve 50 percent, at most 5000.00 CNY",
        "Nothing was written.",
    ]
    assert gateway.output("policy", "overrides") == ""

    assert gateway.output("policy", "override", *target, file).splitlines() == checked[:2]
    listed = gateway.output("policy", "overrides").splitlines()
    assert listed[1].split() == [*target, "north-1", today, "yes"]

    decision = request_decision(world)
    output = gateway.output("policy", "explain", decision.id)
    assert f"policy: car_rental 2026-11-29+north-1, {checked[0].split()[-1]}\n" in output
    assert "  very-good: not met, requires tier at least VERY_GOOD\n  good: matched\n" in output
    assert "policy result: approve, 60 percent, at most 6000.00 CNY" in output
    assert "warning" not in output


def test_explain_warns_about_a_later_override(world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str) -> None:
    target = (world.merchant(), "car_rental")
    decision = request_decision(world)
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    gateway.output("policy", "override", *target, write_file(tmp_path, GOOD, version="north-1", effective=today))

    output = gateway.output("policy", "explain", decision.id)

    assert f"policy: car_rental 2026-11-29, {CarRental.policy.hash}\n" in output
    assert "warning: another policy is in force now: 2026-11-29+north-1, " in output


def test_override_and_bounds_reject_unusable_files(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    target = (world.merchant(), "car_rental")
    more = write_file(tmp_path, "[rule.good]\nshare = 71\n", version="more", effective=today)
    assert "has set no bounds for car_rental" in gateway.error_line("policy", "override", *target, more)
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    refusal = gateway.error_line("policy", "override", *target, more)
    assert "more.toml: rule 'good': share 71 is out of the operator's bounds: at least 40 and at most 70" in refusal
    assert "cannot be read" in gateway.error_line("policy", "override", *target, str(tmp_path / "none.toml"))
    assert "There is no merchant mer_x" in gateway.error_line("policy", "override", "mer_x", "car_rental", more)
    assert "No adapter moon_travel" in gateway.error_line("policy", "override", world.merchant(), "moon_travel", more)
    assert "There is no merchant mer_x" in gateway.error_line("policy", "bounds", "mer_x", "car_rental")
    assert "at_least is above" in gateway.error_line(
        "policy", "bounds", *target, write_file(tmp_path, "[rule.good]\nshare = { at_least = 9, at_most = 8 }\n")
    )


def test_backtest_of_an_override_replays_the_merchants_requests(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    request_decision(world)
    request_decision(world, "excellent")
    file = write_file(tmp_path, GOOD, version="north-1", effective=today)
    backtest = ("policy", "backtest", file, "--adapter", "car_rental", "--merchant")

    output = gateway.output(*backtest, world.merchant()).splitlines()

    assert output[1].split() == ["GOOD", "APPROVED", "APPROVED", "1", "1500.00", "CNY", "1800.00", "CNY"]
    assert output[2].startswith("car_rental north-1 (")
    assert output[2].endswith("north-1.toml): 1 of 2 differs.")
    assert "0 of 0 differ" in gateway.output(*backtest, world.merchant("online_shop"))
    assert "There is no merchant mer_x" in gateway.error_line(*backtest, "mer_x")


def test_backtest_of_a_policy_applies_the_overrides_of_that_time(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    target = (world.merchant(), "car_rental")
    request_decision(world)
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    gateway.output("policy", "override", *target, write_file(tmp_path, GOOD, version="north-1", effective=today))
    world.clock.now = wall_clock()
    request_decision(world, number=2)
    text = CAR_RENTAL.read_text(encoding="utf-8")
    (tmp_path / "renamed.toml").write_text(text.replace('id = "good"', 'id = "fine"'), encoding="utf-8")

    same = gateway.output("policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental").splitlines()
    renamed = gateway.output("policy", "backtest", str(tmp_path / "renamed.toml"), "--adapter", "car_rental")

    assert same[0].endswith("0 of 2 differ.")  # one of them without the override: it was registered later that day
    assert "0 of 1 differ" in renamed
    assert "1 not compared: the merchant's override does not fit the policy." in renamed


def test_server_does_not_start_with_an_unusable_override(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    target = (world.merchant(), "car_rental")
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    gateway.output("policy", "override", *target, write_file(tmp_path, GOOD, version="north-1", effective=today))
    # As after an upgrade of the adapter that renames the rule.
    with writing(world.database) as unit:
        (row,) = unit.policy_overrides.list_overrides(*target)
        renamed = {**row.model_dump(), "id": f"{row.id}2", "content": row.content.replace("rule.good", "rule.fine")}
        unit.policy_overrides.append_override(PolicyOverrideRow(**renamed))

    refusal = gateway.error_line("serve", "--port", "0")
    listed = gateway("policy", "overrides")

    assert "1 override(s) cannot be used" in refusal
    assert "gateway policy overrides" in refusal
    assert "rule 'fine'" in refusal
    assert listed.returncode == 1
    assert "rule 'fine'" in listed.stdout


def test_bounds_as_json(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    target = (world.merchant(), "car_rental")
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    assert json.loads(gateway.output("policy", "bounds", *target, "--json")) == {
        "merchant_id": world.merchant(),
        "adapter": "car_rental",
        "bounds": [
            {"rule": "good", "value": "share", "at_least": 40, "at_most": 70},
            {
                "rule": "good",
                "value": "maximum",
                "at_least": None,
                "at_most": {"amount": "6000.00", "currency": "CNY"},
            },
        ],
    }


def test_overrides_as_json(world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str) -> None:
    target = (world.merchant(), "car_rental")
    gateway.output("policy", "bounds", *target, write_file(tmp_path, BOUNDS))
    gateway.output("policy", "override", *target, write_file(tmp_path, GOOD, version="north-1", effective=today))
    assert json.loads(gateway.output("policy", "overrides", "--json")) == [
        {
            "merchant_id": world.merchant(),
            "adapter": "car_rental",
            "version": "north-1",
            "effective": today,
            "fault": None,
            "is_usable": True,
        }
    ]
