"""What every table and record shares: the metadata, the names of constraints, and the kinds of columns.

A record (`ClientRow`) is a SQLModel model that is no table: it declares the columns once and validates what is put into
it. Its table (`ClientTable`) inherits it and is used in statements only.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
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


class Moment(UTCDateTime):
    """A point in time, in UTC. SQLite keeps it as a text without an offset, which is read here without the three calls
    that SQLAlchemy and SQLModel make for each."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """What turns the driver's value into a datetime."""
        return _read_moment if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _read_moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "Z")


class Record(SQLModel):
    """Base of all records. A record that was read is detached: a change is written by a statement."""

    metadata = metadata

    @classmethod
    def of_values(cls, values: Mapping[str, Any]) -> Self:
        """The record with the database's values, one for each column. They are not validated again, so this takes a
        third of the time of `model_construct`."""
        made: Self = cls.__new__(cls)
        made.__dict__.update(values)
        return made


R = TypeVar("R", bound=Record)


class Row(Protocol):
    """A row of a result: its values by place, and by column."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def __getattr__(self, column: str) -> Any: ...

    def __getitem__(self, place: Any) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


def table_of(model: type[Record]) -> Table:
    """The table that a model with `table=True` declares."""
    return model.__table__  # type: ignore[attr-defined,no-any-return]  # SQLModel does not declare it


def read_row(record: type[R], row: Row) -> R:
    """The record in a row that has its columns. The database's values are not validated again."""
    return record.of_values(values_of(row))


def values_of(row: Row) -> dict[str, Any]:
    """The row's values by column."""
    return dict(zip(row._fields, row, strict=True))


def json_column(*, optional: bool = False, **options: Any) -> Any:
    """A JSON document; null, SQL's own, only where it is optional."""
    return Field(sa_column=Column(JSON(none_as_null=True), nullable=optional), **options)


def moment_column(**options: Any) -> Any:
    """A point in time, in UTC. The annotation says which time it is: WallTime or BusinessTime."""
    return Field(sa_type=Moment, **options)


def bytes_column() -> Any:
    """Bytes, never null."""
    return Field(sa_column=Column(LargeBinary, nullable=False))


def amount_column() -> Any:
    """An amount in minor units, or a number of seconds; zero by default."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})
