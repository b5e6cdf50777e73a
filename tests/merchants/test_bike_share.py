"""The bike share adapter: the contract suite, the length of a ride, and the maximum of a waiver."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.bike_share import BikeRideAsk, BikeShare
from merchants.testing import AdapterContract

ADAPTER = BikeShare()
USUAL = BikeRideAsk(deposit=Money(29900, "CNY"), bike_id="bike-5150")


class TestBikeShareContract(AdapterContract):
    adapter = BikeShare


def test_bike_must_be_returned_within_a_day() -> None:
    outcome = ADAPTER.decide(USUAL, Person(Tier.GOOD, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert outcome.terms == DepositTerms(
        Money(29900, "CNY"), Money(14950, "CNY"), Money(14950, "CNY"), NOW + timedelta(days=1), timedelta(hours=6)
    )
    assert outcome.valid_until == NOW + timedelta(hours=1), "an approval is valid for one hour"


@given(st.integers(1, 10**9), st.sampled_from(Tier))
def test_waiver_never_exceeds_the_value_of_a_bike(minor: int, tier: Tier) -> None:
    outcome = ADAPTER.decide(replace(USUAL, deposit=Money(minor, "CNY")), Person(tier, 0), NOW).outcome
    if isinstance(outcome, Approval):
        assert outcome.terms.exposed <= Money(100000, "CNY")


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"deposit": Money(0, "CNY")}, "INVALID_AMOUNT", ("deposit", "amount")),
        ({"deposit": Money(1, "USD")}, "UNSUPPORTED_CURRENCY", ("deposit", "currency")),
        ({"bike_id": ""}, "INVALID", ("bikeId",)),
        ({"bike_id": "   "}, "INVALID", ("bikeId",)),
        ({"bike_id": "x" * 65}, "INVALID", ("bikeId",)),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(replace(USUAL, **changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
