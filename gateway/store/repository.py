"""What every repository does: runs statements that are built once, and reads rows as records."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql

from gateway.store.base import R, Record, Row, read_row
from gateway.store.statements import Result, run

Insert = postgresql.Insert


def insert_into(table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT; SQLite compiles PostgreSQL's form as its own."""
    return postgresql.insert(table)


class Repository:
    """The queries of one subject over the connection of a unit of work. Statements are constants of the module with
    bind parameters, so that each is compiled once. In an UPDATE the name of a bind parameter must not be the
    name of a column of its table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _run(self, statement: Executable, parameters: Mapping[str, Any]) -> Result:
        return run(self._connection, statement, parameters)

    def _execute(self, statement: Executable, **parameters: Any) -> int:
        """How many rows the statement inserted, updated or deleted."""
        return self._run(statement, parameters).changed

    def _insert(self, table: Table, record: Record) -> None:
        self._run(_insert(table), dict(record))

    def _first(self, record: type[R], statement: Executable, **parameters: Any) -> R | None:
        """The first row as a record, or None if there are no rows."""
        row = self._row(statement, **parameters)
        return None if row is None else read_row(record, row)

    def _all(self, record: type[R], statement: Executable, **parameters: Any) -> list[R]:
        """All rows as records."""
        return [read_row(record, row) for row in self._rows(statement, **parameters)]

    def _row(self, statement: Executable, **parameters: Any) -> Row | None:
        """The first row, or None if there are no rows."""
        rows = self._run(statement, parameters).rows
        return rows[0] if rows else None

    def _rows(self, statement: Executable, **parameters: Any) -> Sequence[Row]:
        """All rows."""
        return self._run(statement, parameters).rows

    def _value(self, statement: Executable, **parameters: Any) -> Any:
        """The first column of the first row, or None if there are no rows."""
        rows = self._run(statement, parameters).rows
        return rows[0][0] if rows else None

    def _values(self, statement: Executable, **parameters: Any) -> list[Any]:
        """The first column of all rows."""
        return [row[0] for row in self._run(statement, parameters).rows]

    def _changes(self, statement: Executable, **parameters: Any) -> bool:
        """Whether a statement with RETURNING inserted, updated or deleted a row."""
        return bool(self._run(statement, parameters).rows)


@cache
def _insert(table: Table) -> Insert:
    return insert_into(table)
