"""Lotus Hotels, a hotel chain. It has the asks of the hotel adapter, its own policy, and messages in the words of its
booking system."""

from datetime import timedelta
from pathlib import Path

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.money import Money
from gateway.domain.period import Period
from gateway.domain.scoring.tier import Tier
from merchants.adapter import SAMPLE_NOW, GoldenCase, Person
from merchants.hotel.adapter import BENEFITS, COLUMNS, Hotel, HotelStayAsk
from merchants.policies.tables import load_table
from merchants.wire import Signature, Wire


def _case(
    name: str,
    tier: Tier,
    exposed: str | None,
    *reasons: str,
    rate: str = "600.00",
    overdue: int = 0,
    breaches: int = 0,
    starter: bool = False,
) -> GoldenCase[HotelStayAsk]:
    return GoldenCase(
        name=name,
        ask=HotelStayAsk(
            deposit=Money.parse("1000.00", "CNY"),
            room_rate=Money.parse(rate, "CNY"),
            stay=Period(SAMPLE_NOW + timedelta(days=1), SAMPLE_NOW + timedelta(days=3)),
        ),
        person=Person(tier, overdue, breaches, starter),
        expects=Decline if exposed is None else Approval,
        reasons=reasons,
        exposed=None if exposed is None else Money.parse(exposed, "CNY"),
    )


class LotusHotels(Hotel):
    key = "lotus_hotels"
    summary = "Waives or reduces the deposit at Lotus Hotels. From VERY_GOOD upward, short stays are paid at check-out."
    policy = load_table(Path(__file__).with_name("policy.toml"), COLUMNS, BENEFITS)
    wire = Wire(
        names={
            "type": "event_name",
            "timestamp": "sent_at",
            "id": "event_no",
            "decisionId": "guarantee_no",
            "merchantReference": "booking_no",
            "product": "service",
            "from": "old_state",
            "to": "new_state",
            "exposed": "guaranteed",
            "dueAt": "checks_out_at",
        },
        words={
            "EXPRESS_CHECK_IN": "lotus-express",
            "DECISION_PENDING": "guarantee.pending",
            "DECISION_APPROVED": "guarantee.given",
            "DECISION_DECLINED": "guarantee.refused",
            "DECISION_CANCELLED": "guarantee.released",
            "DECISION_EXPIRED": "guarantee.lapsed",
            "APPROVED": "GUARANTEED",
            "DECLINED": "REFUSED",
            "ACTIVE": "IN HOUSE",
            "FULFILLED": "CHECKED OUT",
            "BREACHED": "BALANCE OPEN",
            "CANCELLED": "RELEASED",
        },
        signature=Signature.HMAC_SHA256_HEX,
        header="lotus-signature",
    )
    golden = (
        _case("excellent in full", Tier.EXCELLENT, "2200.00"),
        _case("very good, a short stay", Tier.VERY_GOOD, "2200.00", "REDUCED_FOR_TIER"),
        _case("very good, an expensive room", Tier.VERY_GOOD, "1000.00", "REDUCED_FOR_TIER", rate="1500.01"),
        _case("good, half waived", Tier.GOOD, "500.00", "REDUCED_FOR_TIER"),
        _case("fair, a fifth waived", Tier.FAIR, "200.00", "REDUCED_FOR_TIER"),
        _case("building, first deposit", Tier.BUILDING, "200.00", "STARTER_LIMIT", starter=True),
        _case("unscored, first deposit", Tier.UNSCORED, "200.00", "STARTER_LIMIT", starter=True),
        _case("building declined", Tier.BUILDING, None, "TIER_BELOW_REQUIRED"),
        _case("unscored declined", Tier.UNSCORED, None, "NOT_SCORED"),
        _case("overdue declined", Tier.EXCELLENT, None, "OPEN_OVERDUE_OBLIGATION", overdue=1),
        _case("breach declined", Tier.EXCELLENT, None, "OPEN_BREACH", breaches=1),
    )
