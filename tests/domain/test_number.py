"""Decimal numbers: equal numbers have one text."""

from decimal import Decimal

import pytest

from gateway.domain.errors import InvalidInput
from gateway.domain.number import format_decimal, parse_decimal


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        pytest.param("1.0000000", "1.00", id="E10-trailing-zeros"),
        pytest.param("1", "1.00", id="E10-whole"),
        pytest.param("007.5", "7.50", id="E10-leading-zeros"),
        pytest.param("-0", "0.00", id="E10-negative-zero"),
        pytest.param("-0.125", "-0.125", id="E10-negative"),
        pytest.param("35.9999", "35.9999", id="E10-four-decimals"),
        pytest.param("9" * 18 + "." + "9" * 18, "9" * 18 + "." + "9" * 18, id="E10-most-digits"),
    ],
)
def test_equal_numbers_have_one_text(text: str, canonical: str) -> None:
    assert format_decimal(parse_decimal(text)) == canonical
    assert format(parse_decimal(text), "f") == canonical


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1." + "0" * 40, id="E10-forty-decimals"),
        pytest.param("1" * 19, id="E10-nineteen-digits"),
        pytest.param("1e3", id="E10-exponent"),
        pytest.param("1_000", id="E10-underscore"),
        pytest.param("NaN", id="E10-not-a-number"),
        pytest.param("+1", id="E10-plus"),
        pytest.param(" 1", id="E10-space"),
        pytest.param("１", id="E10-fullwidth"),
        pytest.param("1.", id="E10-no-decimals"),
        pytest.param(Decimal(1), id="E10-not-a-text"),
    ],
)
def test_other_texts_are_refused(text: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_decimal(text)
    assert refused.value.code == "INVALID"
