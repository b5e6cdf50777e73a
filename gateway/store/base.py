"""The base of tables and records: the metadata, the names of constraints, and the types of columns.

A record (`ClientRow`) is a SQLModel model without a table: it declares the columns and validates its values. Its table
(`ClientTable`) inherits it and is used in statements only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import JSON, BigInteger, Column, Dialect, LargeBinary, MetaData, Table, text
from sqlmodel import Field, SQLModel
from sqlmodel.sql.sqltypes import UTCDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


_LENGTH = len("2026-01-01 00:00:00.000000")


class Moment(UTCDateTime):
    """A point in time in UTC. SQLite stores it as text without an offset. Converting it here avoids three calls of
    SQLAlchemy and SQLModel per value."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """Returns the function that converts a datetime to the driver's value."""
        return _write_moment if dialect.name == "sqlite" else super().bind_processor(dialect)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Returns the function that converts the driver's value to a datetime."""
        return _read_moment if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _write_moment(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise ValueError("a moment without timezone information cannot be stored")
    return moment.astimezone(UTC).isoformat(" ", "microseconds")[:_LENGTH]


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "Z")


class Record(SQLModel):
    """Base of all records. A record is detached from the database: changes are written by a statement."""

    metadata = metadata

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Self:
        """Returns a record with the database's values, one for each column. They are not validated again, so this takes
        a third of the time of `model_construct`."""
        record: Self = cls.__new__(cls)
        record.__dict__.update(values)
        return record


R = TypeVar("R", bound=Record)


class Row(Protocol):
    """A row of a result: its values by index and by column."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def __getattr__(self, column: str) -> Any: ...

    def __getitem__(self, index: Any) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


def table_of(model: type[Record]) -> Table:
    """Returns the table that a model with `table=True` declares."""
    return model.__table__  # type: ignore[attr-defined,no-any-return]  # SQLModel does not declare it


def columns_of(table: Table, record: type[Record]) -> Sequence[Column[Any]]:
    """Returns the columns of a table in the order of the fields of its record."""
    return [table.c[name] for name in record.model_fields]


def record_of(record: type[R], values: Iterable[Any]) -> R:
    """Returns a record with the values of the columns of `columns_of`. They are not validated again."""
    return record.of_values(dict(zip(record.model_fields, values, strict=True)))


def read_row(record: type[R], row: Row) -> R:
    """Returns the record in a row that has its columns. The values are not validated again."""
    return record.of_values(values_of(row))


def values_of(row: Row) -> dict[str, Any]:
    """Returns the row's values by column."""
    return dict(zip(row._fields, row, strict=True))


def json_column(*, optional: bool = False, **options: Any) -> Any:
    """Returns a column with a JSON document. Only an optional one can be NULL."""
    return Field(sa_column=Column(JSON(none_as_null=True), nullable=optional), **options)


def moment_column(**options: Any) -> Any:
    """Returns a column with a point in time in UTC. The annotation of the field is WallTime or BusinessTime."""
    return Field(sa_type=Moment, **options)


def bytes_column(*, optional: bool = False, **options: Any) -> Any:
    """Returns a column with bytes. Only an optional one can be NULL."""
    return Field(sa_column=Column(LargeBinary, nullable=optional), **options)


def amount_column() -> Any:
    """Returns a column with an amount in minor units or a number of seconds; zero by default."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
