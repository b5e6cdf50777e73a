"""Lines of trust as an operator writes them."""

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.exposure import Lines
from gateway.domain.money import Money
from gateway.domain.tier import Tier
from gateway.settings import Settings


def test_each_tier_has_its_line_in_its_currency() -> None:
    lines = Lines.parse(" GOOD 8000.00 CNY , EXCELLENT 30000.00 CNY, EXCELLENT 500 JPY,")
    assert lines.line(Tier.GOOD, "CNY") == Money(800_000, "CNY")
    assert lines.line(Tier.EXCELLENT, "JPY") == Money(500, "JPY")


def test_without_a_line_nothing_is_approved() -> None:
    lines = Lines.parse("EXCELLENT 1.00 CNY")
    assert lines.line(Tier.UNSCORED, "CNY") == Money.zero("CNY")
    assert lines.line(Tier.EXCELLENT, "EUR") == Money.zero("EUR")
    assert Lines.parse("").line(Tier.EXCELLENT, "CNY") == Money.zero("CNY")


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
def test_what_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        Lines.parse(text)


def test_a_tier_without_a_line_has_that_of_the_one_below() -> None:
    """Or a setting that names only some tiers would lend more to the lower ones."""
    lines = Lines.parse("GOOD 2.00 CNY, EXCELLENT 3.00 CNY")
    assert [lines.line(tier, "CNY").minor for tier in Tier] == [0, 0, 0, 200, 200, 300]


def test_the_usual_lines_can_be_read() -> None:
    usual = str(Settings.model_fields["lines_of_trust"].default)
    assert Lines.parse(usual).line(Tier.EXCELLENT, "CNY") == Money.parse("30000.00", "CNY")
