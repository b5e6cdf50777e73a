"""`gateway policy bounds`, `override` and `overrides`: what an operator reads while a merchant gets its own numbers."""

from pathlib import Path

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.kit.clock import WallTime, wall_clock
from gateway.store.policies import PolicyOverrideRow
from merchants.car_rental import CarRental
from tests.services.asks import asking, car
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
    """The command line goes by the real clock, so the world does too."""
    world.clock.now = WallTime(wall_clock().replace(microsecond=0))
    return world.clock.now.date().isoformat()


def written(folder: Path, rules: str, *, version: str = "", effective: str = "") -> str:
    """A file of bounds, or with a version of an override."""
    file = folder / f"{version or 'bounds'}.toml"
    more = f'version = "{version}"\neffective = {effective}\n' if version else ""
    file.write_text(HEADER + more + rules, encoding="utf-8")
    return str(file)


def decided(world: DemoWorld, handle: str = "good", number: int = 1) -> DecisionState:
    command = asking(car(world.clock()), f"{handle}-{number}", f"{handle}-{number}")
    return world.request(world.grant(handle), command).decision


def test_from_the_bounds_to_an_explained_decision(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    who = (world.merchant(), "car_rental")
    assert gateway.answer("policy", "bounds", *who) == "Demo Car Rental may override nothing of car_rental."
    assert gateway.answer("policy", "overrides") == "No merchant overrides a policy."
    drawn = gateway.answer("policy", "bounds", *who, written(tmp_path, BOUNDS))
    assert drawn.splitlines() == [
        "Demo Car Rental may override of car_rental:",
        "  good: share at least 40 and at most 70",
        "  good: maximum at most 6000.00 CNY",
    ]
    assert gateway.answer("policy", "bounds", *who) == drawn

    file = written(tmp_path, GOOD, version="north-1", effective=today)
    tried = gateway.answer("policy", "override", *who, file, "--check").splitlines()
    assert tried[0].startswith(f"car_rental 2026-11-01+north-1, effective {today}: 7 rules, ")
    assert tried[1:] == [
        "  good: approve 60 percent, at most 6000.00 CNY; the policy: approve 50 percent, at most 5000.00 CNY",
        "Nothing was written.",
    ]
    assert gateway.answer("policy", "overrides") == "No merchant overrides a policy."

    assert gateway.answer("policy", "override", *who, file).splitlines() == tried[:2]
    listed = gateway.answer("policy", "overrides").splitlines()
    assert listed[1].split() == [*who, "north-1", today, "yes"]

    decision = decided(world)
    told = gateway.answer("policy", "explain", decision.id)
    assert f"policy: car_rental 2026-11-01+north-1, {tried[0].split()[-1]}\n" in told
    assert "  very-good: did not hold, it needs tier at least VERY_GOOD\n  good: decided\n" in told
    assert "the policy said: approve, 60 percent, at most 6000.00 CNY" in told
    assert "warning" not in told


def test_a_later_override_is_warned_of(world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str) -> None:
    who = (world.merchant(), "car_rental")
    decision = decided(world)
    gateway.answer("policy", "bounds", *who, written(tmp_path, BOUNDS))
    gateway.answer("policy", "override", *who, written(tmp_path, GOOD, version="north-1", effective=today))

    told = gateway.answer("policy", "explain", decision.id)

    assert f"policy: car_rental 2026-11-01, {CarRental.policy.hash}\n" in told
    assert "warning: the policy now is another one: 2026-11-01+north-1, " in told


def test_what_does_not_fit_is_refused_in_one_line(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    who = (world.merchant(), "car_rental")
    more = written(tmp_path, "[rule.good]\nshare = 71\n", version="more", effective=today)
    assert "override nothing of car_rental" in gateway.refusal("policy", "override", *who, more)
    gateway.answer("policy", "bounds", *who, written(tmp_path, BOUNDS))
    refusal = gateway.refusal("policy", "override", *who, more)
    assert "more.toml: rule 'good': share 71 is out of the operator's bounds: at least 40 and at most 70" in refusal
    assert "cannot be read" in gateway.refusal("policy", "override", *who, str(tmp_path / "none.toml"))
    assert "There is no merchant mer_x" in gateway.refusal("policy", "override", "mer_x", "car_rental", more)
    assert "No adapter moon_travel" in gateway.refusal("policy", "override", world.merchant(), "moon_travel", more)
    assert "There is no merchant mer_x" in gateway.refusal("policy", "bounds", "mer_x", "car_rental")
    assert "at_least lies above" in gateway.refusal(
        "policy", "bounds", *who, written(tmp_path, "[rule.good]\nshare = { at_least = 9, at_most = 8 }\n")
    )


def test_an_override_is_tried_on_what_the_merchant_was_decided(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    decided(world)
    decided(world, "excellent")
    file = written(tmp_path, GOOD, version="north-1", effective=today)
    backtest = ("policy", "backtest", file, "--adapter", "car_rental", "--merchant")

    told = gateway.answer(*backtest, world.merchant()).splitlines()

    assert told[1].split() == ["GOOD", "APPROVED", "APPROVED", "1", "1500.00", "CNY", "1800.00", "CNY"]
    assert told[2].startswith("car_rental north-1 (")
    assert told[2].endswith("north-1.toml): 1 of 2 differs.")
    assert "0 of 0 differ" in gateway.answer(*backtest, world.merchant("online_shop"))
    assert "There is no merchant mer_x" in gateway.refusal(*backtest, "mer_x")


def test_a_policy_is_tried_with_the_overrides_of_its_time(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    who = (world.merchant(), "car_rental")
    decided(world)
    gateway.answer("policy", "bounds", *who, written(tmp_path, BOUNDS))
    gateway.answer("policy", "override", *who, written(tmp_path, GOOD, version="north-1", effective=today))
    world.clock.now = wall_clock()
    decided(world, number=2)
    text = CAR_RENTAL.read_text(encoding="utf-8")
    (tmp_path / "renamed.toml").write_text(text.replace('id = "good"', 'id = "fine"'), encoding="utf-8")

    same = gateway.answer("policy", "backtest", str(CAR_RENTAL), "--adapter", "car_rental").splitlines()
    renamed = gateway.answer("policy", "backtest", str(tmp_path / "renamed.toml"), "--adapter", "car_rental")

    assert same[0].endswith("0 of 2 differ.")  # one of them without the override: it was registered later that day
    assert "0 of 1 differ" in renamed
    assert "1 of merchants whose override does not fit it, not compared." in renamed


def test_a_server_does_not_start_with_an_override_that_does_not_fit(
    world: DemoWorld, gateway: Gateway, tmp_path: Path, today: str
) -> None:
    who = (world.merchant(), "car_rental")
    gateway.answer("policy", "bounds", *who, written(tmp_path, BOUNDS))
    gateway.answer("policy", "override", *who, written(tmp_path, GOOD, version="north-1", effective=today))
    # As an upgrade of the adapter would leave it: the rule has another name now.
    with writing(world.database) as unit:
        (row,) = unit.policy_overrides.list_overrides(*who)
        renamed = {**row.model_dump(), "id": f"{row.id}2", "content": row.content.replace("rule.good", "rule.fine")}
        unit.policy_overrides.append_override(PolicyOverrideRow(**renamed))

    refusal = gateway.refusal("serve", "--port", "0")
    listed = gateway("policy", "overrides")

    assert "1 override(s) cannot be used" in refusal
    assert "gateway policy overrides" in refusal
    assert "rule 'fine'" in refusal
    assert listed.returncode == 1
    assert "rule 'fine'" in listed.stdout
