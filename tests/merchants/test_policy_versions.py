"""An adapter with several policy versions: the version in force decides, and the contract suite checks each."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.errors import Misconfigured
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.car_rental import CarRental
from merchants.lender import Lender
from merchants.policies.tables import load_tables
from merchants.registry import AdapterRegistry
from merchants.testing import AdapterContract
from tests.support.checkout import ROOT

TEXT = (ROOT / "merchants" / "car_rental" / "policy.toml").read_text(encoding="utf-8")
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)


def later(text: str = TEXT) -> str:
    """The same policy, effective from 2027-01-01."""
    return text.replace("2026-11-29", "2027-01-01").replace("2026-11-01", "2027-01-01")


def with_versions(folder: Path, **files: str) -> type[CarRental]:
    """A car rental adapter whose folder has policy.toml and these further versions."""
    (folder / "policy.toml").write_text(TEXT, encoding="utf-8")
    for name, text in files.items():
        (folder / f"policy.{name}.toml").write_text(text, encoding="utf-8")
    policy_now, *policies_later = load_tables(folder, CarRental.columns)

    class Dated(CarRental):
        policy = policy_now
        later = policies_later

    return Dated


def suite(adapter: type[CarRental]) -> AdapterContract:
    contract = AdapterContract()
    contract.adapter = adapter  # type: ignore[misc]  # a class variable, here one per instance
    return contract


def test_version_in_force_decides(tmp_path: Path) -> None:
    adapter = with_versions(tmp_path, next=later(TEXT.replace("share = 70", "share = 60")))()
    person = Person(Tier.VERY_GOOD, 0)

    for moment, waived, version in (
        (NEW_YEAR - timedelta(microseconds=1), "2100.00", "2026-11-29"),
        (NEW_YEAR, "1800.00", "2027-01-01"),
    ):
        ask = next(ask for ask in adapter.sample_asks(moment) if ask.deposit.amount == "3000.00")
        answer = adapter.decide(ask, person, moment)
        assert isinstance(answer.outcome, Approval)
        assert (answer.outcome.terms.exposed.amount, answer.policy_result.policy_version) == (waived, version)
        assert answer.policy_result.policy_hash == adapter.policies.at(moment).hash


def test_description_has_all_versions(tmp_path: Path) -> None:
    dated = with_versions(tmp_path, next=later())
    description = AdapterRegistry([dated]).describe()[0]
    assert description.policy_version == "2026-11-29, 2027-01-01"
    assert description.policy_hash.split(", ") == [table.hash for table in dated().policies]


def test_reason_codes_include_those_of_every_version(tmp_path: Path) -> None:
    adapter = with_versions(tmp_path, next=later(TEXT.replace('["NOT_SCORED"]', '["TERM_TOO_LONG"]')))()
    assert {"NOT_SCORED", "TERM_TOO_LONG"} <= adapter.reason_codes


def test_single_file_is_a_single_version(tmp_path: Path) -> None:
    assert len(with_versions(tmp_path)().policies) == 1
    assert [table.version for table in CarRental().policies] == ["2026-11-29"]


def test_invalid_versions_are_rejected(tmp_path: Path) -> None:
    with pytest.raises(
        Misconfigured, match=r"policy.twin.toml: has the same effective date 2026-11-01 as .*/policy.toml"
    ):
        with_versions(tmp_path, twin=TEXT)
    with pytest.raises(Misconfigured, match=r"policy.twin.toml: rule 'good', column 'tier'"):
        with_versions(tmp_path, twin=later(TEXT.replace('at_least = "GOOD"', 'at_least = "BEST"')))
    with pytest.raises(Misconfigured, match=r"policy.toml: cannot be read"):
        load_tables(tmp_path / "nothing", CarRental.columns)


def test_contract_suite_passes_for_fair_versions(tmp_path: Path) -> None:
    fair = suite(with_versions(tmp_path, next=later(TEXT.replace("share = 70", "share = 60"))))
    tests = [name for name in dir(fair) if name.startswith("test_")]
    assert tests
    for name in tests:
        getattr(fair, name)()


@pytest.mark.parametrize(
    ("old", "new", "test"),
    [
        ("share = 70", "share = 40", "test_better_tier_never_gets_worse_outcome"),
        ('"7000.00"', '"999999.00"', "test_better_tier_never_gets_worse_outcome"),
        ("at_least = 1", "at_least = 2", "test_overdue_is_never_approved"),
        ('id = "fair"', 'id = "never"\nwhen.vehicle_value = { at_most = "0.01" }\nrefer = {}\n[[rule]]\nid = "fair"',
         "test_every_rule_is_reached"),
    ],
)  # fmt: skip
def test_contract_suite_finds_a_violation_of_a_later_version(tmp_path: Path, old: str, new: str, test: str) -> None:
    assert old in TEXT
    unfair = suite(with_versions(tmp_path, next=later(TEXT.replace(old, new, 1))))
    with pytest.raises(AssertionError):
        getattr(unfair, test)()


def test_with_policy_replaces_all_versions(tmp_path: Path) -> None:
    adapter = CarRental()
    (tmp_path / "policy.toml").write_text(later(TEXT.replace("share = 100", "share = 1, reasons = ['NOT_SCORED']")))
    other = adapter.with_policy(adapter.load_policy(tmp_path / "policy.toml"))
    ask, person = adapter.ordinary_case.ask, Person(Tier.EXCELLENT, 0)

    assert other.decide(ask, person, SAMPLE_NOW).policy_result.policy_version == "2027-01-01"
    assert adapter.decide(ask, person, SAMPLE_NOW).policy_result.policy_version == "2026-11-29"
    assert not isinstance(other.decide(ask, Person(Tier.EXCELLENT, 1), SAMPLE_NOW).outcome, Approval)
    assert isinstance(other.decide(ask, Person(Tier.UNSCORED, 0), SAMPLE_NOW).outcome, Decline)
    with pytest.raises(Misconfigured, match="other columns or benefits"):
        adapter.with_policy(Lender.policy)
