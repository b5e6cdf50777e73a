"""Decimal numbers as text.

Equal numbers have one canonical text: without a sign of zero, leading zeros, and trailing zeros after the second
decimal. So the canonical text of "1", "1.0" and "01.0000" is "1.00".
"""

import re
from decimal import Decimal

from gateway.domain.errors import InvalidInput

MOST_DIGITS = 18
"""Digits before the decimal point, and decimals, that a number may have: few enough that arithmetic stays exact."""

FEWEST_DECIMALS = 2

_PLAIN = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}(?:\.[0-9]{{1,{MOST_DIGITS}}})?", re.ASCII)


def parse_decimal(text: object) -> Decimal:
    """Returns the number of a plain decimal text, in its canonical form. Raises InvalidInput INVALID for any other
    text, such as "1e3"."""
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        message = f'must be a plain decimal string, such as "12.50", with at most {MOST_DIGITS} digits on each side'
        raise InvalidInput("INVALID", message)
    return Decimal(format_decimal(Decimal(text)))


def format_decimal(number: Decimal) -> str:
    """Returns the canonical text of a finite number: "12.00", "0.125"."""
    whole, _, decimals = format(number.copy_abs(), "f").partition(".")
    decimals = decimals.rstrip("0").ljust(FEWEST_DECIMALS, "0")
    return f"{'-' if number < 0 else ''}{whole.lstrip('0') or '0'}.{decimals}"
