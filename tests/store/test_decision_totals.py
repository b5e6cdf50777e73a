"""Totals, lists and filters of decisions at a time, also if due transitions have not been saved."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.transitions import OPEN_STATUSES, BreachKind, Status
from gateway.domain.money import Money
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.decisions.pages import Filter, Window
from gateway.store.unit import UnitOfWork
from tests.support.clock import BUSINESS_NOON
from tests.support.factories import make_cast, make_client, make_consent, make_decision, make_merchant, make_partner
from tests.support.units import reading, writing

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
WINDOWS = Windows(report=10 * DAY, contest=5 * DAY, respond=2 * DAY, write_off=100 * DAY)


def at(length: timedelta) -> BusinessTime:
    return BusinessTime(BUSINESS_NOON + length)


EXPIRED = at(DAY)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def lock(unit: UnitOfWork, decision_id: str) -> Decision:
    decision = unit.decisions.lock(decision_id)
    assert decision is not None
    return decision


def test_committed_is_the_sum_of_open_decisions_by_consent_and_currency(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        made = {}
        for position, status in enumerate(Status):
            amount = cny(10 ** (position + 10))
            made[status] = make_decision(
                unit, cast.consent, status=status, requested=amount, due=amount, valid_until=None
            )
        make_decision(unit, cast.consent, currency="JPY")
        make_decision(unit, make_cast(unit).consent)
        consent = cast.consent.id
        expected = sum(10 ** (i + 10) for i, each in enumerate(Status) if each in OPEN_STATUSES)
        committed = unit.decisions.load_committed
        assert committed(consent, "CNY", BUSINESS_NOON) == cny(expected)
        assert committed(consent, "JPY", BUSINESS_NOON) == Money(300_000, "JPY")
        assert committed(consent, "EUR", BUSINESS_NOON) == Money(0, "EUR")
        pending = lock(unit, made[Status.PENDING])
        assert committed(consent, "CNY", BUSINESS_NOON, except_for=pending) == cny(expected - 10**10)
        assert committed(consent, "JPY", BUSINESS_NOON, except_for=pending) == Money(300_000, "JPY")


def test_committed_excludes_expired_decisions_before_that_is_saved(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        make_decision(unit, cast.consent, status=Status.ACTIVE, due_at=EXPIRED, valid_until=EXPIRED)
        for status in (Status.PENDING, Status.APPROVED):
            last = make_decision(unit, cast.consent, status=status, valid_until=EXPIRED)
        committed, consent = unit.decisions.load_committed, cast.consent.id
        assert committed(consent, "CNY", BusinessTime(EXPIRED - MICROSECOND)) == cny(900_000)
        assert committed(consent, "CNY", EXPIRED) == cny(300_000)
        assert committed(consent, "CNY", EXPIRED, except_for=lock(unit, last)) == cny(300_000), "not excluded twice"


def exposure_here_and_elsewhere(
    unit: UnitOfWork, user: str, merchant: str, currency: str, now: BusinessTime
) -> tuple[Money, Money]:
    """The person's exposure at this merchant, and the sum at all others."""
    exposures = unit.decisions.load_exposures(user, currency, now)
    zero = Money.zero(currency)
    return exposures.pop(merchant, zero), sum(exposures.values(), zero)


