"""How policies count a person's breaches, with and without the column `open_breaches` in their rules."""

from dataclasses import replace

import pytest

from gateway.domain.decisions.outcome import Decline
from gateway.domain.policies.table import DecisionTable
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, Person
from merchants.car_rental import CarRental
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
