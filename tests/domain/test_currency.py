"""The currency list: known codes and their decimals; other codes are refused."""

import pytest
from babel.core import get_global

from gateway.domain.currency import EXPONENTS, exponent_of
from gateway.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("code", "exponent"), [("CNY", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("TND", 3), ("CLF", 4)]
)
def test_exponents(code: str, exponent: int) -> None:
    assert exponent_of(code) == exponent


def test_every_code_is_a_currency_that_babel_knows() -> None:
    assert EXPONENTS.keys() <= get_global("all_currencies").keys()
    assert len(EXPONENTS) > 150


@pytest.mark.parametrize("code", ["cny", "XYZ", "", "ANG", "XAU", "CNY ", None, ["CNY"]])
def test_other_codes_are_refused(code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        exponent_of(code)
    assert (refused.value.code, refused.value.field) == ("UNSUPPORTED_CURRENCY", ("currency",))
