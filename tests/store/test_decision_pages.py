"""Keyset pages of decisions: every order, both directions, equal times included, nothing twice and nothing left out."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product

import pytest

from gateway.domain.decision import Status
from gateway.domain.product import Product
from gateway.store import decision_pages
from gateway.store.database import Database, Session
from gateway.store.decision_pages import Filter, Window
from gateway.store.decisions import DecisionRow
from tests.support.clock import NOON
from tests.support.factories import make_cast, make_decision

TIMES = [NOON + timedelta(seconds=second, microseconds=micro) for second, micro in ((0, 0), (0, 1), (1, 0), (60, 0))]


@pytest.fixture
def merchant(database: Database) -> str:
    """A merchant with twelve decisions, three at each of four moments; updated in another order than created."""
    with database.write() as session:
        cast = make_cast(session)
        for number, (created, _) in enumerate(product(TIMES, range(3))):
            updated = TIMES[-1] + timedelta(seconds=(number * 5) % 4)
            product_ = list(Product)[number % 2]
            make_decision(session, cast.consent, created_at=created, updated_at=updated, product=product_)
        make_decision(session, make_cast(session).consent)  # another merchant's
    return cast.merchant


def place(row: DecisionRow, by_update: bool) -> tuple[datetime, str]:
    return (row.updated_at if by_update else row.created_at), row.id


def ordered(session: Session, merchant: str, by_update: bool, descending: bool) -> list[DecisionRow]:
    rows = decision_pages.page(session, merchant, Filter(), Window(limit=100), NOON)
    return sorted(rows, key=lambda row: place(row, by_update), reverse=descending)


def walk(session: Session, merchant: str, window: Window) -> Iterator[list[DecisionRow]]:
    """Pages from one end to the other."""
    after = window.after
    while True:
        page = decision_pages.page(
            session,
            merchant,
            Filter(),
            Window(window.limit, by_update=window.by_update, descending=window.descending, after=after),
            NOON,
        )
        if not page:
            return
        yield page
        after = place(page[-1], window.by_update)


@pytest.mark.parametrize("by_update", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 5, 12])
def test_pages_joined_are_the_whole(
    database: Database, merchant: str, by_update: bool, descending: bool, limit: int
) -> None:
    with database.read() as session:
        expected = ordered(session, merchant, by_update, descending)
        pages = list(walk(session, merchant, Window(limit, by_update=by_update, descending=descending)))
    assert len(expected) == 12
    assert [row.id for page in pages for row in page] == [row.id for row in expected]
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("by_update", [False, True])
@pytest.mark.parametrize("descending", [False, True])
def test_the_rows_before_a_place_are_those_nearest_to_it(
    database: Database, merchant: str, by_update: bool, descending: bool
) -> None:
    """`last: 3, before: place` reads the window reversed."""
    with database.read() as session:
        rows = ordered(session, merchant, by_update, descending)
        for position in range(len(rows)):
            window = Window(3, by_update=by_update, descending=descending, before=place(rows[position], by_update))
            page = decision_pages.page(session, merchant, Filter(), window.reversed(), NOON)
            expected = rows[max(0, position - 3) : position]
            assert [row.id for row in reversed(page)] == [row.id for row in expected]


@pytest.mark.parametrize("descending", [False, True])
def test_a_window_has_two_sides(database: Database, merchant: str, descending: bool) -> None:
    with database.read() as session:
        rows = ordered(session, merchant, False, descending)
        window = Window(100, descending=descending, after=place(rows[2], False), before=place(rows[9], False))
        page = decision_pages.page(session, merchant, Filter(), window, NOON)
        assert [row.id for row in page] == [row.id for row in rows[3:9]]


def test_filters_narrow_page_and_count_alike(database: Database, merchant: str) -> None:
    cases = {
        Filter(): 12,
        Filter(products=(Product.PAY_LATER,)): 6,
        Filter(products=tuple(Product)): 12,
        Filter(statuses=(Status.DECLINED,)): 0,
        Filter(statuses=(Status.DECLINED, Status.APPROVED)): 12,
        Filter(created_after=TIMES[0]): 9,
        Filter(created_before=TIMES[1]): 3,
        Filter(created_after=TIMES[0], created_before=TIMES[3]): 6,
        Filter(products=(Product.PAY_LATER,), created_after=TIMES[2]): 1 if 9 % 2 == 0 else 2,
    }
    with database.read() as session:
        for narrowed, expected in cases.items():
            assert decision_pages.count(session, merchant, narrowed, NOON) == expected
            assert len(decision_pages.page(session, merchant, narrowed, Window(100), NOON)) == expected
