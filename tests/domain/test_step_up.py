"""Step-up: which consents need a recent login."""

from datetime import timedelta

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.step_up import StepUp
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from tests.support.clock import NOON

RULE = StepUp.parse("1000.00 CNY, 50 JPY", timedelta(minutes=5))
SCORE = AuthorizationDetail("score", level="exact")


def decision(minor: int | None, currency: str = "CNY") -> AuthorizationDetail:
    amount = None if minor is None else Money(minor, currency)
    return AuthorizationDetail("decision", products=(Product.PAY_LATER,), maximum_amount=amount)


@pytest.mark.parametrize(
    ("details", "exceeds"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([SCORE], False, id="a-score"),
        pytest.param([decision(100_000)], False, id="exactly-the-amount"),
        pytest.param([decision(100_001)], True, id="a-fen-more"),
        pytest.param([decision(50_000), SCORE, decision(50_001)], True, id="more-when-added-up"),
        pytest.param([decision(100_000), decision(50, "JPY")], False, id="each-currency-by-itself"),
        pytest.param([decision(100_000), decision(51, "JPY")], True, id="more-in-the-second-currency"),
        pytest.param([decision(1, "EUR")], True, id="a-currency-that-is-not-listed"),
        pytest.param([decision(None)], True, id="no-maximum"),
    ],
)
def test_details_above_a_limit_need_a_recent_login(details: list[AuthorizationDetail], exceeds: bool) -> None:
    assert RULE.exceeded_by(details) is exceeds
    assert RULE.required(details, None, NOON) is exceeds
    assert RULE.required(details, NOON, NOON + timedelta(minutes=5)) is exceeds
    assert not RULE.required(details, NOON, NOON + timedelta(minutes=5) - timedelta(microseconds=1))


def test_empty_text_requires_a_login_for_any_amount() -> None:
    assert StepUp.parse(" ", timedelta(minutes=5)).exceeded_by([decision(1)])


@pytest.mark.parametrize("text", ["1000", "1000.00 XXX", "x CNY", "-1 CNY", "1.234 CNY", "1 CNY 2", "1 CNY, 2 CNY"])
def test_invalid_list_of_amounts_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        StepUp.parse(text, timedelta(minutes=5))
