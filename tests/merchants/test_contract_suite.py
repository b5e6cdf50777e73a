"""The contract suite finds what is unfair: adapters with one fault each fail the very test that is there for it."""

from decimal import Decimal

import pytest

from gateway.domain.credit_offer_terms import CreditOfferTerms
from gateway.domain.policy import DecisionTable, Ruling
from merchants.hotel import Hotel
from merchants.lender import Lender
from merchants.tables import read_table
from merchants.testing import AdapterContract

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


def suite(of: type[Lender]) -> AdapterContract:
    contract = AdapterContract()
    contract.adapter = of  # type: ignore[misc]  # one instance, one adapter
    return contract


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
def test_a_better_tier_with_a_worse_answer_is_found(old: str, new: str) -> None:
    class Level(Lender):
        policy = lending(FAIR)

    class Unfair(Lender):
        policy = lending(FAIR.replace(old, new))

    suite(Level).test_better_tier_never_gets_worse_answer()
    with pytest.raises(AssertionError, match="the tier above it only"):
        suite(Unfair).test_better_tier_never_gets_worse_answer()


def test_a_rate_that_grows_with_the_tier_is_found() -> None:
    class Usurious(Lender):
        def terms(self, ask: object, ruling: Ruling, now: object) -> CreditOfferTerms:
            fair = super().terms(ask, ruling, now)  # type: ignore[arg-type]
            rate = fair.base_apr_percent + fair.discount_percent
            return CreditOfferTerms(fair.limit, rate, rate, Decimal(0), fair.term, fair.due_at, fair.grace_period)

    with pytest.raises(AssertionError, match="the tier above it only"):
        suite(Usurious).test_better_tier_never_gets_worse_answer()


def test_less_without_a_reason_is_found() -> None:
    class Silent(Hotel):
        policy = read_table(
            HEADER
            + """
            [[rule]]
            id = "rest"
            approve = { share = 100, pay_at_check_out = false, skip_front_desk = false }
            """,
            Hotel.columns,
            "silent.toml",
            Hotel.benefits,
        )

    contract = AdapterContract()
    contract.adapter = Silent  # type: ignore[misc]
    with pytest.raises(AssertionError, match="no reason"):
        contract.test_less_than_asked_names_its_reasons()
