"""The car rental adapter: the contract suite, limits, and reductions that a merchant does not accept."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.car_rental import CarRental, CarRentalAsk
from merchants.testing import AdapterContract

DAY = timedelta(days=1)
ADAPTER = CarRental()


class TestCarRentalContract(AdapterContract):
    adapter = CarRental


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def ask(**changed: Any) -> CarRentalAsk:
    usual = CarRentalAsk(
        deposit=yuan("3000.00"), vehicle_value=yuan("180000.00"), rental=Period(NOW + DAY, NOW + 4 * DAY)
    )
    return replace(usual, **changed)


def test_lower_tier_gets_a_reduced_waiver() -> None:
    outcome = ADAPTER.decide(ask(), Person(Tier.VERY_GOOD, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert outcome.terms == DepositTerms(yuan("3000"), yuan("2100"), yuan("900"), NOW + 4 * DAY, DAY)
    assert outcome.reasons == ("REDUCED_FOR_TIER",)
    assert outcome.valid_until == NOW + 4 * DAY, "an approval ends with its terms at the latest"


def test_approval_is_valid_for_a_week() -> None:
    later = ask(rental=Period(NOW + 30 * DAY, NOW + 33 * DAY))
    outcome = ADAPTER.decide(later, Person(Tier.EXCELLENT, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert outcome.valid_until == NOW + 7 * DAY
    assert outcome.reasons == ()


@pytest.mark.parametrize("tier", [Tier.VERY_GOOD, Tier.GOOD, Tier.FAIR])
def test_reduced_waiver_is_declined_if_not_accepted(tier: Tier) -> None:
    outcome = ADAPTER.decide(ask(accept_reduction=False), Person(tier, 0), NOW).outcome
    assert outcome == Decline(("REDUCTION_NOT_ACCEPTED",), NOW, (Product.DEPOSIT_WAIVER,)), (
        "asking for less can help at once"
    )


def test_waiver_of_less_than_a_cent_is_declined() -> None:
    few = ask(deposit=yuan("0.04"))
    nothing = Decline(("AMOUNT_TOO_SMALL",), NOW, (Product.DEPOSIT_WAIVER,))
    assert ADAPTER.decide(few, Person(Tier.FAIR, 0), NOW).outcome == nothing, (
        "a fifth of four cents is rounded down to zero"
    )
    for tier, deposit in ((Tier.FAIR, "0.05"), (Tier.EXCELLENT, "0.01")):
        outcome = ADAPTER.decide(ask(deposit=yuan(deposit)), Person(tier, 0), NOW).outcome
        assert isinstance(outcome, Approval)
        assert outcome.terms.exposed == yuan("0.01")


def test_full_waiver_is_approved_if_reductions_are_not_accepted() -> None:
    assert isinstance(ADAPTER.decide(ask(accept_reduction=False), Person(Tier.EXCELLENT, 0), NOW).outcome, Approval)
    large = ask(accept_reduction=False, deposit=yuan("10000.01"))
    assert isinstance(ADAPTER.decide(large, Person(Tier.EXCELLENT, 0), NOW).outcome, Decline)


def test_decline_has_retry_after() -> None:
    outcome = ADAPTER.decide(ask(), Person(Tier.BUILDING, 0), NOW).outcome
    assert outcome == Decline(("TIER_BELOW_REQUIRED",), NOW + 30 * DAY)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"deposit": yuan("0")}, "INVALID_AMOUNT", ("deposit", "amount")),
        ({"deposit": Money(100, "USD")}, "UNSUPPORTED_CURRENCY", ("deposit", "currency")),
        ({"vehicle_value": yuan("0")}, "INVALID_AMOUNT", ("vehicleValue", "amount")),
        ({"vehicle_value": Money(100000000, "USD")}, "UNSUPPORTED_CURRENCY", ("vehicleValue", "currency")),
        ({"vehicle_value": yuan("2999.99")}, "INVALID_AMOUNT", ("vehicleValue", "amount")),
        ({"rental": Period(NOW - 1.01 * DAY, NOW + DAY)}, "INVALID_PERIOD", ("rental", "start")),
        ({"rental": Period(NOW + 366 * DAY, NOW + 367 * DAY)}, "INVALID_PERIOD", ("rental", "start")),
        ({"rental": Period(NOW - DAY / 2, NOW)}, "INVALID_PERIOD", ("rental", "end")),
        ({"rental": Period(NOW, NOW + 90.01 * DAY)}, "INVALID_PERIOD", ("rental", "end")),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(ask(**changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize("rental", [Period(NOW - DAY, NOW + DAY), Period(NOW + 365 * DAY, NOW + 455 * DAY)])
def test_rental_at_the_limits_is_accepted(rental: Period) -> None:
    assert isinstance(ADAPTER.decide(ask(rental=rental), Person(Tier.EXCELLENT, 0), NOW).outcome, Approval)


@given(st.integers(1, 10**8), st.sampled_from(Tier), st.integers(0, 2), st.booleans())
def test_waived_and_due_amounts_add_up(minor: int, tier: Tier, overdue: int, accept: bool) -> None:
    this = ask(deposit=Money(minor, "CNY"), vehicle_value=Money(10**9, "CNY"), accept_reduction=accept)
    outcome = ADAPTER.decide(this, Person(tier, overdue), NOW).outcome
    if isinstance(outcome, Approval) and isinstance(outcome.terms, DepositTerms):
        assert outcome.terms.waived_amount + outcome.terms.deposit_due == this.deposit
        assert accept or outcome.terms.deposit_due == Money.zero("CNY")
        assert outcome.terms.exposed <= yuan("10000.00")
        assert not overdue


def test_ask_document_has_the_form_of_the_graphql_input() -> None:
    assert ADAPTER.ask_document(ask()) == {
        "deposit": {"amount": "3000.00", "currency": "CNY"},
        "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
        "rental": {"start": "2026-11-03T09:00:00Z", "end": "2026-11-06T09:00:00Z"},
        "acceptReduction": True,
    }
