"""The housing adapter: the contract suite, waivers capped in months of rent, and their end with the lease."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.housing import HouseRentalAsk, Housing
from merchants.testing import AdapterContract

DAY = timedelta(days=1)
ADAPTER = Housing()
HALF_MONTHS = {Tier.EXCELLENT: 6, Tier.VERY_GOOD: 4, Tier.GOOD: 2, Tier.FAIR: 1}


class TestHousingContract(AdapterContract):
    adapter = Housing


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def ask(**changed: Any) -> HouseRentalAsk:
    usual = HouseRentalAsk(
        deposit=yuan("8000.00"), monthly_rent=yuan("4000.00"), lease=Period(NOW + 7 * DAY, NOW + 372 * DAY)
    )
    return replace(usual, **changed)


def test_waiver_ends_with_the_lease() -> None:
    outcome = ADAPTER.decide(ask(), Person(Tier.VERY_GOOD, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert (outcome.terms.due_at, outcome.terms.grace) == (NOW + 372 * DAY, 7 * DAY)
    assert outcome.valid_until == NOW + 61 * DAY, "an approval can be activated until the tenant has moved in"


@given(st.integers(1, 10**8), st.integers(1, 10**7), st.sampled_from(sorted(HALF_MONTHS)))
def test_waiver_never_exceeds_its_months_of_rent(deposit: int, rent: int, tier: Tier) -> None:
    this = ask(deposit=Money(deposit, "CNY"), monthly_rent=Money(rent, "CNY"))
    outcome = ADAPTER.decide(this, Person(tier, 0), NOW).outcome
    if outcome.reasons == ("AMOUNT_TOO_SMALL",):
        assert min(deposit, rent) < 100, "only a few cents are rounded down to zero"
        return
    assert isinstance(outcome, Approval)
    assert outcome.terms.exposed.minor * 2 <= rent * HALF_MONTHS[tier]
    assert outcome.terms.exposed <= yuan("30000.00")


def test_reduced_waiver_is_declined_if_not_accepted() -> None:
    whole = ask(accept_reduction=False)
    outcome = ADAPTER.decide(whole, Person(Tier.VERY_GOOD, 0), NOW).outcome
    assert outcome == Decline(("REDUCTION_NOT_ACCEPTED",), NOW, (Product.DEPOSIT_WAIVER,))
    assert isinstance(ADAPTER.decide(whole, Person(Tier.EXCELLENT, 0), NOW).outcome, Approval)
    four_months = ask(accept_reduction=False, deposit=yuan("16000.00"))
    assert isinstance(ADAPTER.decide(four_months, Person(Tier.EXCELLENT, 0), NOW).outcome, Decline)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"monthly_rent": yuan("0")}, "INVALID_AMOUNT", ("monthlyRent", "amount")),
        ({"monthly_rent": Money(100, "USD")}, "UNSUPPORTED_CURRENCY", ("monthlyRent", "currency")),
        ({"lease": Period(NOW - 1.01 * DAY, NOW + 30 * DAY)}, "INVALID_PERIOD", ("lease", "start")),
        ({"lease": Period(NOW + 60.01 * DAY, NOW + 90 * DAY)}, "INVALID_PERIOD", ("lease", "start")),
        ({"lease": Period(NOW - DAY / 2, NOW)}, "INVALID_PERIOD", ("lease", "end")),
        ({"lease": Period(NOW, NOW + 1096.01 * DAY)}, "INVALID_PERIOD", ("lease", "end")),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(ask(**changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
