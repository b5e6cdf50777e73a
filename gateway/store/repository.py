"""The base of repositories: runs prepared statements and reads rows as records."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
from sqlalchemy.dialects import postgresql

from gateway.store.base import R, Record, Row, read_row
from gateway.store.statements import Result, run

Insert = postgresql.Insert


def insert_into(table: Table) -> Insert:
    """Returns an INSERT that supports ON CONFLICT. SQLite accepts PostgreSQL's syntax."""
    return postgresql.insert(table)


class Repository:
    """The queries of one subject, run over the connection of a unit of work. Statements are module constants with bind
    parameters, so each is compiled once. In an UPDATE a bind parameter must not have the name of a column of the
    table."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _run(self, statement: Executable, parameters: Mapping[str, Any]) -> Result:
        return run(self._connection, statement, parameters)

    def _execute(self, statement: Executable, **parameters: Any) -> int:
        """Runs a statement and returns the number of inserted, updated or deleted rows."""
        return self._run(statement, parameters).changed

    def _insert(self, table: Table, record: Record) -> None:
        self._run(_insert(table), vars(record))

    def _first(self, record: type[R], statement: Executable, **parameters: Any) -> R | None:
        """Returns the first row as a record, or None if there are no rows."""
        row = self._row(statement, **parameters)
        return None if row is None else read_row(record, row)

    def _all(self, record: type[R], statement: Executable, **parameters: Any) -> list[R]:
        """Returns all rows as records."""
        return [read_row(record, row) for row in self._rows(statement, **parameters)]

    def _row(self, statement: Executable, **parameters: Any) -> Row | None:
        """Returns the first row, or None if there are no rows."""
        rows = self._run(statement, parameters).rows
        return rows[0] if rows else None

    def _rows(self, statement: Executable, **parameters: Any) -> Sequence[Row]:
        """Returns all rows."""
        return self._run(statement, parameters).rows

    def _value(self, statement: Executable, **parameters: Any) -> Any:
        """Returns the first column of the first row, or None if there are no rows."""
        rows = self._run(statement, parameters).rows
        return rows[0][0] if rows else None

    def _values(self, statement: Executable, **parameters: Any) -> list[Any]:
        """Returns the first column of all rows."""
        return [row[0] for row in self._run(statement, parameters).rows]

    def _changes(self, statement: Executable, **parameters: Any) -> bool:
        """Runs a statement with RETURNING and returns whether it inserted, updated or deleted a row."""
        return bool(self._run(statement, parameters).rows)


@cache
def _insert(table: Table) -> Insert:
    return insert_into(table)
