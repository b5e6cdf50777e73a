"""The personas and the behaviour records from which the scorecard computes their scores."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.domain.money import Money
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime

_PARTNERS = ("city-rentals", "north-hotels", "river-bikes", "old-town-flats", "plaza-stores")
"""The names of the partners that reported the records. No merchant of the sandbox has them, so the records do not use
up what a merchant's own records can add."""
_AMOUNT = Money(30_000, "CNY")
_LAST_DAY = 28  # every month has it


@dataclass(frozen=True, slots=True)
class PersonaBlueprint:
    """A persona as new: its name, its score and the records behind it.

    `shop_months` and `bill_months` are assessed months of 12. `rentals` and `payments` are kept obligations; they are
    spread evenly over `partners` and over the last `months` months. `late` and `overdue` are numbers of obligations.
    """

    handle: str
    score: int | None
    summary: str
    identity: RecordKind
    rentals: int
    payments: int
    partners: int
    months: int
    shop_months: int = 0
    bill_months: int = 0
    late: int = 0
    overdue: int = 0

    def records(self, prefix: str, now: BusinessTime) -> Iterator[BehaviourRecord]:
        """Yields the records as of `now`. Their ids begin with `prefix`. None is older than 11 months, so the score
        does not age within the first year."""
        for number in range(self.rentals + self.payments):
            is_rental = number < self.rentals
            yield BehaviourRecord(
                id=f"{prefix}-kept-{number}",
                dimension=Dimension.FULFILMENT if is_rental else Dimension.CREDIT_HISTORY,
                kind=RecordKind.KEPT,
                partner=_PARTNERS[number % self.partners],
                at=_months_before(now, number % self.months),
                amount=_AMOUNT,
            )
        for kind, count in ((RecordKind.LATE, self.late), (RecordKind.OVERDUE, self.overdue)):
            for number in range(count):
                yield BehaviourRecord(
                    id=f"{prefix}-{kind.lower()}-{number}",
                    dimension=Dimension.FULFILMENT,
                    kind=kind,
                    partner=_PARTNERS[0],
                    at=_months_before(now, 1),
                    amount=_AMOUNT,
                )
        yield BehaviourRecord(
            id=f"{prefix}-identity",
            dimension=Dimension.IDENTITY,
            kind=self.identity,
            partner=_PARTNERS[0],
            at=_months_before(now, self.months),
        )
        assessed = ((Dimension.SHOPPING, self.shop_months), (Dimension.FINANCIAL_CAPACITY, self.bill_months))
        for dimension, months in assessed:
            if months:
                yield BehaviourRecord(
                    id=f"{prefix}-{dimension.lower()}",
                    dimension=dimension,
                    kind=RecordKind.MONTHS,
                    partner=_PARTNERS[0],
                    at=_months_before(now, self.months),
                    months=months,
                )


CATALOGUE = (
    PersonaBlueprint(
        handle="excellent",
        score=780,
        summary="Top tier without overdue obligations: ordinary asks are approved in full.",
        identity=RecordKind.LIVENESS,
        rentals=16,
        payments=7,
        partners=5,
        months=9,
        shop_months=12,
        bill_months=12,
    ),
    PersonaBlueprint(
        handle="threshold",
        score=700,
        summary="The lowest score of the top tier: same outcomes as excellent.",
        identity=RecordKind.LIVENESS,
        rentals=6,
        payments=1,
        partners=5,
        months=7,
        shop_months=10,
        bill_months=12,
    ),
    PersonaBlueprint(
        handle="just-below",
        score=699,
        summary="One point below the top tier: reduced approvals.",
        identity=RecordKind.LIVENESS,
        rentals=6,
        payments=1,
        partners=5,
        months=6,
        shop_months=10,
        bill_months=12,
    ),
    PersonaBlueprint(
        handle="good",
        score=640,
        summary="A medium score: reduced approvals.",
        identity=RecordKind.DOCUMENT,
        rentals=6,
        payments=1,
        partners=4,
        months=5,
        shop_months=10,
        bill_months=9,
    ),
    PersonaBlueprint(
        handle="fair",
        score=570,
        summary="A low score: small approvals.",
        identity=RecordKind.DOCUMENT,
        rentals=1,
        payments=2,
        partners=3,
        months=3,
        shop_months=8,
        bill_months=6,
    ),
    PersonaBlueprint(
        handle="building",
        score=420,
        summary="A very low score: declined, with reasons and advice.",
        identity=RecordKind.PHONE,
        rentals=3,
        payments=1,
        partners=1,
        months=4,
        late=1,
    ),
    PersonaBlueprint(
        handle="unscored",
        score=None,
        summary="Declined, because there is no score.",
        identity=RecordKind.PHONE,
        rentals=1,
        payments=0,
        partners=1,
        months=1,
    ),
    PersonaBlueprint(
        handle="overdue",
        score=760,
        summary="Top tier, but with an overdue obligation: declined until it is settled.",
        identity=RecordKind.LIVENESS,
        rentals=16,
        payments=2,
        partners=5,
        months=9,
        shop_months=12,
        bill_months=12,
        overdue=1,
    ),
)
"""All personas, in the order in which they are listed."""

_BY_HANDLE = {each.handle: each for each in CATALOGUE}
_OF_TIER = {
    Tier.UNSCORED: _BY_HANDLE["unscored"],
    Tier.BUILDING: _BY_HANDLE["building"],
    Tier.FAIR: _BY_HANDLE["fair"],
    Tier.GOOD: _BY_HANDLE["good"],
    Tier.VERY_GOOD: replace(_BY_HANDLE["just-below"], score=674, shop_months=5),  # not at the edge of the tier
    Tier.EXCELLENT: _BY_HANDLE["excellent"],
}


def blueprint_of_tier(tier: Tier, handle: str) -> PersonaBlueprint:
    """Returns a further persona with a score inside this tier, by the built-in scorecard."""
    return replace(_OF_TIER[tier], handle=handle, summary=f"Made by sandboxPersonaCreate: {tier} when new.")


def _months_before(now: BusinessTime, months: int) -> BusinessTime:
    if not months:
        return now
    start = month_start(month_of(now) - months)
    return BusinessTime(start.replace(day=min(now.day, _LAST_DAY), hour=now.hour, minute=now.minute))
