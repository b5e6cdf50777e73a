"""The online shop adapter: an order is delivered first and paid later. The whole order is approved or declined."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, MerchantAdapter, Person
from merchants.asks.checks import check_amount, check_length, check_text
from merchants.asks.fields import ask_field, ask_type
from merchants.policies.tables import load_tables

SHORTEST_TERM, LONGEST_TERM = timedelta(hours=1), timedelta(days=90)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
    "amount": ColumnKind.AMOUNT,
    "pay_within": ColumnKind.DURATION,
    "category": ColumnKind.WORD,
}


@ask_type
class OnlineOrderAsk:
    """An order to be delivered first and paid later."""

    amount: Money = ask_field("The price of the order, including delivery.")
    pay_within: timedelta = ask_field("How long the buyer may take to pay, from now: PT1H to P90D.")
    category: str | None = ask_field("Your word for the category of the goods, at most 64 characters.", default=None)


def _case(
    name: str,
    amount: str,
    days: int,
    tier: Tier,
    expects: type[Approval] | type[Decline],
    *reasons: str,
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
) -> GoldenCase[OnlineOrderAsk]:
    order = OnlineOrderAsk(amount=Money.parse(amount, "CNY"), pay_within=timedelta(days=days))
    exposed = order.amount if expects is Approval else None
    return GoldenCase(name, order, Person(tier, overdue, breaches, starter), expects, reasons, exposed)


class OnlineShop(MerchantAdapter[OnlineOrderAsk]):
    key = "online_shop"
    member = "onlineOrder"
    summary = "Lets an online order be delivered first and paid later."
    product = Product.PAY_LATER
    default_purpose = "ONLINE_PURCHASE"
    Ask = OnlineOrderAsk
    ask_type_name = "OnlineOrderAsk"
    columns = COLUMNS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS)
    approval_validity = timedelta(days=1)
    grace_period = timedelta(days=3)
    golden: ClassVar[tuple[GoldenCase[OnlineOrderAsk], ...]] = (
        _case("ordinary", "400.00", 7, Tier.EXCELLENT, Approval),
        _case("excellent up to the limit", "5000.00", 30, Tier.EXCELLENT, Approval),
        _case("excellent above the limit", "5000.01", 30, Tier.EXCELLENT, Decline, "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("excellent for too long", "300.00", 31, Tier.EXCELLENT, Decline, "TERM_TOO_LONG"),
        _case("very good", "3000.00", 30, Tier.VERY_GOOD, Approval),
        _case("good", "1500.00", 14, Tier.GOOD, Approval),
        _case("good for too long", "1500.00", 15, Tier.GOOD, Decline, "TERM_TOO_LONG"),
        _case("fair", "500.00", 7, Tier.FAIR, Approval),
        _case("fair above its limit", "501.00", 7, Tier.FAIR, Decline, "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("building, first order", "200.00", 7, Tier.BUILDING, Approval, starter=True),
        _case("unscored, first order", "200.00", 7, Tier.UNSCORED, Approval, starter=True),
        _case("first order too large", "200.01", 7, Tier.UNSCORED, Decline, "AMOUNT_ABOVE_TIER_LIMIT", starter=True),
        _case("first order for too long", "200.00", 8, Tier.UNSCORED, Decline, "TERM_TOO_LONG", starter=True),
        _case("building declined", "100.00", 7, Tier.BUILDING, Decline, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "100.00", 7, Tier.UNSCORED, Decline, "NOT_SCORED"),
        _case("overdue declined", "100.00", 7, Tier.EXCELLENT, Decline, "OPEN_OVERDUE_OBLIGATION", overdue=2),
        _case("breach declined", "100.00", 7, Tier.EXCELLENT, Decline, "OPEN_BREACH", breaches=1),
    )

    def check(self, ask: OnlineOrderAsk, now: datetime) -> None:
        """Raises InvalidInput unless the amount is in the policy's currency and the term is from 1 hour to 90 days."""
        check_amount(ask.amount, self.policy.currency, "amount")
        check_length(ask.pay_within, SHORTEST_TERM, LONGEST_TERM, "payWithin")
        if ask.category is not None:
            check_text(ask.category, "category")

    def requested_amount(self, ask: OnlineOrderAsk) -> Money:
        return ask.amount

    def facts(self, ask: OnlineOrderAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
            "amount": ask.amount,
            "pay_within": ask.pay_within,
            "category": ask.category or "",
        }

    def terms(self, ask: OnlineOrderAsk, result: PolicyResult, now: datetime) -> PayLaterTerms:
        return PayLaterTerms(
            amount=self.granted_amount(ask, result), due_at=now + ask.pay_within, grace_period=self.grace_period
        )

    def all_or_nothing_reason(self, ask: OnlineOrderAsk) -> str | None:
        return "AMOUNT_ABOVE_TIER_LIMIT"  # a part of an order cannot be delivered

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[OnlineOrderAsk]:
        return [
            OnlineOrderAsk(amount=Money.parse(amount, "CNY"), pay_within=pay_within, category=category)
            for amount in ("9.90", "500.00", "500.01", "2000.00", "4000.00", "5000.00", "5000.01", "80000.00")
            for pay_within in (SHORTEST_TERM, *(timedelta(days=days) for days in (7, 14, 30)), LONGEST_TERM)
            for category in (None, "shoes")
        ]
