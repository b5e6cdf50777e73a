"""The hotel adapter: the contract suite, skipping the front desk, and payment at check-out."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.outcome import Approval
from gateway.domain.errors import InvalidInput
from gateway.domain.money import MAX_MINOR, Money
from gateway.domain.period import Period
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.hotel import Hotel, HotelStayAsk
from merchants.testing import AdapterContract

DAY = timedelta(days=1)
ADAPTER = Hotel()


class TestHotelContract(AdapterContract):
    adapter = Hotel


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def ask(**changed: Any) -> HotelStayAsk:
    usual = HotelStayAsk(
        deposit=yuan("800.00"), room_rate=yuan("500.00"), stay=Period(NOW + DAY, NOW + 3 * DAY - timedelta(hours=2))
    )
    return replace(usual, **changed)


def terms(this: HotelStayAsk, tier: Tier) -> CheckInTerms:
    outcome = ADAPTER.decide(this, Person(tier, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert isinstance(outcome.terms, CheckInTerms)
    return outcome.terms


def test_top_tier_skips_front_desk_and_pays_at_check_out() -> None:
    stay = ask().stay
    assert terms(ask(), Tier.EXCELLENT) == CheckInTerms(
        stay, yuan("1000.00"), yuan("800.00"), yuan("0.00"), yuan("800.00"), True, True, DAY
    )


@pytest.mark.parametrize(("tier", "due"), [(Tier.VERY_GOOD, "0.00"), (Tier.GOOD, "400.00"), (Tier.FAIR, "640.00")])
def test_lower_tiers_get_a_reduced_waiver_and_pay_on_arrival(tier: Tier, due: str) -> None:
    got = terms(ask(), tier)
    assert (got.deposit_due, got.skip_front_desk, got.pay_at_check_out) == (yuan(due), False, False)
    assert got.exposed == yuan("800.00") - yuan(due)


def test_front_desk_is_not_skipped_if_a_deposit_is_due() -> None:
    got = terms(ask(deposit=yuan("5000.01")), Tier.EXCELLENT)
    assert (got.deposit_due, got.skip_front_desk, got.pay_at_check_out) == (yuan("0.01"), False, True)


def test_expensive_stay_is_paid_on_arrival() -> None:
    got = terms(ask(room_rate=yuan("7500.01")), Tier.EXCELLENT)
    assert (got.waived_amount, got.skip_front_desk, got.pay_at_check_out) == (yuan("800.00"), False, False)


@pytest.mark.parametrize(("hours", "nights"), [(1, 1), (13, 1), (24, 1), (24.1, 2), (46, 2), (70, 3)])
def test_each_started_day_is_a_night(hours: float, nights: int) -> None:
    stay = Period(NOW + DAY, NOW + DAY + timedelta(hours=hours))
    assert ask(stay=stay).room_charge == Money(50000 * nights, "CNY")


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(1, 60), st.sampled_from(Tier))
def test_exposure_of_a_stay_is_limited(deposit: int, rate: int, days: int, tier: Tier) -> None:
    this = ask(
        deposit=Money(deposit, "CNY"), room_rate=Money(rate, "CNY"), stay=Period(NOW + DAY, NOW + (1 + days) * DAY)
    )
    outcome = ADAPTER.decide(this, Person(tier, 0), NOW).outcome
    if isinstance(outcome, Approval):
        assert outcome.terms.exposed <= yuan("20000.00")
        assert outcome.reasons or outcome.terms.exposed == ADAPTER.requested_amount(this)


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"room_rate": yuan("0")}, "INVALID_AMOUNT", ("roomRate", "amount")),
        ({"room_rate": Money(100, "USD")}, "UNSUPPORTED_CURRENCY", ("roomRate", "currency")),
        ({"room_rate": Money(MAX_MINOR, "CNY")}, "INVALID_AMOUNT", ("roomRate", "amount")),
        ({"stay": Period(NOW - 1.01 * DAY, NOW + DAY)}, "INVALID_PERIOD", ("stay", "start")),
        ({"stay": Period(NOW + 90.01 * DAY, NOW + 91 * DAY)}, "INVALID_PERIOD", ("stay", "start")),
        ({"stay": Period(NOW - DAY / 2, NOW)}, "INVALID_PERIOD", ("stay", "end")),
        ({"stay": Period(NOW, NOW + 60.01 * DAY)}, "INVALID_PERIOD", ("stay", "end")),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(ask(**changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
