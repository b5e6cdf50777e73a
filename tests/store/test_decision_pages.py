"""Keyset pages of decisions: in each order and direction, with equal times, each row appears exactly once."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import text

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime
from gateway.store.database import Database
from gateway.store.decisions import pages
from gateway.store.decisions.pages import Filter, Window
from gateway.store.logs.keys import Keyring
from gateway.store.unit import UnitOfWork
from tests.fixtures.settings import MASTER
from tests.support.clock import BUSINESS_NOON, MovableClock
from tests.support.factories import Cast, ids, make_cast, make_decision
from tests.support.logs import log_decision
from tests.support.statements import statements
from tests.support.units import reading, writing

pytestmark = pytest.mark.postgresql

TIMES = [
    BusinessTime(BUSINESS_NOON + timedelta(seconds=second, microseconds=micro))
    for second, micro in ((0, 0), (0, 1), (1, 0), (60, 0))
]


EVERY = Filter()


@pytest.fixture
def merchant(database: Database) -> str:
    """A merchant with twelve decisions, three at each of four times, updated in another order than created."""
    with writing(database) as unit:
        cast = make_cast(unit)
        for number, (created, _) in enumerate(product(TIMES, range(3))):
            updated = TIMES[-1] + timedelta(seconds=(number * 5) % 4)
            product_ = list(Product)[number % 2]
            make_decision(unit, cast.consent, created_at=created, updated_at=updated, product=product_)
        make_decision(unit, make_cast(unit).consent)  # another merchant's
    return cast.merchant


def load_newest(unit: UnitOfWork, cast: Cast) -> list[DecisionState]:
    return unit.decision_pages.load_page(cast.merchant, EVERY, Window(limit=2), BUSINESS_NOON)


@pytest.fixture
def cast(database: Database) -> Cast:
    """A merchant with three decisions that have entries in the log."""
    with writing(database) as unit:
        made = make_cast(unit)
        for _ in range(3):
            log_decision(unit, made)
    return made


def cancel(unit: UnitOfWork, decision_id: str) -> None:
    decision = unit.decisions.lock(decision_id)
    assert decision is not None
    unit.decisions.save(decision, decision.cancel(BUSINESS_NOON), Actor.MERCHANT, {})


def test_decision_without_a_new_log_entry_is_not_made_again(database: Database, cast: Cast) -> None:
    with reading(database) as unit:
        first = load_newest(unit, cast)
    with writing(database) as unit:
        cancel(unit, first[0].id)
    with reading(database) as unit:
        second, third = load_newest(unit, cast), load_newest(unit, cast)
        assert second == [unit.decisions.load(state.id) for state in first]
    assert [state.status for state in second] == [Status.CANCELLED, Status.APPROVED]
    assert second[1] is first[1]
    assert [id(state) for state in third] == [id(state) for state in second]


@pytest.mark.parametrize("changes", [1, 3, 9, 12])
def test_page_with_some_changed_decisions_has_all_in_order(database: Database, changes: int) -> None:
    with writing(database) as unit:
        made = make_cast(unit)
        decisions = [log_decision(unit, made)[0] for _ in range(12)]
    window = Window(limit=12)
    with reading(database) as unit:
        before = unit.decision_pages.load_page(made.merchant, EVERY, window, BUSINESS_NOON)
    with writing(database) as unit:
        for decision in decisions[:changes]:
            cancel(unit, decision)
    with reading(database) as unit:
        after = unit.decision_pages.load_page(made.merchant, EVERY, window, BUSINESS_NOON)
        assert after == [unit.decisions.load(state.id) for state in before]
    assert sum(state.status is Status.CANCELLED for state in after) == changes
    assert sum(one is other for one, other in zip(before, after, strict=True)) == 12 - changes


def test_page_in_a_writing_unit_has_its_changes_and_is_not_kept(database: Database, cast: Cast) -> None:
    with reading(database) as unit:
        before = load_newest(unit, cast)

    def change() -> None:
        with writing(database) as unit:
            cancel(unit, before[0].id)
            assert [state.status for state in load_newest(unit, cast)] == [Status.CANCELLED, Status.APPROVED]
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change()
    with reading(database) as unit:
        assert load_newest(unit, cast) == before


def test_decision_without_log_entries_is_made_each_time(database: Database, merchant: str) -> None:
    def load() -> DecisionState:
        with reading(database) as unit:
            return unit.decision_pages.load_page(merchant, EVERY, Window(limit=1), BUSINESS_NOON)[0]

    first = load()
    with writing(database) as unit:
        change = text("UPDATE decisions SET merchant_reference = 'changed' WHERE id = :id")
        unit.connection.execute(change, {"id": first.id})
    assert load().merchant_reference == "changed"


def position_of(row: DecisionState, by_update: bool) -> tuple[datetime, str]:
    return (row.updated_at if by_update else row.created_at), row.id


def ordered(unit: UnitOfWork, merchant: str, by_update: bool, descending: bool) -> list[DecisionState]:
    rows = unit.decision_pages.load_page(merchant, Filter(), Window(limit=100), BUSINESS_NOON)
    return sorted(rows, key=lambda row: position_of(row, by_update), reverse=descending)


def all_pages(
    unit: UnitOfWork, merchant: str, window: Window, filtered: Filter = EVERY
) -> Iterator[list[DecisionState]]:
    """Yields all pages."""
    after = window.after
    while True:
        page = unit.decision_pages.load_page(
            merchant,
            filtered,
            Window(window.limit, by_update=window.by_update, descending=window.descending, after=after),
            BUSINESS_NOON,
        )
        if not page:
            return
        yield page
        after = position_of(page[-1], window.by_update)


@pytest.mark.parametrize("by_update", [False, True])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("limit", [1, 5, 12])
def test_joined_pages_are_the_whole_list(
    database: Database, merchant: str, by_update: bool, descending: bool, limit: int
) -> None:
    with reading(database) as unit:
        expected = ordered(unit, merchant, by_update, descending)
        pages = list(all_pages(unit, merchant, Window(limit, by_update=by_update, descending=descending)))
    assert len(expected) == 12
    assert [row.id for page in pages for row in page] == [row.id for row in expected]
    assert all(len(page) == limit for page in pages[:-1])


@pytest.mark.parametrize("by_update", [False, True])
@pytest.mark.parametrize("descending", [False, True])
def test_page_before_a_position_has_the_nearest_rows(
    database: Database, merchant: str, by_update: bool, descending: bool
) -> None:
    """`last: 3, before: place` reads the window reversed."""
    with reading(database) as unit:
        rows = ordered(unit, merchant, by_update, descending)
        for position in range(len(rows)):
            window = Window(
                3, by_update=by_update, descending=descending, before=position_of(rows[position], by_update)
            )
            page = unit.decision_pages.load_page(merchant, Filter(), window.reversed(), BUSINESS_NOON)
            expected = rows[max(0, position - 3) : position]
            assert [row.id for row in reversed(page)] == [row.id for row in expected]


@pytest.mark.parametrize("descending", [False, True])
def test_window_with_after_and_before(database: Database, merchant: str, descending: bool) -> None:
    with reading(database) as unit:
        rows = ordered(unit, merchant, False, descending)
        window = Window(
            100, descending=descending, after=position_of(rows[2], False), before=position_of(rows[9], False)
        )
        page = unit.decision_pages.load_page(merchant, Filter(), window, BUSINESS_NOON)
        assert [row.id for row in page] == [row.id for row in rows[3:9]]


def test_filters_apply_to_page_and_count(database: Database, merchant: str) -> None:
    cases = {
        Filter(): 12,
        Filter(products=frozenset({Product.PAY_LATER})): 6,
        Filter(products=frozenset(Product)): 12,
        Filter(products=frozenset()): 0,
        Filter(statuses=frozenset()): 0,
        Filter(statuses=frozenset({Status.DECLINED})): 0,
        Filter(statuses=frozenset({Status.DECLINED, Status.APPROVED})): 12,
        Filter(products=frozenset({Product.PAY_LATER}), statuses=frozenset({Status.APPROVED})): 6,
        Filter(created_after=TIMES[0]): 9,
        Filter(created_before=TIMES[1]): 3,
        Filter(created_after=TIMES[0], created_before=TIMES[3]): 6,
        Filter(products=frozenset({Product.PAY_LATER}), created_after=TIMES[2]): 1 if 9 % 2 == 0 else 2,
    }
    with reading(database) as unit:
        for narrowed, expected in cases.items():
            assert unit.decision_pages.count(merchant, narrowed, BUSINESS_NOON) == (expected, True)
            assert len(unit.decision_pages.load_page(merchant, narrowed, Window(100), BUSINESS_NOON)) == expected


@pytest.mark.parametrize(("by_update", "descending"), list(product([False, True], repeat=2)))
def test_a3_pages_of_several_kinds_have_each_decision_once(
    database: Database, merchant: str, by_update: bool, descending: bool
) -> None:
    kinds = Filter(products=frozenset(Product), statuses=frozenset(Status))
    with reading(database) as unit:
        listed = all_pages(unit, merchant, Window(5, by_update=by_update, descending=descending), kinds)
        found = [row.id for page in listed for row in page]
        assert found == [row.id for row in ordered(unit, merchant, by_update, descending)]


def test_a3_count_stops_at_its_largest_value(
    database: Database, merchant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = Filter(statuses=frozenset({Status.APPROVED}))
    with reading(database) as unit:
        for largest, expected in ((11, (11, False)), (12, (12, True)), (13, (12, True))):
            monkeypatch.setattr(pages, "MAX_COUNT", largest)
            assert unit.decision_pages.count(merchant, Filter(), BUSINESS_NOON) == expected
            assert unit.decision_pages.count(merchant, some, BUSINESS_NOON) == expected


PENDING, OF_PRODUCTS = Filter(statuses=frozenset({Status.PENDING})), Filter(products=frozenset(Product))


@pytest.mark.parametrize("filtered", [PENDING, OF_PRODUCTS])
@pytest.mark.parametrize("by_update", [False, True])
def test_a3_pages_of_some_kinds_read_ranges_of_an_index(
    sqlite_url: str, clock: MovableClock, filtered: Filter, by_update: bool
) -> None:
    """The table itself is read by id only. No statement scans the decisions of a merchant."""
    with closing(Database(sqlite_url, clock=clock, keyring=Keyring(MASTER, ids))) as database:
        with statements(database) as sent, reading(database) as unit:
            unit.decision_pages.load_page("mer_test_1", filtered, Window(10, by_update=by_update), BUSINESS_NOON)
            unit.decision_pages.count("mer_test_1", filtered, BUSINESS_NOON)
        plans = plans_of(database, sent)
    reads = [plan for plan in plans if plan.startswith(("SEARCH decisions", "SCAN decisions"))]
    assert len(reads) >= 64
    assert all("merchant_id=? AND product=? AND status=?" in plan or "(id=?)" in plan for plan in reads), reads


@pytest.mark.parametrize("by_update", [False, True])
@pytest.mark.parametrize("descending", [False, True])
def test_page_after_a_position_begins_to_read_there(
    sqlite_url: str, clock: MovableClock, by_update: bool, descending: bool
) -> None:
    """Otherwise a page would cost more the more rows are before it."""
    window = Window(10, by_update=by_update, descending=descending, after=(BUSINESS_NOON, "dec_test_1"))
    with closing(Database(sqlite_url, clock=clock, keyring=Keyring(MASTER, ids))) as database:
        with statements(database) as sent, reading(database) as unit:
            unit.decision_pages.load_page("mer_test_1", EVERY, window, BUSINESS_NOON)
        (plan,) = (plan for plan in plans_of(database, sent) if plan.startswith("SEARCH decisions USING"))
    moment, beyond = "updated_at" if by_update else "created_at", "<" if descending else ">"
    assert plan.endswith(f"(merchant_id=? AND ({moment},id){beyond}(?,?))")


def plans_of(database: Database, sent: list[str]) -> list[str]:
    """Returns the steps of the plans of the statements that read decisions."""
    with database.engine.connect() as connection:
        return [
            str(row[3])
            for text in sent
            if "FROM decisions" in text
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", (None,) * text.count("?"))
        ]
