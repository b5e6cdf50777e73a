"""Exposure totals: concurrent requests never exceed the limit, and totals are never negative."""

import pytest
from sqlalchemy import select

from gateway.domain.money import Money
from gateway.store.database import Database
from gateway.store.decisions.exposures import EXPOSURES, MERCHANT_EXPOSURES
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import Cast, make_cast, make_merchant
from tests.support.race import race_writes
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

LIMIT = Money(1_000, "CNY")


@pytest.fixture
def cast(database: Database) -> Cast:
    return database.write(make_cast)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def change(unit: UnitOfWork, cast: Cast, minor: int, currency: str = "CNY", merchant: str | None = None) -> None:
    unit.exposures.change(cast.user, merchant or cast.merchant, Money(minor, currency))


def totals(database: Database) -> dict[str, int]:
    with reading(database) as unit:
        return {row.currency: row.exposure_minor for row in unit.connection.execute(select(EXPOSURES))}


def test_totals_are_kept_by_merchant_and_currency(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        other = make_merchant(unit, cast.partner)
        assert unit.exposures.lock(cast.user, "CNY") == cny(0)
        change(unit, cast, 600)
        change(unit, cast, 300, merchant=other)
        change(unit, cast, -200)
        change(unit, cast, 5, "EUR")
        assert unit.exposures.lock(cast.user, "CNY") == cny(700)
        assert unit.exposures.load_by_merchant(cast.user, "CNY") == {cast.merchant: cny(400), other: cny(300)}
        assert unit.exposures.load_by_merchant(cast.user, "EUR") == {cast.merchant: Money(5, "EUR")}
        assert unit.exposures.load_by_merchant(cast.user, "JPY") == {}
    assert totals(database) == {"CNY": 700, "EUR": 5}


def test_committed_amounts_are_kept_by_consent_and_currency(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        assert unit.decisions.load_committed(cast.consent.id, "CNY", BUSINESS_NOON) == cny(0)
        unit.exposures.change_committed(cast.consent.id, cny(10**12))
        unit.exposures.change_committed(cast.consent.id, cny(-1))
        unit.exposures.change_committed(cast.consent.id, Money(5, "EUR"))
        assert unit.decisions.load_committed(cast.consent.id, "CNY", BUSINESS_NOON) == cny(10**12 - 1)
        assert unit.decisions.load_committed(cast.consent.id, "EUR", BUSINESS_NOON) == Money(5, "EUR")


def test_a_total_is_never_negative(database: Database, cast: Cast) -> None:
    with writing(database) as unit:
        other = make_merchant(unit, cast.partner)
        change(unit, cast, 10)
        unit.exposures.change_committed(cast.consent.id, cny(10))
    with pytest.raises(RuntimeError), writing(database) as unit:
        change(unit, cast, -11)
    with pytest.raises(RuntimeError), writing(database) as unit:
        change(unit, cast, -1, "EUR")
    with pytest.raises(RuntimeError), writing(database) as unit:
        change(unit, cast, -1, merchant=other)
    with pytest.raises(RuntimeError), writing(database) as unit:
        unit.exposures.change_committed(cast.consent.id, cny(-11))
    assert totals(database) == {"CNY": 10}
    with reading(database) as unit:
        assert unit.connection.scalars(select(MERCHANT_EXPOSURES.c.exposure_minor)).all() == [10]
        assert unit.decisions.load_committed(cast.consent.id, "CNY", BUSINESS_NOON) == cny(10)


def test_concurrent_reservations_never_exceed_the_limit(database: Database, cast: Cast) -> None:
    def reserve(unit: UnitOfWork, _: int) -> bool:
        available = LIMIT.minor - unit.exposures.lock(cast.user, "CNY").minor
        if available < 300:
            return False
        change(unit, cast, 300)
        return True

    assert sorted(race_writes(database, reserve)) == [False] * 5 + [True] * 3
    assert totals(database) == {"CNY": 900}