def test_exposure_by_merchant_includes_due_transitions(database: Database) -> None:
    """An expired approval, an expired overdue flag and a breach that is due to be written off have no exposure, even
    before that is saved."""
    with writing(database) as unit:
        cast = make_cast(unit)
        other = make_client(unit, make_merchant(unit, cast.partner))
        consent = make_consent(unit, other, cast.user)
        make_decision(unit, cast.consent, valid_until=EXPIRED)
        make_decision(unit, cast.consent, status=Status.PENDING)
        make_decision(unit, cast.consent, currency="JPY")
        active = {"status": Status.ACTIVE, "due_at": at(2 * DAY), "overdue_at": at(2 * DAY), "windows": WINDOWS}
        make_decision(unit, cast.consent, **active, settled=cny(100_000))
        breached = {"status": Status.BREACHED, "breached_at": at(3 * DAY), "windows": WINDOWS}
        make_decision(unit, consent, **breached)
        make_decision(unit, consent, valid_until=EXPIRED, due=cny(7))
        expected = (
            (BUSINESS_NOON, 500_000, 300_007),
            (EXPIRED, 200_000, 300_000),
            (at(12 * DAY - MICROSECOND), 200_000, 300_000),
            (at(12 * DAY), 0, 300_000),
            (at(103 * DAY), 0, 0),
        )
        exposure = partial(exposure_here_and_elsewhere, unit)
        for now, here, elsewhere in expected:
            assert exposure(cast.user, cast.merchant, "CNY", now) == (cny(here), cny(elsewhere)), now
        assert exposure(cast.user, consent.merchant_id, "CNY", EXPIRED) == (cny(300_000), cny(200_000))
        assert exposure(cast.user, cast.merchant, "JPY", BUSINESS_NOON) == (Money(300_000, "JPY"), Money(0, "JPY"))
        assert exposure(make_cast(unit).user, cast.merchant, "CNY", BUSINESS_NOON) == (cny(0), cny(0))


@pytest.mark.parametrize(
    ("fields", "counts"),
    [
        ({"status": Status.ACTIVE, "overdue_at": BUSINESS_NOON}, {0: True, 9: True, 10: False}),
        ({"status": Status.ACTIVE, "overdue_at": BUSINESS_NOON, "contested_at": BUSINESS_NOON}, {0: False, 10: False}),
        ({"status": Status.ACTIVE, "overdue_at": BUSINESS_NOON, "lapsed_at": BUSINESS_NOON}, {0: False}),
        ({"status": Status.BREACHED, "breached_at": BUSINESS_NOON}, {0: False, 4: False, 5: True, 200: True}),
        ({"status": Status.BREACHED, "breached_at": at(DAY), "overdue_at": BUSINESS_NOON}, {1: True, 200: True}),
        ({"status": Status.BREACHED, "breached_at": BUSINESS_NOON, "dispute_rejected_at": at(DAY)}, {1: True}),
        ({"status": Status.FULFILLED, "overdue_at": BUSINESS_NOON}, {0: False}),
        ({"status": Status.ACTIVE, "due_at": BUSINESS_NOON}, {-1: False, 1: False}),
    ],
)
def test_overdue_count_includes_due_transitions(
    database: Database, fields: dict[str, Any], counts: dict[int, bool]
) -> None:
    """Due transitions count even before they are saved: the flag expires, or the breach is written off. A flag that is
    not set yet does not count, because the person has not been notified."""
    with writing(database) as unit:
        cast, other = make_cast(unit), make_cast(unit)
        make_decision(unit, cast.consent, **fields, windows=WINDOWS)
        make_decision(unit, other.consent, status=Status.BREACHED, breached_at=BUSINESS_NOON, windows=WINDOWS)
        for days, expected in counts.items():
            assert sum(unit.decisions.count_against(cast.user, at(days * DAY))) == int(expected), days


@pytest.mark.postgresql
def test_e1_overdue_obligations_and_breaches_are_counted_apart(database: Database) -> None:
    reported = {"status": Status.BREACHED, "breached_at": BUSINESS_NOON, "windows": WINDOWS}
    with writing(database) as unit:
        cast = make_cast(unit)
        make_decision(unit, cast.consent, status=Status.ACTIVE, overdue_at=BUSINESS_NOON, windows=WINDOWS)
        make_decision(unit, cast.consent, **reported, breach_kind=BreachKind.DAMAGED)
        make_decision(unit, cast.consent, **reported, breach_kind=BreachKind.OTHER, due_at=at(7 * DAY))
        make_decision(unit, cast.consent, **reported, breach_kind=BreachKind.NOT_PAID, overdue_at=BUSINESS_NOON)
        counts = [unit.decisions.count_against(cast.user, at(days * DAY)) for days in (0, 5, 7)]
        assert counts == [(2, 0), (1, 2), (1, 3)]


