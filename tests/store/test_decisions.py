"""Decisions: written once a reference, added up, moved under a lock, and counted by the clock."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from gateway.domain.decision import OPEN, Status
from gateway.domain.money import Money
from gateway.store import decision_pages, decisions
from gateway.store.database import Database, Session
from gateway.store.decision_pages import Filter
from gateway.store.decisions import DecisionRow
from tests.support.clock import NOON
from tests.support.factories import ids, make_cast, make_client, make_decision, make_merchant
from tests.support.race import race_writes

LAPSED = NOON + timedelta(days=1)


def test_a_decision_comes_back_as_it_was_written(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        decision = make_decision(session, cast.consent, ask={"carRental": {"days": 3, "city": "上海"}})
    with database.read() as session:
        row = decisions.load(session, decision)
        assert row is not None
        found = decisions.value(row, NOON)
        assert decisions.load(session, "dec_no") is None
    assert (found.id, found.status, found.ask) == (
        decision,
        Status.APPROVED,
        {"carRental": {"days": 3, "city": "上海"}},
    )
    assert (found.valid_until, found.created_at) == (LAPSED, NOON)


def test_an_amount_beyond_32_bits_is_kept(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        make_decision(session, cast.consent, amount_minor=10**12)
        assert decisions.committed(session, cast.consent.id, "CNY", NOON) == Money(10**12, "CNY")


def test_a_reference_belongs_to_one_decision_of_a_merchant(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        template = decisions.load(session, make_decision(session, cast.consent, merchant_reference="R-1"))
        assert template is not None
        columns = template.model_dump()
        make_client(session, make_merchant(session, cast.partner))

    def insert(session: Session, number: int) -> bool:
        row = DecisionRow(**{**columns, "id": ids.new("dec"), "merchant_reference": "R-2", "rule_id": f"rule {number}"})
        return decisions.insert(session, row)

    won = race_writes(database, insert)
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        found = decisions.by_reference(session, cast.merchant, "R-2")
        assert found is not None
        assert found.rule_id == f"rule {won.index(True)}"
        assert decisions.by_reference(session, cast.merchant, "R-3") is None
        assert decisions.by_reference(session, "mer_other", "R-2") is None


def test_open_decisions_of_one_consent_and_currency_add_up(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        for position, status in enumerate(Status):
            make_decision(session, cast.consent, status=status, amount_minor=10**position, valid_until=None)
        make_decision(session, cast.consent, currency="JPY", amount_minor=500)
        make_decision(session, make_cast(session).consent, amount_minor=999)
        expected = sum(10**position for position, status in enumerate(Status) if status in OPEN)
        assert decisions.committed(session, cast.consent.id, "CNY", NOON) == Money(expected, "CNY")
        assert decisions.committed(session, cast.consent.id, "JPY", NOON) == Money(500, "JPY")
        assert decisions.committed(session, cast.consent.id, "EUR", NOON) == Money(0, "EUR")


def test_what_lapsed_by_the_clock_no_longer_counts(database: Database) -> None:
    with database.write() as session:
        cast = make_cast(session)
        for status in (Status.PENDING, Status.APPROVED, Status.ACTIVE):
            make_decision(session, cast.consent, status=status, amount_minor=100, valid_until=LAPSED)
        before = decisions.committed(session, cast.consent.id, "CNY", LAPSED - timedelta(microseconds=1))
        assert before == Money(300, "CNY")
        assert decisions.committed(session, cast.consent.id, "CNY", LAPSED) == Money(100, "CNY")


def test_one_of_many_moves_a_decision(database: Database) -> None:
    """Each looks at the row under its lock: all but the first see that it has been moved."""
    with database.write() as session:
        decision = make_decision(session, make_cast(session).consent)

    def cancel(session: Session, number: int) -> bool:
        row = decisions.load(session, decision, lock=True)
        assert row is not None
        if row.status != Status.APPROVED:
            return False
        cancelled = replace(decisions.standing_of(row), status=Status.CANCELLED)
        decisions.move(session, row, cancelled, NOON + timedelta(seconds=number))
        return True

    won = race_writes(database, cancel)
    assert sorted(won) == [False] * 7 + [True]
    with database.read() as session:
        row = decisions.load(session, decision)
        assert row is not None
        assert (row.status, row.updated_at) == (Status.CANCELLED, NOON + timedelta(seconds=won.index(True)))


def test_a_locked_look_sees_past_what_the_unit_has_read_before(database: Database) -> None:
    with database.write() as session:
        decision = make_decision(session, make_cast(session).consent)
    if database.sqlite:
        return  # a writing unit of SQLite is alone: nothing can change between its two looks
    with database.write() as session:
        assert decisions.load(session, decision) is not None
        with database.write() as other:
            row = decisions.load(other, decision, lock=True)
            assert row is not None
            decisions.move(other, row, replace(decisions.standing_of(row), status=Status.CANCELLED), NOON)
        row = decisions.load(session, decision, lock=True)
        assert row is not None
        assert row.status == Status.CANCELLED


@pytest.mark.parametrize("now", [NOON, LAPSED])
@pytest.mark.parametrize("status", list(Status))
def test_the_status_filter_and_the_status_read_agree(database: Database, status: Status, now: object) -> None:
    """What lapsed by the clock is found as EXPIRED, not as what is stored."""
    with database.write() as session:
        cast = make_cast(session)
        for stored in Status:
            for valid_until in (None, LAPSED, LAPSED + timedelta(days=1)):
                make_decision(session, cast.consent, status=stored, valid_until=valid_until)
    with database.read() as session:
        rows = session.exec(select(DecisionRow)).all()
        expected = {row.id for row in rows if decisions.value(row, now).status is status}  # type: ignore[arg-type]
        narrowed = Filter(statuses=(status,))
        window = decision_pages.Window(limit=100)
        found = decision_pages.page(session, cast.merchant, narrowed, window, now)  # type: ignore[arg-type]
        assert {row.id for row in found} == expected
        assert decision_pages.count(session, cast.merchant, narrowed, now) == len(expected)  # type: ignore[arg-type]
