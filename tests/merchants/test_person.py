"""What adapters know about a person: the columns `open_breaches` and `starter`, and policies without them."""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.domain.decisions.outcome import Decline
from gateway.domain.policies.column import Fact
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from merchants import bike_share
from merchants.adapter import SAMPLE_NOW, Person
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.car_rental import CarRental
from merchants.conformance.check import check_adapter
from merchants.policies.tables import read_table

POLICY = """
policy = "car_rental"
version = "before-breaches"
effective = 2026-11-01
currency = "CNY"
[[rule]]
id = "overdue"
when.open_overdue = { at_least = LEAST }
decline = { reasons = ["OPEN_OVERDUE_OBLIGATION", "TIER_BELOW_REQUIRED"], retry_after = "P1D" }
[[rule]]
id = "others"
approve = { share = 100 }
"""

POLICY_WITHOUT_STARTER = re.sub(
    r'\[\[rule\]\]\nid = "starter"\n.*?\n\n',
    "",
    Path(bike_share.__file__).with_name("policy.toml").read_text(encoding="utf-8"),
    flags=re.DOTALL,
)


def without_breaches(least: int = 1) -> DecisionTable:
    """A policy that does not test `open_breaches`."""
    return read_table(POLICY.replace("LEAST", str(least)), CarRental.columns, "old.toml")


@pytest.mark.parametrize(
    ("overdue", "breaches", "reason"),
    [
        pytest.param(0, 1, "OPEN_BREACH", id="E1-breach"),
        pytest.param(1, 0, "OPEN_OVERDUE_OBLIGATION", id="E1-overdue"),
        pytest.param(1, 1, "OPEN_OVERDUE_OBLIGATION", id="E1-both"),
    ],
)
@pytest.mark.parametrize("tests_breaches", [True, False])
def test_reason_says_overdue_only_if_something_is(
    tests_breaches: bool, overdue: int, breaches: int, reason: str
) -> None:
    adapter = CarRental() if tests_breaches else CarRental().with_policy(without_breaches())
    person = Person(Tier.EXCELLENT, overdue, breaches)
    outcome = adapter.decide(adapter.ordinary_case.ask, person, SAMPLE_NOW).outcome
    assert isinstance(outcome, Decline)
    assert outcome.reasons[0] == reason
    assert set(outcome.reasons) <= adapter.reason_codes


def test_e1_policy_that_does_not_test_breaches_counts_both_as_overdue() -> None:
    adapter = CarRental().with_policy(without_breaches(least=3))
    person = Person(Tier.EXCELLENT, 1, 1)
    ask = adapter.ordinary_case.ask
    assert not isinstance(adapter.decide(ask, person, SAMPLE_NOW).outcome, Decline)
    for more in (replace(person, open_overdue=2), replace(person, open_breaches=2)):
        assert isinstance(adapter.decide(ask, more, SAMPLE_NOW).outcome, Decline)


def measured(tier: Tier, *, document: bool = True, overdue: int = 0, breaches: int = 0) -> Measurement:
    now = BusinessTime(SAMPLE_NOW)
    return Measurement(None, tier, now, now, overdue, breaches, has_document=document)


@pytest.mark.parametrize("tier", list(Tier))
def test_starter_is_unscored_or_building_with_a_document(tier: Tier) -> None:
    assert Person.of(measured(tier), has_exposure=False).starter == (tier in {Tier.UNSCORED, Tier.BUILDING})


@pytest.mark.parametrize("tier", [Tier.UNSCORED, Tier.BUILDING])
def test_document_open_negatives_and_exposure_decide_whether_a_person_is_a_starter(tier: Tier) -> None:
    assert Person.of(measured(tier), has_exposure=False) == Person(tier, 0, 0, starter=True)
    assert Person.of(measured(tier, document=False), has_exposure=False) == Person(tier, 0)
    assert Person.of(measured(tier), has_exposure=True) == Person(tier, 0)
    assert Person.of(measured(tier, overdue=1), has_exposure=False) == Person(tier, 1)
    assert Person.of(measured(tier, breaches=1), has_exposure=False) == Person(tier, 0, 1)


class OldBikes(BikeShare):
    """An adapter of another package, which has no column `starter`."""

    columns = {name: kind for name, kind in BikeShare.columns.items() if name != "starter"}  # noqa: RUF012
    policy = read_table(POLICY_WITHOUT_STARTER, columns, "old.toml")
    later = []  # noqa: RUF012
    golden = tuple(case for case in BikeShare.golden if not case.person.starter)

    def facts(self, ask: BikeRideAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {"tier": person.tier, "open_overdue": person.open_overdue, "open_breaches": person.open_breaches}


def test_policy_without_the_column_starter_keeps_working() -> None:
    adapter = OldBikes()
    assert not any(check_adapter(adapter).values())
    ask = adapter.ordinary_case.ask
    for tier in (Tier.UNSCORED, Tier.BUILDING):
        outcomes = [adapter.decide(ask, Person(tier, 0, 0, starter), SAMPLE_NOW) for starter in (False, True)]
        assert outcomes[0] == outcomes[1]