def test_due_decisions_are_listed_longest_due_first(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        late, early = (make_decision(unit, cast.consent, valid_until=at(days * DAY)) for days in (2, 1))
        make_decision(unit, cast.consent, valid_until=at(3 * DAY))
        make_decision(unit, cast.consent, status=Status.CANCELLED)
        foreign = make_cast(unit)
        third = make_decision(unit, foreign.consent, valid_until=at(DAY))
        listed = unit.decisions
        assert listed.list_due_of_user(cast.user, at(2 * DAY)) == [early, late]
        assert listed.list_due_of_partner(cast.partner, at(2 * DAY), 9) == [early, late]
        assert listed.list_due_of_partner(cast.partner, at(2 * DAY), 1) == [early]
        assert listed.list_due_of_partner(foreign.partner, at(2 * DAY), 9) == [third]
        assert listed.list_due_of_partner(make_partner(unit), at(2 * DAY), 9) == []


def test_the_decisions_of_a_person_are_listed_newest_first(database: Database) -> None:
    with writing(database) as unit:
        cast = make_cast(unit)
        made = {status: make_decision(unit, cast.consent, status=status) for status in Status}
        make_decision(unit, make_cast(unit).consent)
        newest = list(made.values())[::-1]
        reserving = [made[status] for status in (Status.BREACHED, Status.ACTIVE, Status.APPROVED)]
        assert [state.id for state in unit.decisions.list_reserving(cast.user)] == reserving
        assert [state.id for state in unit.decision_pages.list_of_user(cast.user, 3)] == newest[:3]
        assert [state.id for state in unit.decision_pages.list_of_user(cast.user, 3, before=newest[2])] == newest[3:6]


def test_the_decisions_of_an_adapter_are_listed_in_parts(database: Database) -> None:
    with writing(database) as unit:
        cast, other = make_cast(unit), make_cast(unit)
        make_decision(unit, cast.consent, created_at=at(-DAY))
        make_decision(unit, cast.consent, adapter="hotel")
        first, second = (make_decision(unit, cast.consent) for _ in range(2))
        third = make_decision(unit, other.consent)
        listed = unit.decisions.list_ids_of_adapter
        assert listed("car_rental", BUSINESS_NOON, "", 9) == [first, second, third]
        assert listed("car_rental", BUSINESS_NOON, first, 1) == [second]
        assert listed("car_rental", BUSINESS_NOON, "", 9, other.merchant) == [third]


def test_consent_is_used_by_a_decision_that_was_not_declined(database: Database) -> None:
    with writing(database) as unit:
        cast, used = make_cast(unit), unit.decisions.is_consent_used
        make_decision(unit, cast.consent, status=Status.DECLINED)
        assert not used(cast.consent.id)
        decision = make_decision(unit, cast.consent, status=Status.CANCELLED)
        assert used(cast.consent.id)
        assert not used(cast.consent.id, except_for=decision)


@pytest.mark.parametrize("now", [BUSINESS_NOON, EXPIRED])
@pytest.mark.parametrize("status", list(Status))
def test_status_filter_agrees_with_status_at(database: Database, status: Status, now: BusinessTime) -> None:
    """An expired decision matches EXPIRED and not its stored status."""
    with writing(database) as unit:
        cast = make_cast(unit)
        for written in Status:
            for valid_until in (None, EXPIRED, at(2 * DAY)):
                make_decision(unit, cast.consent, status=written, valid_until=valid_until)
    with reading(database) as unit:
        states = [MAPPING.read(row) for row in unit.connection.execute(select(DECISIONS))]
        expected = {state.id for state in states if state.status_at(now) is status}
        filtered = Filter(statuses=frozenset({status}))
        page = unit.decision_pages.load_page(cast.merchant, filtered, Window(limit=100), now)
        assert {state.id for state in page} == expected
        assert {state.status for state in page} <= {status}
        assert unit.decision_pages.count(cast.merchant, filtered, now) == (len(expected), True)
