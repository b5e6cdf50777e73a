"""Reads a whole table in batches, with bounded memory."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, tuple_


def read_batches(
    connection: Connection, query: Select[Any], key: Sequence[ColumnElement[Any]], size: int
) -> Iterator[Sequence[Row[Any]]]:
    """Yields the rows of a query in batches of at most `size`, in the order of `key`. `key` are selected columns that
    are unique together."""
    query = query.order_by(*key).limit(size)
    rows = connection.execute(query).all()
    while rows:
        yield rows
        last = [rows[-1]._mapping[column] for column in key]
        rows = connection.execute(query.where(tuple_(*key) > tuple_(*last))).all()
