"""Behaviour records for tests."""

from datetime import timedelta
from itertools import count

from gateway.domain.money import Money
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.kit.clock import BusinessTime
from gateway.services.identity.persona_records import CATALOGUE
from gateway.sources.scorecard.card_files import load_cards
from gateway.store.scoring.records import new_record_row
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON

CARDS: CardVersions = load_cards()
"""The card that ships."""
HUNDRED = Money(10_000, "CNY")
_numbers = count()


def record(
    kind: RecordKind = RecordKind.KEPT,
    *,
    at: BusinessTime,
    dimension: Dimension = Dimension.FULFILMENT,
    partner: str = "city-rentals",
    amount: Money | None = HUNDRED,
    months: int | None = None,
    counts_from: BusinessTime | None = None,
    ended_at: BusinessTime | None = None,
    contested_at: BusinessTime | None = None,
) -> BehaviourRecord:
    """A record with an id of its own."""
    return BehaviourRecord(
        id=f"record-{next(_numbers)}",
        dimension=dimension,
        kind=kind,
        partner=partner,
        at=at,
        amount=amount,
        months=months,
        counts_from=counts_from,
        ended_at=ended_at,
        contested_at=contested_at,
    )


def write_persona_records(unit: UnitOfWork, user_id: str, handle: str, now: BusinessTime = BUSINESS_NOON) -> None:
    """Writes the behaviour records of a persona about a user, who shares what the persona shares."""
    persona = next(each for each in CATALOGUE if each.handle == handle)
    unit.behaviour_records.insert_all(
        [
            new_record_row(each, user_id, source="tests", reference=each.id)
            for each in persona.records(f"{user_id}-persona", now)
        ]
    )
    unit.scores.choose(user_id, Dimension.FINANCIAL_CAPACITY, unit.wall, share=True)


def months_before(now: BusinessTime, months: int) -> BusinessTime:
    """The second day of the month that is so many months before that of `now`."""
    return BusinessTime(month_start(month_of(now) - months) + timedelta(days=1))


def history(now: BusinessTime, kept: int = 12, *, partners: int = 4, months: int = 8) -> list[BehaviourRecord]:
    """Kept rentals, spread over partners and over months before that of `now`."""
    return [
        record(at=months_before(now, 1 + number % months), partner=f"partner-{number % partners}")
        for number in range(kept)
    ]
