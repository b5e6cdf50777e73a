"""Several rows are written by few statements, whatever their number."""

from functools import partial

import pytest
from sqlalchemy import func, select

from gateway.store.database import Database
from gateway.store.merchants.partners import PARTNERS, PartnerRow
from gateway.store.outbox import OUTBOX, OutboxRow
from gateway.store.rows_at_once import MOST_ROWS, insert_missing, run_at_once
from tests.support.clock import NOON
from tests.support.factories import make_merchant, make_partner
from tests.support.units import reading, writing

_insert = partial(insert_missing, PARTNERS, ("id",))


def partners(number: int, name: str = "new") -> list[dict[str, object]]:
    return [vars(PartnerRow(id=f"prt_{each}", name=f"{name} {each}", created_at=NOON)) for each in range(number)]


@pytest.mark.parametrize("number", [0, 1, 3, MOST_ROWS, MOST_ROWS + 1, 3 * MOST_ROWS - 1])
@pytest.mark.postgresql
def test_each_row_is_inserted_once(database: Database, number: int) -> None:
    with writing(database) as unit:
        run_at_once(unit.connection, _insert, partners(number))
    with reading(database) as unit:
        names = unit.connection.execute(select(PARTNERS.c.name)).scalars().all()
    assert sorted(names) == sorted(f"new {each}" for each in range(number))


def test_row_that_exists_is_kept(database: Database) -> None:
    with writing(database) as unit:
        run_at_once(unit.connection, _insert, partners(2, "old"))
        run_at_once(unit.connection, _insert, partners(5))
    with reading(database) as unit:
        rows = unit.connection.execute(select(PARTNERS.c.name).order_by(PARTNERS.c.id)).scalars().all()
    assert rows == ["old 0", "old 1", "new 2", "new 3", "new 4"]


@pytest.mark.postgresql
def test_positions_follow_the_order_of_many_messages(database: Database) -> None:
    number = 2 * MOST_ROWS + 5
    with writing(database) as unit:
        merchant = make_merchant(unit, make_partner(unit))
        for each in range(number):
            unit.outbox.add(
                OutboxRow(
                    id=f"evt_{each * 7 % number}",
                    merchant_id=merchant,
                    aggregate_id=f"dec_{each}",
                    topic="test",
                    payload={},
                    created_at=unit.wall,
                )
            )
        waiting = unit.outbox.list_waiting(number)
        placed = unit.outbox.place(waiting[:5]) + unit.outbox.place(waiting[5:])
    assert [message.position for message in placed] == list(range(1, number + 1))
    with reading(database) as unit:
        stored = unit.connection.execute(select(OUTBOX.c.id).order_by(OUTBOX.c.position)).scalars().all()
        unplaced = unit.connection.execute(select(func.count()).where(OUTBOX.c.position.is_(None))).scalar_one()
    assert stored == [message.id for message in placed]
    assert unplaced == 0
