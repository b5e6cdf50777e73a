"""`gateway policy check`."""

import json
from pathlib import Path

import pytest

from merchants.car_rental import CarRental
from tests.cli.policies import CAR_RENTAL, write_changed_policy
from tests.support.operators import Gateway


@pytest.fixture
def nowhere(tmp_path: Path) -> Gateway:
    """An operator without a database."""
    return Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path)


def test_check_lists_the_installed_policies_without_a_database(nowhere: Gateway, tmp_path: Path) -> None:
    lines = nowhere.output("policy", "check").splitlines()

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
    same = nowhere.output("policy", "check", str(CAR_RENTAL), "--adapter", "car_rental")
    both = nowhere.output(
        "policy",
        "check",
        str(CAR_RENTAL),
        write_changed_policy(tmp_path, "share = 70", "share = 60"),
        "--adapter",
        "car_rental",
    ).splitlines()

    assert same.endswith(CarRental.policy.hash)
    assert both[0] == same
    assert both[1].startswith("car_rental 2026-11-29, effective 2026-11-01: 9 rules, ")
    assert not both[1].endswith(CarRental.policy.hash)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('"VERY_GOOD"', '"BEST"', "changed.toml: rule 'very-good', column 'tier': at_least: 'BEST' is not a tier"),
        ("when.open_overdue", "when.weather", "changed.toml: rule 'overdue', column 'weather': unknown column"),
        ("share = 70", "share = 170", "changed.toml: rule 'very-good': share must be a whole number from 1 to 100"),
        ('currency = "CNY"', 'currency = "USD"', "changed.toml: the currency of car_rental is CNY, not USD"),
        pytest.param(
            'at_least = "FAIR"',
            'at_least = "BUILDING"',
            "rule 'otherwise': is unreachable: rules 'unscored' and 'fair' together match whenever it would",
            id="F9-covered-together",
        ),
    ],
)
def test_check_names_file_rule_and_column_of_a_fault(
    nowhere: Gateway, tmp_path: Path, old: str, new: str, place: str
) -> None:
    file = write_changed_policy(tmp_path, old, new)
    assert place in nowhere.error_line("policy", "check", file, "--adapter", "car_rental")


def test_check_requires_an_adapter_and_readable_files(nowhere: Gateway, tmp_path: Path) -> None:
    assert "--adapter" in nowhere.error_line("policy", "check", str(CAR_RENTAL))
    assert "moon_travel" in nowhere.error_line("policy", "check", str(CAR_RENTAL), "--adapter", "moon_travel")
    missing = str(tmp_path / "missing.toml")
    assert "cannot be read" in nowhere.error_line("policy", "check", missing, "--adapter", "car_rental")
    lender = nowhere.error_line("policy", "check", str(CAR_RENTAL), "--adapter", "lender")
    assert "car_rental/policy.toml: rule " in lender


def test_check_as_json(nowhere: Gateway) -> None:
    listed = json.loads(nowhere.output("policy", "check", "--adapter", "car_rental", "--json"))
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
