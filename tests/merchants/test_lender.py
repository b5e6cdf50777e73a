"""The lender adapter: the contract suite, its limit, rate and term, and the purpose of the loan."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.lender import CreditOfferAsk, Lender
from merchants.testing import AdapterContract
from tests.support.typed_asks import in_currency

DAY = timedelta(days=1)
ADAPTER = Lender()


class TestLenderContract(AdapterContract):
    adapter = Lender


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def ask(**changed: Any) -> CreditOfferAsk:
    usual = CreditOfferAsk(
        desired_limit=yuan("10000.00"), term=365 * DAY, base_apr_percent=Decimal("12.00"), purpose="a new kitchen"
    )
    return replace(usual, **changed)


def terms(this: CreditOfferAsk, tier: Tier) -> CreditOfferTerms:
    outcome = ADAPTER.decide(this, Person(tier, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert isinstance(outcome.terms, CreditOfferTerms)
    return outcome.terms


@pytest.mark.parametrize(
    ("tier", "limit", "apr", "days"),
    [
        (Tier.EXCELLENT, "10000.00", "10.00", 365),
        (Tier.VERY_GOOD, "8000.00", "10.75", 365),
        (Tier.GOOD, "5000.00", "11.50", 365),
        (Tier.FAIR, "2000.00", "11.75", 180),
    ],
)
def test_limit_rate_and_term_follow_the_tier(tier: Tier, limit: str, apr: str, days: int) -> None:
    got = terms(ask(), tier)
    assert (got.limit, got.apr_percent, got.term) == (yuan(limit), Decimal(apr), days * DAY)
    assert (got.due_at, got.grace) == (NOW + days * DAY, 3 * DAY)


@given(st.decimals("0.0001", 100, places=4), st.sampled_from([Tier.FAIR, Tier.GOOD, Tier.VERY_GOOD, Tier.EXCELLENT]))
def test_rate_is_the_base_rate_less_the_discount(base: Decimal, tier: Tier) -> None:
    got = terms(ask(base_apr_percent=base), tier)
    assert got.base_apr_percent == base
    assert 0 <= got.apr_percent == base - got.discount_percent < base
    assert got.discount_percent <= 2


@given(st.integers(100_00, 10**10), st.integers(7, 1827), st.sampled_from(Tier))
def test_limit_and_term_never_exceed_the_ask(minor: int, days: int, tier: Tier) -> None:
    this = ask(desired_limit=Money(minor, "CNY"), term=days * DAY)
    outcome = ADAPTER.decide(this, Person(tier, 0), NOW).outcome
    if isinstance(outcome, Approval) and isinstance(outcome.terms, CreditOfferTerms):
        assert outcome.terms.limit <= min(this.desired_limit, yuan("30000.00"))
        assert outcome.terms.term <= this.term


@pytest.mark.parametrize("tier", Tier)
def test_purpose_does_not_affect_the_outcome(tier: Tier) -> None:
    first, second = (
        ADAPTER.decide(ask(purpose=purpose), Person(tier, 0), NOW).outcome for purpose in ("a wedding", "LENDING")
    )
    assert first == second


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"desired_limit": yuan("99.99")}, "INVALID_AMOUNT", ("desiredLimit", "amount")),
        ({"term": 6.9 * DAY}, "INVALID", ("term",)),
        ({"term": 1827.1 * DAY}, "INVALID", ("term",)),
        ({"base_apr_percent": Decimal("0")}, "INVALID", ("baseAprPercent",)),
        ({"base_apr_percent": Decimal("-1")}, "INVALID", ("baseAprPercent",)),
        ({"base_apr_percent": Decimal("100.01")}, "INVALID", ("baseAprPercent",)),
        ({"base_apr_percent": Decimal("12.00001")}, "INVALID", ("baseAprPercent",)),
        ({"purpose": " "}, "INVALID", ("purpose",)),
        ({"purpose": "x" * 65}, "INVALID", ("purpose",)),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(ask(**changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


@pytest.mark.parametrize(
    ("currency", "least", "below"), [("CNY", "100.00", "99.99"), ("JPY", "100", "99"), ("KWD", "100.000", "99.999")]
)
def test_smallest_limit_is_100_in_each_currency(currency: str, least: str, below: str) -> None:
    lender = in_currency(Lender, currency)
    lender.check(ask(desired_limit=Money.parse(least, currency)), NOW)
    with pytest.raises(InvalidInput, match=f"at least {least}"):
        lender.check(ask(desired_limit=Money.parse(below, currency)), NOW)
