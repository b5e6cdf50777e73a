"""The lender adapter: a credit limit, a term, and a discount on the lender's own base rate.

The purpose of the loan is recorded in the lender's words. The policy does not test it, so it does not affect the
decision. The purpose of the consent is LENDING.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.credit_offer import CreditOfferTerms
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, MerchantAdapter, Person
from merchants.asks.checks import check_amount, check_length, check_text
from merchants.asks.fields import ask_field, ask_type
from merchants.policies.tables import load_tables

SHORTEST_TERM, LONGEST_TERM = timedelta(days=7), timedelta(days=1827)
SMALLEST_LIMIT = "100"
HIGHEST_RATE = Decimal(100)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
}
BENEFITS = {"longest": BenefitKind.DURATION, "discount": BenefitKind.NUMBER}


@ask_type
class CreditOfferAsk:
    """A credit limit that may be granted, with a discount on your own rate."""

    desired_limit: Money = ask_field("The credit limit that the customer wants, at least 100.00.")
    term: timedelta = ask_field("How long the credit lasts, P7D to P1827D. The terms can have a shorter time.")
    base_apr_percent: Decimal = ask_field("Your yearly rate without this gateway in percent, above 0 and at most 100.")
    purpose: str = ask_field(
        "What the loan is for, in your own words. It is recorded and does not affect the decision."
    )


def _case(
    name: str,
    limit: str,
    days: int,
    tier: Tier,
    granted: str | None,
    *reasons: str,
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
) -> GoldenCase[CreditOfferAsk]:
    return GoldenCase(
        name=name,
        ask=CreditOfferAsk(
            desired_limit=Money.parse(limit, "CNY"),
            term=timedelta(days=days),
            base_apr_percent=Decimal("12.00"),
            purpose="a new kitchen",
        ),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if granted is None else Approval,
        reasons=reasons,
        exposed=None if granted is None else Money.parse(granted, "CNY"),
    )


class Lender(MerchantAdapter[CreditOfferAsk]):
    key = "lender"
    member = "creditOffer"
    summary = "Offers a credit limit and a discount on the lender's own base rate."
    product = Product.CREDIT_OFFER
    default_purpose = "LENDING"
    Ask = CreditOfferAsk
    ask_type_name = "CreditOfferAsk"
    columns = COLUMNS
    benefits = BENEFITS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS, BENEFITS)
    approval_validity = timedelta(days=14)
    grace_period = timedelta(days=3)
    own_reasons = frozenset({"TERM_SHORTENED"})
    golden: ClassVar[tuple[GoldenCase[CreditOfferAsk], ...]] = (
        _case("excellent in full", "10000.00", 365, Tier.EXCELLENT, "10000.00"),
        _case("very good reduced", "10000.00", 365, Tier.VERY_GOOD, "8000.00", "REDUCED_FOR_TIER"),
        _case("good, half granted", "10000.00", 365, Tier.GOOD, "5000.00", "REDUCED_FOR_TIER"),
        _case(
            "fair, a fifth granted for 180 days",
            "10000.00",
            365,
            Tier.FAIR,
            "2000.00",
            "REDUCED_FOR_TIER",
            "TERM_SHORTENED",
        ),
        _case("building, first limit", "1000.00", 180, Tier.BUILDING, "200.00", "STARTER_LIMIT", starter=True),
        _case("unscored, first limit", "1000.00", 180, Tier.UNSCORED, "200.00", "STARTER_LIMIT", starter=True),
        _case(
            "unscored, first limit capped",
            "10000.00",
            365,
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            "TERM_SHORTENED",
            starter=True,
        ),
        _case("building declined", "10000.00", 365, Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "10000.00", 365, Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", "10000.00", 365, Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "10000.00", 365, Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("large limit capped", "50000.00", 365, Tier.EXCELLENT, "30000.00", "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("long term shortened", "10000.00", 1825, Tier.EXCELLENT, "10000.00", "TERM_SHORTENED"),
    )

    def check(self, ask: CreditOfferAsk, now: datetime) -> None:
        """Raises InvalidInput unless the limit is at least 100 in the policy's currency, the term is from 7 days to 5
        years, the rate is above 0 and at most 100 percent, and the purpose has text."""
        check_amount(ask.desired_limit, self.policy.currency, "desiredLimit")
        least = Money.parse(SMALLEST_LIMIT, self.policy.currency)  # minor units depend on the currency
        if ask.desired_limit < least:
            raise InvalidInput("INVALID_AMOUNT", f"must be at least {least.amount}", ("desiredLimit", "amount"))
        check_length(ask.term, SHORTEST_TERM, LONGEST_TERM, "term")
        if not 0 < ask.base_apr_percent <= HIGHEST_RATE or ask.base_apr_percent != round(ask.base_apr_percent, 4):
            message = "must be above 0 and at most 100 percent, with at most four decimals"
            raise InvalidInput("INVALID", message, ("baseAprPercent",))
        check_text(ask.purpose, "purpose")

    def requested_amount(self, ask: CreditOfferAsk) -> Money:
        return ask.desired_limit

    def facts(self, ask: CreditOfferAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
        }

    def reduced_terms_reasons(self, ask: CreditOfferAsk, result: PolicyResult) -> tuple[str, ...]:
        return ("TERM_SHORTENED",) if result.length("longest") < ask.term else ()

    def terms(self, ask: CreditOfferAsk, result: PolicyResult, now: datetime) -> CreditOfferTerms:
        discount = min(result.number("discount"), ask.base_apr_percent)  # the rate never becomes negative
        term = min(ask.term, result.length("longest"))
        return CreditOfferTerms(
            limit=self.granted_amount(ask, result),
            base_apr_percent=ask.base_apr_percent,
            apr_percent=ask.base_apr_percent - discount,
            discount_percent=discount,
            term=term,
            due_at=now + term,
            grace_period=self.grace_period,
        )

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[CreditOfferAsk]:
        return [
            CreditOfferAsk(
                desired_limit=Money.parse(limit, "CNY"),
                term=timedelta(days=days),
                base_apr_percent=Decimal(rate),
                purpose="a new kitchen",
            )
            for limit in ("100.00", "3000.00", "10000.00", "15000.00", "30000.00", "30000.01", "200000.00")
            for days in (7, 180, 365, 1827)
            for rate in ("0.10", "1.00", "12.00", "35.9999")
        ]
