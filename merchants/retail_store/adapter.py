"""The retail store adapter: a purchase at a point of sale is paid later. It is approved as a whole, possibly with a
shorter time to pay than asked for."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import PayLaterTerms
from gateway.domain.merchants import PointOfSale, Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import BenefitKind
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
}
BENEFITS = {"longest": BenefitKind.DURATION}


@ask_type
class StorePurchaseAsk:
    """A purchase in a store, taken home now and paid later. If the consent is for one point of sale, the purchase must
    be made there."""

    amount: Money = ask_field(
        "The price of the purchase. If the consent is for one point of sale, exactly the amount in the consent."
    )
    pay_within: timedelta = ask_field(
        "How long the buyer may take to pay, from now: PT1H to P90D. The terms can have a shorter time."
    )
    store_id: str = ask_field("The store, as in the consent, at most 64 characters.")
    terminal_id: str = ask_field("The terminal in the store, as in the consent, at most 64 characters.")


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
) -> GoldenCase[StorePurchaseAsk]:
    purchase = StorePurchaseAsk(
        amount=Money.parse(amount, "CNY"),
        pay_within=timedelta(days=days),
        store_id="store-17",
        terminal_id="terminal-3",
    )
    exposed = purchase.amount if expects is Approval else None
    return GoldenCase(name, purchase, Person(tier, overdue, breaches, starter), expects, reasons, exposed)


class RetailStore(MerchantAdapter[StorePurchaseAsk]):
    key = "retail_store"
    member = "storePurchase"
    summary = "Lets a purchase in a store be taken home now and paid later."
    product = Product.PAY_LATER
    default_purpose = "STORE_PURCHASE"
    Ask = StorePurchaseAsk
    ask_type_name = "StorePurchaseAsk"
    columns = COLUMNS
    benefits = BENEFITS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS, BENEFITS)
    approval_validity = timedelta(hours=1)
    grace_period = timedelta(days=3)
    own_reasons = frozenset({"TERM_SHORTENED"})
    golden: ClassVar[tuple[GoldenCase[StorePurchaseAsk], ...]] = (
        _case("ordinary", "400.00", 30, Tier.EXCELLENT, Approval),
        _case("excellent for too long", "400.00", 31, Tier.EXCELLENT, Approval, "TERM_SHORTENED"),
        _case("excellent above the limit", "5000.01", 30, Tier.EXCELLENT, Decline, "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("very good, sooner", "400.00", 30, Tier.VERY_GOOD, Approval, "TERM_SHORTENED"),
        _case("good, sooner", "400.00", 30, Tier.GOOD, Approval, "TERM_SHORTENED"),
        _case("fair, sooner", "400.00", 30, Tier.FAIR, Approval, "TERM_SHORTENED"),
        _case("fair for a week", "500.00", 7, Tier.FAIR, Approval),
        _case("fair above its limit", "500.01", 7, Tier.FAIR, Decline, "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("building, first purchase", "200.00", 7, Tier.BUILDING, Approval, starter=True),
        _case("first purchase, sooner", "200.00", 30, Tier.UNSCORED, Approval, "TERM_SHORTENED", starter=True),
        _case("first purchase too large", "200.01", 7, Tier.UNSCORED, Decline, "AMOUNT_ABOVE_TIER_LIMIT", starter=True),
        _case("building declined", "100.00", 7, Tier.BUILDING, Decline, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "100.00", 7, Tier.UNSCORED, Decline, "NOT_SCORED"),
        _case("overdue declined", "100.00", 7, Tier.EXCELLENT, Decline, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "100.00", 7, Tier.EXCELLENT, Decline, "OPEN_BREACH", breaches=1),
    )

    def check(self, ask: StorePurchaseAsk, now: datetime) -> None:
        """Raises InvalidInput unless the amount is in the policy's currency, the term is from 1 hour to 90 days, and
        store and terminal are named."""
        check_amount(ask.amount, self.policy.currency, "amount")
        check_length(ask.pay_within, SHORTEST_TERM, LONGEST_TERM, "payWithin")
        check_text(ask.store_id, "storeId")
        check_text(ask.terminal_id, "terminalId")

    def requested_amount(self, ask: StorePurchaseAsk) -> Money:
        return ask.amount

    def point_of_sale(self, ask: StorePurchaseAsk) -> PointOfSale:
        return PointOfSale(ask.store_id, ask.terminal_id)

    def facts(self, ask: StorePurchaseAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
            "amount": ask.amount,
        }

    def reduced_terms_reasons(self, ask: StorePurchaseAsk, result: PolicyResult) -> tuple[str, ...]:
        return ("TERM_SHORTENED",) if result.length("longest") < ask.pay_within else ()

    def terms(self, ask: StorePurchaseAsk, result: PolicyResult, now: datetime) -> PayLaterTerms:
        return PayLaterTerms(
            amount=self.granted_amount(ask, result),
            due_at=now + min(ask.pay_within, result.length("longest")),
            grace_period=self.grace_period,
        )

    def all_or_nothing_reason(self, ask: StorePurchaseAsk) -> str | None:
        return "AMOUNT_ABOVE_TIER_LIMIT"  # a part of a purchase cannot be handed over

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[StorePurchaseAsk]:
        return [
            StorePurchaseAsk(
                amount=Money.parse(amount, "CNY"), pay_within=pay_within, store_id="store-17", terminal_id="terminal-3"
            )
            for amount in ("9.90", "500.00", "500.01", "2000.00", "4000.00", "5000.00", "5000.01", "80000.00")
            for pay_within in (SHORTEST_TERM, *(timedelta(days=days) for days in (7, 14, 21, 30)), LONGEST_TERM)
        ]
