"""The bike share adapter: the deposit for a ride is waived in full or in part until the bike is returned."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.terms import DepositTerms
from gateway.domain.merchants import Product
from gateway.domain.money import Money
from gateway.domain.policies.column import ColumnKind, Fact
from gateway.domain.policies.table import PolicyResult
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, MerchantAdapter, Person
from merchants.asks.checks import check_amount, check_text
from merchants.asks.fields import ask_field, ask_type
from merchants.policies.tables import load_tables

LONGEST_RIDE = timedelta(days=1)
COLUMNS = {
    "tier": ColumnKind.TIER,
    "open_overdue": ColumnKind.COUNT,
    "open_breaches": ColumnKind.COUNT,
    "starter": ColumnKind.FLAG,
}


@ask_type
class BikeRideAsk:
    """A ride for which the deposit may be waived. The bike must be returned within a day."""

    deposit: Money = ask_field("The deposit you would take without this gateway.")
    bike_id: str = ask_field("Your number for the bike, at most 64 characters.")


def _case(
    name: str,
    deposit: str,
    tier: Tier,
    waived: str | None,
    *reasons: str,
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
) -> GoldenCase[BikeRideAsk]:
    return GoldenCase(
        name=name,
        ask=BikeRideAsk(deposit=Money.parse(deposit, "CNY"), bike_id="bike-5150"),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if waived is None else Approval,
        reasons=reasons,
        exposed=None if waived is None else Money.parse(waived, "CNY"),
    )


class BikeShare(MerchantAdapter[BikeRideAsk]):
    key = "bike_share"
    member = "bikeRide"
    summary = "Waives or reduces the deposit for a ride on a shared bike."
    product = Product.DEPOSIT_WAIVER
    default_purpose = "BIKE_RIDE"
    Ask = BikeRideAsk
    ask_type_name = "BikeRideAsk"
    columns = COLUMNS
    policy, *later = load_tables(Path(__file__).parent, COLUMNS)
    approval_validity = timedelta(hours=1)
    return_grace = timedelta(hours=6)
    golden: ClassVar[tuple[GoldenCase[BikeRideAsk], ...]] = (
        _case("excellent in full", "299.00", Tier.EXCELLENT, "299.00"),
        _case("very good reduced", "299.00", Tier.VERY_GOOD, "239.20", "REDUCED_FOR_TIER"),
        _case("good, half waived", "299.00", Tier.GOOD, "149.50", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", "299.00", Tier.FAIR, "59.80", "REDUCED_FOR_TIER"),
        _case("building, first deposit", "299.00", Tier.BUILDING, "59.80", "STARTER_LIMIT", starter=True),
        _case("unscored, first deposit", "299.00", Tier.UNSCORED, "59.80", "STARTER_LIMIT", starter=True),
        _case(
            "unscored, first deposit capped",
            "2500.00",
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case("building declined", "299.00", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", "299.00", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", "299.00", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", "299.00", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("a cargo bike capped", "2500.00", Tier.EXCELLENT, "1000.00", "AMOUNT_ABOVE_TIER_LIMIT"),
    )

    def check(self, ask: BikeRideAsk, now: datetime) -> None:
        """Raises InvalidInput unless the deposit is a valid amount in the policy's currency and the bike has a
        number."""
        check_amount(ask.deposit, self.policy.currency, "deposit")
        check_text(ask.bike_id, "bikeId")

    def requested_amount(self, ask: BikeRideAsk) -> Money:
        return ask.deposit

    def facts(self, ask: BikeRideAsk, person: Person, now: datetime) -> Mapping[str, Fact]:
        return {
            "tier": person.tier,
            "open_overdue": person.open_overdue,
            "open_breaches": person.open_breaches,
            "starter": person.starter,
        }

    def terms(self, ask: BikeRideAsk, result: PolicyResult, now: datetime) -> DepositTerms:
        waived = self.granted_amount(ask, result)
        return DepositTerms(
            original_deposit=ask.deposit,
            waived_amount=waived,
            deposit_due=ask.deposit - waived,
            return_by=now + LONGEST_RIDE,
            return_grace=self.return_grace,
        )

    def sample_asks(self, now: datetime = SAMPLE_NOW) -> Sequence[BikeRideAsk]:
        return [
            BikeRideAsk(deposit=Money.parse(deposit, "CNY"), bike_id=bike)
            for deposit in ("0.01", "99.00", "299.00", "1000.00", "1000.01", "4000.00")
            for bike in ("bike-5150", "7")
        ]
