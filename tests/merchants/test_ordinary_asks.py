"""Rules for the ordinary asks of all built-in adapters."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline, Outcome
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import MerchantAdapter, Person
from merchants.outcome_order import is_no_worse
from merchants.registry import discover

INDUSTRY_ADAPTERS = ("bike_share", "car_rental", "hotel", "housing", "lender", "online_shop", "retail_store")
NAMED = ("harbour_bikes", "lotus_hotels")
ADAPTERS = [pytest.param(adapter, id=key) for key, adapter in discover(INDUSTRY_ADAPTERS + NAMED).items()]
Adapter = MerchantAdapter[Any]
pytestmark = pytest.mark.parametrize("adapter", ADAPTERS)


def outcome(adapter: Adapter, tier: Tier, overdue: int = 0) -> Outcome:
    return adapter.decide(adapter.ordinary_case.ask, Person(tier, overdue), adapter.ordinary_case.now).outcome


def test_top_tier_gets_the_requested_amount(adapter: Adapter) -> None:
    got = outcome(adapter, Tier.EXCELLENT)
    assert isinstance(got, Approval)
    assert (got.terms.exposed, got.reasons) == (adapter.requested_amount(adapter.ordinary_case.ask), ())


@pytest.mark.parametrize("tier", [Tier.VERY_GOOD, Tier.GOOD, Tier.FAIR])
def test_middle_tiers_are_approved(adapter: Adapter, tier: Tier) -> None:
    assert isinstance(outcome(adapter, tier), Approval)


def test_good_is_no_better_than_very_good(adapter: Adapter) -> None:
    assert is_no_worse(outcome(adapter, Tier.VERY_GOOD), outcome(adapter, Tier.GOOD))


def test_top_tier_gets_more_than_very_good(adapter: Adapter) -> None:
    pairs = [
        [
            adapter.decide(ask, Person(tier, 0), adapter.ordinary_case.now).outcome
            for tier in (Tier.VERY_GOOD, Tier.EXCELLENT)
        ]
        for ask in adapter.sample_asks()
    ]
    assert any(not is_no_worse(below, top) for below, top in pairs)


@pytest.mark.parametrize("tier", [Tier.BUILDING, Tier.UNSCORED])
def test_low_tiers_are_declined_with_retry_after(adapter: Adapter, tier: Tier) -> None:
    got = outcome(adapter, tier)
    assert isinstance(got, Decline)
    assert got.retry_after is not None
    assert got.retry_after > adapter.ordinary_case.now


@pytest.mark.parametrize("tier", [Tier.BUILDING, Tier.UNSCORED])
def test_starter_gets_at_most_the_limit_and_no_more_than_fair(adapter: Adapter, tier: Tier) -> None:
    approved = 0
    for ask in adapter.sample_asks():
        starter, fair = (
            adapter.decide(ask, person, adapter.ordinary_case.now).outcome
            for person in (Person(tier, 0, starter=True), Person(Tier.FAIR, 0))
        )
        assert is_no_worse(fair, starter)
        if isinstance(starter, Approval):
            approved += 1
            assert starter.terms.exposed <= Money.parse("200.00", "CNY")
    assert approved


def test_overdue_obligation_is_declined_in_any_tier(adapter: Adapter) -> None:
    assert {outcome(adapter, tier, overdue=1) for tier in Tier} == {
        Decline(("OPEN_OVERDUE_OBLIGATION",), adapter.ordinary_case.now + timedelta(days=1))
    }
