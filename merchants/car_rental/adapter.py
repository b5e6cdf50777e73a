"""The car rental adapter: the deposit for a car is waived in full or in part until the car is returned."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, MerchantAdapter, Person
from merchants.asks.checks import check_amount, check_period
from merchants.asks.fields import ask_field, ask_type
from merchants.policies.tables import load_tables

LONGEST_RENTAL = timedelta(days=90)
FURTHEST_START = timedelta(days=365)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
    "deposit": ColumnKind.AMOUNT,
    "vehicle_value": ColumnKind.AMOUNT,
    "rental": ColumnKind.DURATION,
}


@ask_type
class CarRentalAsk:
    """A rental for which the deposit may be waived."""

    deposit: Money = ask_field("The deposit you would take without this gateway.")
    vehicle_value: Money = ask_field("The value of the car: at least the deposit, and in the same currency.")
    rental: Period = ask_field("From pick-up to return, at most 90 days, starting within a year.")
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
) -> GoldenCase[CarRentalAsk]:
    return GoldenCase(
        name=name,
        ask=CarRentalAsk(
            deposit=Money.parse(deposit, "CNY"),
            vehicle_value=Money.parse("180000.00", "CNY"),
            rental=Period(SAMPLE_NOW + timedelta(days=1), SAMPLE_NOW + timedelta(days=4)),
        ),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if waived is None else Approval,
        reasons=reasons,
        exposed=None if waived is None else Money.parse(waived, "CNY"),
    )


class CarRental(MerchantAdapter[CarRentalAsk]):
    key = "car_rental"
    member = "carRental"
    summary = "Waives or reduces the deposit for a rental car."
    product = Product.DEPOSIT_WAIVER
    default_purpose = "CAR_RENTAL"
    Ask = CarRentalAsk
    ask_type_name = "CarRentalAsk"
    columns = COLUMNS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS)
    approval_validity = timedelta(days=7)
    return_grace = timedelta(days=1)
    own_reasons = frozenset({"REDUCTION_NOT_ACCEPTED"})
    golden: ClassVar[tuple[GoldenCase[CarRentalAsk], ...]] = (
        _case("excellent in full", "3000.00", Tier.EXCELLENT, "3000.00"),
        _case("very good reduced", "3000.00", Tier.VERY_GOOD, "2100.00", "REDUCED_FOR_TIER"),
        _case("good, half waived", "3000.00", Tier.GOOD, "1500.00", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", "3000.00", Tier.FAIR, "600.00", "REDUCED_FOR_TIER"),
        _case("building, first deposit", "1000.00", Tier.BUILDING, "200.00", "STARTER_LIMIT", starter=True),
        _case("unscored, first deposit", "1000.00", Tier.UNSCORED, "200.00", "STARTER_LIMIT", starter=True),
        _case(
            "unscored, first deposit capped",
            "3000.00",
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case("building declined", "3000.00", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "3000.00", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", "3000.00", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "3000.00", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("large deposit capped", "20000.00", Tier.EXCELLENT, "10000.00", "AMOUNT_ABOVE_TIER_LIMIT"),
        _case(
            "large deposit reduced and capped",
            "20000.00",
            Tier.GOOD,
            "5000.00",
            "REDUCED_FOR_TIER",
            "AMOUNT_ABOVE_TIER_LIMIT",
        ),
    )

    def check(self, ask: CarRentalAsk, now: datetime) -> None:
        """Raises InvalidInput unless the amounts are in the policy's currency, the car is worth at least the deposit,
        and the rental is at most LONGEST_RENTAL long and starts within FURTHEST_START."""
        check_amount(ask.deposit, self.policy.currency, "deposit")
        check_amount(ask.vehicle_value, self.policy.currency, "vehicleValue")
        if ask.vehicle_value < ask.deposit:
            raise InvalidInput("INVALID_AMOUNT", "must be at least the deposit", ("vehicleValue", "amount"))
        check_period(ask.rental, now, FURTHEST_START, LONGEST_RENTAL, "rental")

    def requested_amount(self, ask: CarRentalAsk) -> Money:
        return ask.deposit

    def facts(self, ask: CarRentalAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
            "deposit": ask.deposit,
            "vehicle_value": ask.vehicle_value,
            "rental": ask.rental.length,
        }

    def terms(self, ask: CarRentalAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        waived = self.granted_amount(ask, result)
        return DepositTerms(
            original_deposit=ask.deposit,
            waived_amount=waived,
            deposit_due=ask.deposit - waived,
            return_by=ask.rental.end,
            return_grace=self.return_grace,
        )

    def all_or_nothing_reason(self, ask: CarRentalAsk) -> str | None:
        return None if ask.accept_reduction else "REDUCTION_NOT_ACCEPTED"

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[CarRentalAsk]:
        return [
            CarRentalAsk(
                deposit=Money.parse(deposit, "CNY"),
                vehicle_value=Money.parse("300000.00", "CNY"),
                rental=Period(now + timedelta(days=1), now + timedelta(days=1 + days)),
                accept_reduction=accept,
            )
            for deposit in ("200.00", "1999.99", "3000.00", "10000.00", "10000.01", "25000.00", "300000.00")
            for days in (1, 30, 90)
            for accept in (True, False)
        ]
