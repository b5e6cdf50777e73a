"""What every table shares: names for constraints (so that batch migrations can find them) and column kinds."""

from typing import Any

from sqlalchemy import JSON, Column, LargeBinary, MetaData
from sqlalchemy import Table as CoreTable
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Field, Session, SQLModel

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Table(SQLModel):
    """Base of all tables."""

    metadata = metadata


def core(table: type[Table]) -> CoreTable:
    """The table below the model: rows read from it are not kept in the session, and their values come as they are."""
    return table.__table__  # type: ignore[attr-defined,no-any-return]  # SQLModel does not declare it


def json_column(*, optional: bool = False, **options: Any) -> Any:
    """A JSON document; null, SQL's own, only where it is optional."""
    return Field(sa_column=Column(JSON(none_as_null=True), nullable=optional), **options)


def bytes_column() -> Any:
    """Bytes, never null."""
    return Field(sa_column=Column(LargeBinary, nullable=False))


def insert_into(session: Session, table: type[Table]) -> Any:
    """An INSERT of the session's dialect, which knows ON CONFLICT."""
    return (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert(table)
