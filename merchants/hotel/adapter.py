"""The hotel adapter: the deposit is waived in full or in part. The top tier also skips the front desk and pays at
check-out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.check_in import CheckInTerms
from gateway.domain.decisions.outcome import Approval, Decline
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

LONGEST_STAY = timedelta(days=60)
FURTHEST_START = timedelta(days=90)
NIGHT = timedelta(days=1)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
    "room_charge": ColumnKind.AMOUNT,
}
BENEFITS = {"pay_at_check_out": BenefitKind.FLAG, "skip_front_desk": BenefitKind.FLAG}


@ask_type
class HotelStayAsk:
    """A stay for which the deposit may be waived and the price may be paid at check-out."""

    deposit: Money = ask_field("The deposit you would take on arrival without this gateway.")
    room_rate: Money = ask_field("The price of a night, in the same currency. Each started day of the stay is a night.")
    stay: Period = ask_field("From check-in to check-out, at most 60 days, starting within 90 days.")

    @property
    def room_charge(self) -> Money:
        """The price of the whole stay."""
        nights = -(-self.stay.length // NIGHT)
        return Money(self.room_rate.minor * nights, self.room_rate.currency)


def _case(
    name: str,
    deposit: str,
    tier: Tier,
    exposed: str | None,
    *reasons: str,
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
    rate: str = "500.00",
) -> GoldenCase[HotelStayAsk]:
    return GoldenCase(
        name=name,
        ask=HotelStayAsk(
            deposit=Money.parse(deposit, "CNY"),
            room_rate=Money.parse(rate, "CNY"),
            stay=Period(SAMPLE_NOW + timedelta(days=1), SAMPLE_NOW + timedelta(days=3, hours=-2)),
        ),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if exposed is None else Approval,
        reasons=reasons,
        exposed=None if exposed is None else Money.parse(exposed, "CNY"),
    )


class Hotel(MerchantAdapter[HotelStayAsk]):
    key = "hotel"
    member = "hotelStay"
    summary = "Waives or reduces a hotel's deposit, with express check-in and payment at check-out at the top tier."
    product = Product.EXPRESS_CHECK_IN
    default_purpose = "HOTEL_STAY"
    Ask = HotelStayAsk
    ask_type_name = "HotelStayAsk"
    columns = COLUMNS
    benefits = BENEFITS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS, BENEFITS)
    approval_validity = FURTHEST_START + timedelta(days=1)
    grace_period = timedelta(days=1)
    golden: ClassVar[tuple[GoldenCase[HotelStayAsk], ...]] = (
        _case("excellent in full, two nights", "800.00", Tier.EXCELLENT, "1800.00"),
        _case("very good pays on arrival", "800.00", Tier.VERY_GOOD, "800.00", "REDUCED_FOR_TIER"),
        _case("good, half waived", "800.00", Tier.GOOD, "400.00", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", "800.00", Tier.FAIR, "160.00", "REDUCED_FOR_TIER"),
        _case("building, first deposit", "800.00", Tier.BUILDING, "160.00", "STARTER_LIMIT", starter=True),
        _case("unscored, first deposit", "800.00", Tier.UNSCORED, "160.00", "STARTER_LIMIT", starter=True),
        _case(
            "unscored, first deposit capped",
            "1500.00",
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case("building declined", "800.00", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "800.00", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", "800.00", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "800.00", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("large deposit capped", "6000.00", Tier.EXCELLENT, "6000.00", "AMOUNT_ABOVE_TIER_LIMIT"),
        _case("expensive stay", "5000.00", Tier.EXCELLENT, "5000.00", "AMOUNT_ABOVE_TIER_LIMIT", rate="7500.01"),
    )

    def check(self, ask: HotelStayAsk, now: datetime) -> None:
        """Raises InvalidInput unless the amounts are in the policy's currency, and the stay is at most LONGEST_STAY
        long and starts within FURTHEST_START."""
        check_amount(ask.deposit, self.policy.currency, "deposit")
        check_amount(ask.room_rate, self.policy.currency, "roomRate")
        check_period(ask.stay, now, FURTHEST_START, LONGEST_STAY, "stay")
        check_amount(self.requested_amount(ask), self.policy.currency, "roomRate")

    def requested_amount(self, ask: HotelStayAsk) -> Money:
        return ask.deposit + ask.room_charge

    def divisible_amount(self, ask: HotelStayAsk) -> Money:
        return ask.deposit

    def facts(self, ask: HotelStayAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
            "room_charge": ask.room_charge,
        }

    def terms(self, ask: HotelStayAsk, result: PolicyResult, now: datetime) -> CheckInTerms:
        waived = self.granted_amount(ask, result)
        due = ask.deposit - waived
        return CheckInTerms(
            stay=ask.stay,
            room_charge=ask.room_charge,
            waived_amount=waived,
            deposit_due=due,
            incidentals_limit=waived,
            skip_front_desk=result.flag("skip_front_desk") and not due.minor,
            pay_at_check_out=result.flag("pay_at_check_out"),
            grace_period=self.grace_period,
        )

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[HotelStayAsk]:
        return [
            HotelStayAsk(
                deposit=Money.parse(deposit, "CNY"),
                room_rate=Money.parse(rate, "CNY"),
                stay=Period(now + timedelta(days=1), now + timedelta(days=1 + days)),
            )
            for deposit in ("100.00", "800.00", "3000.00", "5000.00", "5000.01", "20000.00")
            for rate in ("300.00", "1500.00", "5000.01")
            for days in (1, 10, 60)
        ]
