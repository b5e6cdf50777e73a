"""The retail store adapter: the contract suite, its point of sale, and shorter terms instead of declines."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.retail_store import RetailStore, StorePurchaseAsk
from merchants.testing import AdapterContract

DAY = timedelta(days=1)
ADAPTER = RetailStore()


class TestRetailStoreContract(AdapterContract):
    adapter = RetailStore


def ask(**changed: Any) -> StorePurchaseAsk:
    usual = StorePurchaseAsk(
        amount=Money.parse("400.00", "CNY"), pay_within=30 * DAY, store_id="store-17", terminal_id="terminal-3"
    )
    return replace(usual, **changed)


def test_ask_has_its_point_of_sale() -> None:
    assert ADAPTER.point_of_sale(ask()) == PointOfSale("store-17", "terminal-3")


@pytest.mark.parametrize(
    ("tier", "days"), [(Tier.EXCELLENT, 30), (Tier.VERY_GOOD, 21), (Tier.GOOD, 14), (Tier.FAIR, 7)]
)
def test_lower_tier_gets_a_shorter_term(tier: Tier, days: int) -> None:
    amount = Money.parse("400.00", "CNY")
    too_long = ADAPTER.decide(ask(pay_within=90 * DAY), Person(tier, 0), NOW).outcome
    in_time = ADAPTER.decide(ask(pay_within=days * DAY), Person(tier, 0), NOW).outcome
    assert isinstance(too_long, Approval)
    assert isinstance(in_time, Approval)
    assert too_long.terms == in_time.terms == PayLaterTerms(amount, NOW + days * DAY, 3 * DAY)
    assert (too_long.reasons, in_time.reasons) == (("TERM_SHORTENED",), ())


def test_partial_purchase_is_declined() -> None:
    outcome = ADAPTER.decide(ask(amount=Money.parse("2000.01", "CNY")), Person(Tier.GOOD, 0), NOW).outcome
    assert outcome == Decline(("AMOUNT_ABOVE_TIER_LIMIT",), NOW, (Product.PAY_LATER,))


@pytest.mark.parametrize(
    ("changed", "code", "field"),
    [
        ({"amount": Money(0, "CNY")}, "INVALID_AMOUNT", ("amount", "amount")),
        ({"pay_within": DAY / 25}, "INVALID", ("payWithin",)),
        ({"pay_within": 90.1 * DAY}, "INVALID", ("payWithin",)),
        ({"store_id": ""}, "INVALID", ("storeId",)),
        ({"terminal_id": "x" * 65}, "INVALID", ("terminalId",)),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(changed: dict[str, Any], code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(ask(**changed), Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)
