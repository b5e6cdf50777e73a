"""Parsing of the operator's credit limits."""

import pytest

from gateway.domain.decisions.exposure import CreditLimits
from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from gateway.settings import Settings


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
    assert CreditLimits.parse(usual).limit(Tier.EXCELLENT, "CNY") == Money.parse("30000.00", "CNY")
