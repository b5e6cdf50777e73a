"""Parsing of the operator's credit limits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.exposure import CreditLimits, available_limit, rounded_exposure
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.settings import Settings

LIMIT = Money(3_000_000, "CNY")


def test_tier_has_its_limit_in_its_currency() -> None:
    limits = CreditLimits.parse(" GOOD 8000.00 CNY , EXCELLENT 30000.00 CNY, EXCELLENT 500 JPY,")
    assert limits.limit(Tier.GOOD, "CNY") == Money(800_000, "CNY")
    assert limits.limit(Tier.EXCELLENT, "JPY") == Money(500, "JPY")


def test_limit_is_zero_without_a_setting() -> None:
    limits = CreditLimits.parse("EXCELLENT 1.00 CNY")
    assert limits.limit(Tier.UNSCORED, "CNY") == Money.zero("CNY")
    assert limits.limit(Tier.EXCELLENT, "EUR") == Money.zero("EUR")
    assert CreditLimits.parse("").limit(Tier.EXCELLENT, "CNY") == Money.zero("CNY")


@pytest.mark.parametrize(
    "text",
    [
        "GOOD 8000.00",
        "GOOD 8000.00 CNY EUR",
        "BETTER 8000.00 CNY",
        "GOOD -1.00 CNY",
        "GOOD 8000.001 CNY",
        "GOOD 8000.00 XXQ",
        "GOOD 1.00 CNY, GOOD 2.00 CNY",
        "GOOD 2.00 CNY, EXCELLENT 1.00 CNY",
        "GOOD 2.00 CNY, EXCELLENT 3.00 EUR, FAIR 3.00 CNY",
    ],
)
def test_invalid_limits_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        CreditLimits.parse(text)


def test_tier_without_a_limit_has_the_next_lower_limit() -> None:
    """Otherwise a setting with only some tiers would give higher limits to lower tiers."""
    limits = CreditLimits.parse("GOOD 2.00 CNY, EXCELLENT 3.00 CNY")
    assert [limits.limit(tier, "CNY").minor for tier in Tier] == [0, 0, 0, 200, 200, 300]


def test_default_limits_can_be_read() -> None:
    usual = str(Settings.model_fields["credit_limits"].default)
    limits = CreditLimits.parse(usual)
    assert [limits.limit(tier, "CNY").minor for tier in Tier] == [
        20_000,
        20_000,
        300_000,
        800_000,
        1_500_000,
        3_000_000,
    ]


@pytest.mark.parametrize(
    ("exposure", "rounded"),
    [
        pytest.param(0, 0, id="E2-none"),
        pytest.param(1, 30_000, id="E2-one-per-cent"),
        pytest.param(30_000, 30_000, id="E2-upper-end"),
        pytest.param(30_001, 60_000, id="E2-two"),
        pytest.param(60_001, 150_000, id="E2-five"),
        pytest.param(150_001, 300_000, id="E2-ten"),
        pytest.param(300_001, 600_000, id="E2-twenty"),
        pytest.param(600_001, 1_500_000, id="E2-fifty"),
        pytest.param(1_500_001, 3_000_000, id="E2-whole-limit"),
        pytest.param(9_000_000, 3_000_000, id="E2-more-than-the-limit"),
    ],
)
def test_exposure_at_another_merchant_is_rounded_up_to_a_step(exposure: int, rounded: int) -> None:
    assert rounded_exposure(LIMIT, Money(exposure, "CNY")) == Money(rounded, "CNY")


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**7), max_size=5), st.integers(0, 10**7), st.integers(1, 10**7))
def test_e2_merchant_moves_only_its_own_term(limit: int, others: list[int], here: int, moved: int) -> None:
    whole, rest = Money(limit, "CNY"), [Money(other, "CNY") for other in others]
    own = [Money(0, "CNY"), Money(moved, "CNY")]
    used = [limit - available_limit(whole, Money(here, "CNY"), [*rest, term]).minor for term in own]
    term = rounded_exposure(whole, own[1]).minor
    assert used[1] == min(limit, used[0] + term)
    assert available_limit(whole, Money(here, "CNY"), rest).minor <= max(limit - here - sum(others), 0)
