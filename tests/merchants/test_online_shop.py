"""The online shop adapter: the contract suite, its terms and limits, and no partial approvals."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW as NOW
from merchants.adapter import Person
from merchants.online_shop import OnlineOrderAsk, OnlineShop
from merchants.policies.tables import read_table
from merchants.testing import AdapterContract

DAY = timedelta(days=1)
ADAPTER = OnlineShop()


class TestOnlineShopContract(AdapterContract):
    adapter = OnlineShop


def ask(amount: str = "300.00", days: float = 7, category: str | None = None) -> OnlineOrderAsk:
    return OnlineOrderAsk(amount=Money.parse(amount, "CNY"), pay_within=days * DAY, category=category)


def test_order_is_due_at_the_requested_time() -> None:
    outcome = ADAPTER.decide(ask(days=14), Person(Tier.GOOD, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert outcome.terms == PayLaterTerms(Money.parse("300.00", "CNY"), NOW + 14 * DAY, 3 * DAY)
    assert outcome.valid_until == NOW + DAY


def test_approval_ends_with_a_short_term() -> None:
    outcome = ADAPTER.decide(ask(days=1 / 24), Person(Tier.EXCELLENT, 0), NOW).outcome
    assert isinstance(outcome, Approval)
    assert outcome.valid_until == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("tier", "amount", "days"),
    [
        (Tier.EXCELLENT, "5000.00", 30),
        (Tier.VERY_GOOD, "4000.00", 30),
        (Tier.GOOD, "2000.00", 14),
        (Tier.FAIR, "500.00", 7),
    ],
)
def test_amount_and_term_limits_of_each_tier(tier: Tier, amount: str, days: int) -> None:
    person, limit = Person(tier, 0), Money.parse(amount, "CNY")
    assert isinstance(ADAPTER.decide(ask(amount, days), person, NOW).outcome, Approval)
    too_long = ADAPTER.decide(ask(amount, days + 1 / 24), person, NOW).outcome
    assert too_long == Decline(("TERM_TOO_LONG",), NOW, (Product.PAY_LATER,))
    too_much = ADAPTER.decide(ask((limit + Money(1, "CNY")).amount, days), person, NOW).outcome
    assert too_much == Decline(("AMOUNT_ABOVE_TIER_LIMIT",), NOW, (Product.PAY_LATER,))


@pytest.mark.parametrize(
    ("this", "code", "field"),
    [
        (ask("0"), "INVALID_AMOUNT", ("amount", "amount")),
        (OnlineOrderAsk(amount=Money(100, "USD"), pay_within=DAY), "UNSUPPORTED_CURRENCY", ("amount", "currency")),
        (ask(days=1 / 25), "INVALID", ("payWithin",)),
        (ask(days=90.1), "INVALID", ("payWithin",)),
        (ask(category=""), "INVALID", ("category",)),
        (ask(category="  "), "INVALID", ("category",)),
        (ask(category="x" * 65), "INVALID", ("category",)),
    ],
)
def test_invalid_ask_is_rejected_with_its_field(this: OnlineOrderAsk, code: str, field: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        ADAPTER.decide(this, Person(Tier.EXCELLENT, 0), NOW)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_partial_order_is_declined() -> None:
    class Halving(OnlineShop):
        policy = read_table(
            """
            policy = "halving"
            version = "1"
            effective = 2026-11-01
            currency = "CNY"
            [[rule]]
            id = "half"
            approve = { share = 50, reasons = ["REDUCED_FOR_TIER"] }
            """,
            OnlineShop.columns,
            "halving.toml",
        )

    result = Halving().decide(ask(), Person(Tier.EXCELLENT, 0), NOW)
    assert result.outcome == Decline(("AMOUNT_ABOVE_TIER_LIMIT",), NOW, (Product.PAY_LATER,))
    assert result.policy_result.share == 50


def test_document_has_the_category() -> None:
    document: dict[str, Any] = ADAPTER.ask_document(ask(category="shoes"))
    assert document == {"amount": {"amount": "300.00", "currency": "CNY"}, "payWithin": "P7D", "category": "shoes"}
