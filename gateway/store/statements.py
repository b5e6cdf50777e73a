"""Statements that are compiled once and run by the driver.

SQLAlchemy compiles a statement to the SQL of one dialect and provides the conversions of values; the driver runs it.
This avoids the other work of `Connection.execute`, which costs several times as much as the statement itself. A list of
values whose length differs between calls changes the SQL, so such a statement is run by `Connection.execute`.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from operator import itemgetter
from typing import Any, NamedTuple, cast

from sqlalchemy import Connection, Dialect, Executable
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement
from sqlalchemy.sql.selectable import ReturnsRows
from sqlalchemy.types import TypeEngine

from gateway.kit import json
from gateway.store.base import Row

_Processor = Callable[[Any], Any]
_MOST_PREPARED = 4_096


class Result(NamedTuple):
    """The result of a statement: its rows, and the number of inserted, updated or deleted rows."""

    rows: Sequence[Row]
    changed: int


def run(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> Result:
    """Runs a statement in the connection's transaction, which must have begun. Raises the same errors as
    `Connection.execute`; their messages have no parameters."""
    prepared = _prepare(statement, connection.dialect, tuple(parameters))
    if prepared is None:
        result = connection.execute(statement, parameters)
        return Result(result.all() if result.returns_rows else (), result.rowcount)
    return prepared.run(connection, parameters)


def fetch_raw(connection: Connection, statement: Executable, parameters: Mapping[str, Any]) -> "list[RawRow]":
    """Runs a SELECT and returns its rows without converting the values. Raises as `run` does. The SQL of the statement
    must not depend on its parameters."""
    prepared = _prepare(statement, connection.dialect, tuple(parameters))
    assert prepared is not None
    return [RawRow(prepared, row) for row in prepared.fetch(connection, parameters)]


def fetch_values(
    connection: Connection, statement: Executable, parameters: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """Returns the values of the rows that `fetch_raw` returns, as the driver returned them."""
    prepared = _prepare(statement, connection.dialect, tuple(parameters))
    assert prepared is not None
    return prepared.fetch(connection, parameters)


def run_many(connection: Connection, statement: Executable, rows: Sequence[Mapping[str, Any]]) -> None:
    """Runs a statement without a result once for each of these parameters, which have the same names. The driver sends
    them together, which costs more than `run` if there is one. Raises as `run` does."""
    if len(rows) == 1:
        run(connection, statement, rows[0])
        return
    prepared = _prepare(statement, connection.dialect, tuple(rows[0]))
    assert prepared is not None
    prepared.run_many(connection, rows)


class Prepared:
    """One statement, compiled to the SQL of one dialect."""

    def __init__(self, compiled: SQLCompiler, parameters: Sequence[str], dialect: Dialect) -> None:
        expanded = compiled.construct_expanded_state(dict.fromkeys(parameters))
        self.text = expanded.statement
        self._dialect, self.driver = dialect, dialect.driver
        bound = tuple((expanded.positiontup if compiled.positional else expanded.parameters) or ())
        self._names = None if compiled.positional else bound
        binds = compiled.binds
        keys = [binds[name].key if name in binds else name for name in bound]  # a value of a fixed list has no bind
        self._pick = _picking(keys)
        self._constants = {
            key: expanded.parameters[name] for name, key in zip(bound, keys, strict=True) if key not in parameters
        }
        writing = [
            _binding(binds[name].type, dialect) if name in binds else expanded.processors.get(name) for name in bound
        ]
        self._writing = tuple((index, process) for index, process in enumerate(writing) if process)
        statement = compiled.statement
        columns = list(statement.exported_columns) if isinstance(statement, ReturnsRows) else []
        names = [column.key for column in columns]
        named: Any = namedtuple("named", names, rename=True)  # type: ignore[misc]  # known only now
        self._make_row = cast("Callable[[Iterable[Any]], Row]", partial(tuple.__new__, named))
        reading = [_reading(column.type, dialect) for column in columns]
        self._reading = tuple((index, process) for index, process in enumerate(reading) if process)

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> Result:
        """Runs the statement. Raises DBAPIError."""
        driver: Any = connection.connection.dbapi_connection
        try:
            cursor = driver.execute(self.text, self._bind(parameters))
            rows = cursor.fetchall() if cursor.description else ()
            return Result(self._rows(rows) if rows else (), cursor.rowcount)
        except self._dialect.loaded_dbapi.Error as error:
            raise self._translate(connection, error) from error

    def fetch(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Runs the statement and returns its rows as the driver returns them. Raises DBAPIError."""
        driver: Any = connection.connection.dbapi_connection
        try:
            rows: Sequence[Sequence[Any]] = driver.execute(self.text, self._bind(parameters)).fetchall()
        except self._dialect.loaded_dbapi.Error as error:
            raise self._translate(connection, error) from error
        return rows

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Runs the statement for each of these parameters. Raises DBAPIError."""
        driver: Any = connection.connection.dbapi_connection
        try:
            driver.cursor().executemany(self.text, [self._bind(parameters) for parameters in rows])
        except self._dialect.loaded_dbapi.Error as error:
            raise self._translate(connection, error) from error

    def read(self, row: Sequence[Any]) -> Row:
        """Returns a row of `fetch` with converted values."""
        return self._rows((row,))[0]

    def _bind(self, parameters: Mapping[str, Any]) -> Any:
        if self._constants:
            parameters = {**self._constants, **parameters}
        values = self._pick(parameters)
        if self._writing:
            values = list(values)
            for index, process in self._writing:
                values[index] = process(values[index])
        return values if self._names is None else dict(zip(self._names, values, strict=True))

    def _rows(self, rows: Sequence[Sequence[Any]]) -> Sequence[Row]:
        if self._reading:
            rows = [self.convert(row) for row in rows]
        return [self._make_row(row) for row in rows]

    def convert(self, part: Sequence[Any], start: int = 0) -> Sequence[Any]:
        """Returns the converted values of a row of `fetch`, or of a part of it that begins with the column `start`."""
        values, end = list(part), start + len(part)
        for index, process in self._reading:
            if start <= index < end and values[index - start] is not None:
                values[index - start] = process(values[index - start])
        return values

    def _translate(self, connection: Connection, error: Any) -> BaseException:
        lost = self._dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        base = self._dialect.loaded_dbapi.Error
        raised: BaseException = DBAPIError.instance(
            self.text, None, error, base, hide_parameters=True, connection_invalidated=lost, dialect=self._dialect
        )
        if lost:
            connection.invalidate(error)
        return raised


class RawRow:
    """A row as the driver returned it, or a part of one that begins with the column `start`. Its `values` are not
    converted. Equal raw rows of the same columns have equal values, so what was made of one can be used again."""

    __slots__ = ("_encoded", "_prepared", "_start", "values")

    def __init__(self, prepared: Prepared, values: Sequence[Any], start: int = 0) -> None:
        self._prepared, self.values, self._start = prepared, values, start
        self._encoded: bytes | None = None

    @property
    def _key(self) -> bytes:
        if self._encoded is None:
            self._encoded = json.encode(self.values)  # PostgreSQL's driver returns documents, which have no hash
        return self._encoded

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RawRow) and other._key == self._key and other._prepared.driver == self._prepared.driver

    def __hash__(self) -> int:
        return hash(self._key)

    def part(self, start: int, length: int) -> "RawRow":
        """Returns the part of a whole row that begins with the column `start`."""
        return RawRow(self._prepared, self.values[start : start + length], start)

    def read(self) -> Row:
        """Returns a whole row with converted values."""
        return self._prepared.read(self.values)

    def read_values(self) -> Sequence[Any]:
        """Returns the converted values of a row or a part."""
        return self._prepared.convert(self.values, self._start)


@dataclass(frozen=True, slots=True)
class _Driver:
    """The driver of a dialect. All engines of one driver have the same options, so they share compiled statements."""

    database: str
    name: str
    dialect: Dialect = field(compare=False)


@lru_cache(maxsize=_MOST_PREPARED)
def _prepare(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Prepared | None:
    """Returns the statement for parameters of these names, or None if its SQL depends on their values."""
    return _compile(statement, _Driver(dialect.name, dialect.driver, dialect), names)


@lru_cache(maxsize=_MOST_PREPARED)
def _compile(statement: Executable, driver: _Driver, names: tuple[str, ...]) -> Prepared | None:
    assert isinstance(statement, ClauseElement)
    compiled = statement.compile(dialect=driver.dialect, column_keys=list(names))
    assert isinstance(compiled, SQLCompiler)
    if any(parameter.required for parameter in compiled.post_compile_params):
        return None
    return Prepared(compiled, names, driver.dialect)


def _binding(sql_type: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return sql_type.dialect_impl(dialect).bind_processor(dialect)


def _reading(sql_type: TypeEngine[Any], dialect: Dialect) -> _Processor | None:
    return sql_type.dialect_impl(dialect).result_processor(dialect, None)


def _picking(keys: Sequence[str]) -> Callable[[Mapping[str, Any]], Any]:
    """Returns a function that returns the values of these keys in a tuple."""
    if len(keys) > 1:
        return itemgetter(*keys)
    return lambda parameters: tuple([parameters[key] for key in keys])
