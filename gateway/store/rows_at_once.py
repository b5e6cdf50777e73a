"""Statements that write several rows at once.

The drivers run a statement of `run_many` once for each row: sqlite3 lets other threads run after each, so a thread with
many rows holds the write lock of SQLite while it waits for them. Here the rows are parameters of one statement.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Executable, Table, bindparam
from sqlalchemy.types import TypeEngine

from gateway.store.repository import Insert, insert_into
from gateway.store.statements import run

MOST_ROWS = 32
"""The largest number of rows of one statement."""


def run_at_once(
    connection: Connection,
    statement_of: Callable[[int], Executable],
    rows: Sequence[Mapping[str, Any]],
    **shared: Any,
) -> None:
    """Runs a statement without a result for all these rows, which have the same names, at most MOST_ROWS at once.
    `statement_of` returns the statement for a number of rows, with the parameters of `numbered` and `shared`; each
    number is compiled once, so it is a power of two. The last row is repeated to get it: the statement must not mind.
    Raises as `run` does."""
    for first in range(0, len(rows), MOST_ROWS):
        part = rows[first : first + MOST_ROWS]
        size = 1 << (len(part) - 1).bit_length()
        parameters = dict(shared)
        for number, row in enumerate([*part, *[part[-1]] * (size - len(part))]):
            parameters |= {f"{name}_{number}": value for name, value in row.items()}
        run(connection, statement_of(size), parameters)


def numbered(name: str, sql_type: TypeEngine[Any], size: int) -> Iterator[BindParameter[Any]]:
    """Yields the parameter of each row for a name."""
    return (bindparam(f"{name}_{number}", type_=sql_type) for number in range(size))


@cache
def insert_missing(table: Table, keys: tuple[str, ...], size: int) -> Insert:
    """Returns the INSERT of that many rows with all columns. A row is left out if one with the same `keys` exists."""
    columns = [dict(enumerate(numbered(each.name, each.type, size))) for each in table.c]
    rows = [{each.name: column[n] for each, column in zip(table.c, columns, strict=True)} for n in range(size)]
    return insert_into(table).values(rows).on_conflict_do_nothing(index_elements=keys)
