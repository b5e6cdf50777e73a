"""Money: parsing, and arithmetic that never mixes currencies or loses a minor unit."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import InvalidInput
from gateway.domain.money import MAX_MINOR, Money

currencies = st.sampled_from(sorted(EXPONENTS))
amounts = st.builds(Money, st.integers(0, MAX_MINOR), currencies)


@pytest.mark.parametrize(
    ("text", "currency", "minor", "written"),
    [
        ("3000.00", "CNY", 300000, "3000.00"),
        ("3000", "CNY", 300000, "3000.00"),
        ("0.5", "CNY", 50, "0.50"),
        ("0", "CNY", 0, "0.00"),
        ("500", "JPY", 500, "500"),
        ("1.005", "KWD", 1005, "1.005"),
        ("10000000000.00", "CNY", MAX_MINOR, "10000000000.00"),
    ],
)
def test_parses_plain_decimals(text: str, currency: str, minor: int, written: str) -> None:
    money = Money.parse(text, currency)
    assert (money.minor, money.amount) == (minor, written)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "1e3",
        "+1",
        "-1",
        "-0.01",
        "NaN",
        "Infinity",
        "1 000",
        " 1",
        "1\n",
        ".5",
        "5.",
        "1,00",
        "1.000",
        "１",
        "10000000000.01",
        "9" * 5000,
        "0x10",
        "1_000",
        None,
        5,
        5.0,
        Decimal(5),
        True,
    ],
)
def test_other_amounts_are_refused(text: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        Money.parse(text, "CNY")
    assert (refused.value.code, refused.value.field) == ("INVALID_AMOUNT", ("amount",))


def test_too_many_decimals_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at most 0 decimals"):
        Money.parse("1.0", "JPY")


def test_unknown_currency() -> None:
    with pytest.raises(InvalidInput) as refused:
        Money.parse("1", "XYZ")
    assert (refused.value.code, refused.value.field) == ("UNSUPPORTED_CURRENCY", ("currency",))
    with pytest.raises(ValueError, match="XYZ"):
        Money(1, "XYZ")


@given(amounts)
def test_survives_being_written(money: Money) -> None:
    assert Money.parse(money.amount, money.currency) == money
    assert Money.from_document(money.document()) == money


def test_negative_and_large_amounts_round_trip() -> None:
    for money in (Money(-5, "CNY"), Money(-12345, "KWD"), Money(3 * MAX_MINOR, "CNY")):
        assert Money.from_document(money.document()) == money
    assert Money(-5, "CNY").amount == "-0.05"


@given(amounts, st.integers(0, 100))
def test_a_share_and_the_rest_are_the_whole(money: Money, percent: int) -> None:
    share = money.share(percent)
    assert Money.zero(money.currency) <= share <= money
    assert share.minor == money.minor * percent // 100
    assert share + (money - share) == money


@pytest.mark.parametrize("percent", [-1, 101])
def test_share_bounds(percent: int) -> None:
    with pytest.raises(ValueError, match="percent"):
        Money(1, "CNY").share(percent)


def test_order_and_sums_stay_in_one_currency() -> None:
    yuan, dollar = Money(100, "CNY"), Money(100, "USD")
    assert Money(99, "CNY") < yuan <= Money(100, "CNY")
    assert yuan > Money(99, "CNY")
    assert yuan >= yuan.share(100)
    assert yuan != dollar
    assert max(yuan, Money(101, "CNY")) == Money(101, "CNY")
    assert str(yuan) == "1.00 CNY"
    for mix in (lambda: yuan + dollar, lambda: yuan - dollar, lambda: yuan < dollar, lambda: yuan <= dollar):
        with pytest.raises(ValueError, match="do not mix"):
            mix()
