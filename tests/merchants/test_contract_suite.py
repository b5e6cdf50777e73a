"""The contract suite: its tests are the requirements, and each fails with the findings."""

import inspect
from decimal import Decimal
from typing import Any

import pytest

from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.policies.table import DecisionTable, PolicyResult
from merchants.adapter import MerchantAdapter
from merchants.conformance.check import REQUIREMENTS
from merchants.conformance.requirement import Requirement
from merchants.lender import Lender
from merchants.policies.tables import read_table
from merchants.testing import AdapterContract
from tests.merchants.faulty_adapters import FAULTY

HEADER = """
policy = "unfair"
version = "1"
effective = 2026-11-01
currency = "CNY"
[[rule]]
id = "overdue"
when.open_overdue = { at_least = 1 }
decline = { reasons = ["OPEN_OVERDUE_OBLIGATION"], retry_after = "P1D" }
"""
FAIR = 'approve = { share = 100, longest = "P365D", discount = "1.00" }'
TESTS = {
    name.removeprefix("test_").replace("_", " "): name
    for name, _ in inspect.getmembers(AdapterContract, inspect.isfunction)
    if name.startswith("test_")
}


def lending(top: str, rest: str = FAIR) -> DecisionTable:
    rules = f"""
    [[rule]]
    id = "top"
    when.tier = {{ at_least = "EXCELLENT" }}
    {top}
    [[rule]]
    id = "rest"
    {rest}
    """
    return read_table(HEADER + rules, Lender.columns, "unfair.toml", Lender.benefits)


def suite(adapter: type[MerchantAdapter[Any]]) -> AdapterContract:
    contract = AdapterContract()
    contract.adapter = adapter  # type: ignore[misc]  # a class variable, here one per instance
    return contract


def test_each_requirement_has_a_test_of_its_name() -> None:
    assert sorted(TESTS) == sorted(each.name for each in REQUIREMENTS)


@pytest.mark.parametrize(
    ("requirement", "adapter", "problem"), [pytest.param(*each, id=each[1].__name__) for each in FAULTY]
)
def test_violation_fails_the_test_of_the_requirement(
    requirement: Requirement, adapter: type[MerchantAdapter[Any]], problem: str
) -> None:
    with pytest.raises(AssertionError) as failed:
        getattr(suite(adapter), TESTS[requirement.name])()
    assert problem in str(failed.value)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"1.00"', '"0.99"'),
        ('"P365D"', '"P364D"'),
        ("share = 100", 'share = 99, reasons = ["REDUCED_FOR_TIER"]'),
        (FAIR, "refer = {}"),
        (FAIR, 'decline = { reasons = ["TIER_BELOW_REQUIRED"] }'),
    ],
)
def test_worse_outcome_for_a_better_tier_is_found(old: str, new: str) -> None:
    class Level(Lender):
        policy = lending(FAIR)

    class Unfair(Lender):
        policy = lending(FAIR.replace(old, new))

    suite(Level).test_better_tier_never_gets_worse_outcome()
    with pytest.raises(AssertionError, match=r"but (FAIR|GOOD|VERY_GOOD|EXCELLENT) got"):
        suite(Unfair).test_better_tier_never_gets_worse_outcome()


def test_higher_rate_for_a_better_tier_is_found() -> None:
    class Usurious(Lender):
        def terms(self, ask: object, result: PolicyResult, now: object) -> CreditOfferTerms:
            fair = super().terms(ask, result, now)  # type: ignore[arg-type]
            rate = fair.base_apr_percent + fair.discount_percent
            return CreditOfferTerms(fair.limit, rate, rate, Decimal(0), fair.term, fair.due_at, fair.grace_period)

    with pytest.raises(AssertionError, match=r"but (FAIR|GOOD|VERY_GOOD|EXCELLENT) got"):
        suite(Usurious).test_better_tier_never_gets_worse_outcome()
