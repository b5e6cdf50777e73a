"""The housing adapter: the deposit for a home is waived in full or in part until the lease ends.

The policy caps the waiver in months of rent, the usual unit of such deposits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.policies.benefit import BenefitKind
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, MerchantAdapter, Person
from merchants.asks.checks import check_amount, check_period
from merchants.asks.fields import ask_field, ask_type
from merchants.policies.tables import load_tables

LONGEST_LEASE = timedelta(days=1096)
FURTHEST_START = timedelta(days=60)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
}
BENEFITS = {"months": BenefitKind.NUMBER}


@ask_type
class HouseRentalAsk:
    """A lease for which the deposit may be waived."""

    deposit: Money = ask_field("The deposit you would take without this gateway.")
    monthly_rent: Money = ask_field("The rent of a month, in the same currency. Waivers are capped in months of rent.")
    lease: Period = ask_field("From moving in to moving out, at most 1096 days, starting within 60 days.")
    accept_reduction: bool = ask_field(
        "Whether you accept a partial waiver. If false, the request is declined unless the whole deposit is waived.",
        default=True,
    )


def _case(
    name: str,
    deposit: str,
    tier: Tier,
    waived: str | None,
    *reasons: str,
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
    rent: str = "4000.00",
) -> GoldenCase[HouseRentalAsk]:
    return GoldenCase(
        name=name,
        ask=HouseRentalAsk(
            deposit=Money.parse(deposit, "CNY"),
            monthly_rent=Money.parse(rent, "CNY"),
            lease=Period(SAMPLE_NOW + timedelta(days=7), SAMPLE_NOW + timedelta(days=372)),
        ),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if waived is None else Approval,
        reasons=reasons,
        exposed=None if waived is None else Money.parse(waived, "CNY"),
    )


class Housing(MerchantAdapter[HouseRentalAsk]):
    key = "housing"
    member = "houseRental"
    summary = "Waives or reduces the deposit for a rented home."
    product = Product.DEPOSIT_WAIVER
    default_purpose = "HOUSE_RENTAL"
    Ask = HouseRentalAsk
    ask_type_name = "HouseRentalAsk"
    columns = COLUMNS
    benefits = BENEFITS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS, BENEFITS)
    approval_validity = FURTHEST_START + timedelta(days=1)
    return_grace = timedelta(days=7)
    own_reasons = frozenset({"REDUCTION_NOT_ACCEPTED"})
    golden: ClassVar[tuple[GoldenCase[HouseRentalAsk], ...]] = (
        _case("excellent in full", "8000.00", Tier.EXCELLENT, "8000.00"),
        _case("very good reduced", "8000.00", Tier.VERY_GOOD, "5600.00", "REDUCED_FOR_TIER"),
        _case("good, half waived", "8000.00", Tier.GOOD, "4000.00", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", "8000.00", Tier.FAIR, "1600.00", "REDUCED_FOR_TIER"),
        _case("building, first deposit", "1000.00", Tier.BUILDING, "200.00", "STARTER_LIMIT", starter=True),
        _case("unscored, first deposit", "1000.00", Tier.UNSCORED, "200.00", "STARTER_LIMIT", starter=True),
        _case(
            "unscored, first deposit capped",
            "8000.00",
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case("building declined", "8000.00", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "8000.00", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", "8000.00", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "8000.00", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("capped at three months", "16000.00", Tier.EXCELLENT, "12000.00", "AMOUNT_ABOVE_TIER_LIMIT"),
        _case(
            "fair, capped at half a month",
            "12000.00",
            Tier.FAIR,
            "2000.00",
            "REDUCED_FOR_TIER",
            "AMOUNT_ABOVE_TIER_LIMIT",
        ),
        _case(
            "large deposit capped", "60000.00", Tier.EXCELLENT, "30000.00", "AMOUNT_ABOVE_TIER_LIMIT", rent="30000.00"
        ),
    )

    def check(self, ask: HouseRentalAsk, now: datetime) -> None:
        """Raises InvalidInput unless the amounts are in the policy's currency, and the lease is at most LONGEST_LEASE
        long and starts within FURTHEST_START."""
        check_amount(ask.deposit, self.policy.currency, "deposit")
        check_amount(ask.monthly_rent, self.policy.currency, "monthlyRent")
        check_period(ask.lease, now, FURTHEST_START, LONGEST_LEASE, "lease")

    def requested_amount(self, ask: HouseRentalAsk) -> Money:
        return ask.deposit

    def facts(self, ask: HouseRentalAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
        }

    def maximum_amount(self, ask: HouseRentalAsk, result: PolicyResult) -> Money | None:
        rents = Money(int(ask.monthly_rent.minor * result.number("months")), ask.monthly_rent.currency)
        return rents if result.maximum is None else min(rents, result.maximum)

    def terms(self, ask: HouseRentalAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        waived = self.granted_amount(ask, result)
        return DepositTerms(
            original_deposit=ask.deposit,
            waived_amount=waived,
            deposit_due=ask.deposit - waived,
            return_by=ask.lease.end,
            return_grace=self.return_grace,
        )

    def all_or_nothing_reason(self, ask: HouseRentalAsk) -> str | None:
        return None if ask.accept_reduction else "REDUCTION_NOT_ACCEPTED"

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[HouseRentalAsk]:
        return [
            HouseRentalAsk(
                deposit=Money.parse(deposit, "CNY"),
                monthly_rent=Money.parse(rent, "CNY"),
                lease=Period(now + timedelta(days=7), now + timedelta(days=7 + days)),
                accept_reduction=accept,
            )
            for deposit in ("1000.00", "4000.00", "8000.00", "12000.00", "12000.01", "30000.00", "90000.00")
            for rent in ("1999.99", "4000.00", "20000.00")
            for days in (30, 365)
            for accept in (True, False)
        ]
