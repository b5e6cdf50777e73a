"""Reading a whole table in bounded memory."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, tuple_

from gateway.store.database import Session


def batches(
    session: Session, query: Select[Any], place: Sequence[ColumnElement[Any]], size: int
) -> Iterator[Sequence[Row[Any]]]:
    """What a query finds, at most `size` rows at a time, in the order of `place`: selected columns that together are
    unique."""
    query = query.order_by(*place).limit(size)
    rows = session.execute(query).all()
    while rows:
        yield rows
        last = [rows[-1]._mapping[column] for column in place]
        rows = session.execute(query.where(tuple_(*place) > tuple_(*last))).all()
