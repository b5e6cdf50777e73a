"""Harbour Bikes lends cargo bikes, which are more expensive than shared bikes. It has the asks of the bike share
adapter, its own policy, and messages in the words of its dispatch system."""

from pathlib import Path

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.money import Money
from gateway.domain.scoring.tier import Tier
from merchants.adapter import GoldenCase, Person
from merchants.bike_share.adapter import COLUMNS, BikeRideAsk, BikeShare
from merchants.policies.tables import load_table
from merchants.wire import Signature, Wire


def _case(
    name: str,
    tier: Tier,
    waived: str | None,
    *reasons: str,
    deposit: str = "1500.00",
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
) -> GoldenCase[BikeRideAsk]:
    return GoldenCase(
        name=name,
        ask=BikeRideAsk(deposit=Money.parse(deposit, "CNY"), bike_id="cargo-12"),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if waived is None else Approval,
        reasons=reasons,
        exposed=None if waived is None else Money.parse(waived, "CNY"),
    )


class HarbourBikes(BikeShare):
    key = "harbour_bikes"
    summary = "Waives or reduces the deposit for a cargo bike of Harbour Bikes."
    policy = load_table(Path(__file__).with_name("policy.toml"), COLUMNS)
    wire = Wire(
        names={
            "type": "signal",
            "timestamp": "at",
            "id": "signalNo",
            "decisionId": "clearanceNo",
            "merchantReference": "rideNo",
            "from": "was",
            "to": "is",
            "exposed": "trustedWith",
            "dueAt": "backBy",
        },
        words={
            "DEPOSIT_WAIVER": "free ride",
            "DECISION_APPROVED": "clear to ride",
            "DECISION_DECLINED": "take the deposit",
            "DECISION_CANCELLED": "ride called off",
            "DECISION_EXPIRED": "clearance lapsed",
            "APPROVED": "cleared",
            "DECLINED": "not cleared",
            "ACTIVE": "riding",
            "FULFILLED": "back",
            "BREACHED": "missing",
            "CANCELLED": "called off",
            "EXPIRED": "lapsed",
        },
        signature=Signature.HMAC_SHA256_HEX,
        header="x-harbour-seal",
    )
    golden = (
        _case("excellent in full", Tier.EXCELLENT, "1500.00"),
        _case("very good reduced", Tier.VERY_GOOD, "1050.00", "REDUCED_FOR_TIER"),
        _case("good, half waived", Tier.GOOD, "750.00", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", Tier.FAIR, "300.00", "REDUCED_FOR_TIER"),
        _case(
            "building, first deposit capped",
            Tier.BUILDING,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case(
            "unscored, first deposit capped",
            Tier.UNSCORED,
            "200.00",
            "STARTER_LIMIT",
            "AMOUNT_ABOVE_TIER_LIMIT",
            starter=True,
        ),
        _case("building declined", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
        _case("large deposit capped", Tier.EXCELLENT, "3000.00", "AMOUNT_ABOVE_TIER_LIMIT", deposit="3500.00"),
    )
