"""Short forms for the columns and constraints of new tables, with the constraint names of gateway.store.base. Released
revisions use these functions: add new ones, but never change what one of them returns."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime


def text(*names: str) -> Iterator[Any]:
    """Returns text columns of any length. In all these functions a name that ends in "?" may be null."""
    return _columns(AutoString, names)


def moment(*names: str) -> Iterator[Any]:
    """Returns columns with points in time in UTC."""
    return _columns(UTCDateTime, names)


def number(*names: str) -> Iterator[Any]:
    return _columns(sa.Integer, names)


def large_number(*names: str) -> Iterator[Any]:
    return _columns(sa.BigInteger, names)


def total(*names: str) -> Iterator[Any]:
    """Returns columns with amounts in minor units; zero by default."""
    return (sa.Column(name, sa.BigInteger(), nullable=False, server_default=sa.text("0")) for name in names)


def flag(*names: str) -> Iterator[Any]:
    """Returns boolean columns; false by default."""
    return (sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()) for name in names)


def document(*names: str) -> Iterator[Any]:
    """Returns columns with JSON documents."""
    return _columns(sa.JSON, names)


def octets(*names: str) -> Iterator[Any]:
    """Returns columns with bytes."""
    return _columns(sa.LargeBinary, names)


def create(table: str, *parts: Any, key: tuple[str, ...] = ("id",)) -> None:
    """Creates a table with these columns and constraints and the primary key `key`."""
    op.create_table(table, *parts, sa.PrimaryKeyConstraint(*key, name=f"pk_{table}"))


def add(table: str, *columns: Any) -> None:
    """Adds columns that are nullable or have a server default."""
    for column in columns:
        op.add_column(table, column)


def drop(table: str, *names: str) -> None:
    for name in names:
        op.drop_column(table, name)


def unique(table: str, *names: str) -> Any:
    return sa.UniqueConstraint(*names, name=f"uq_{table}_{'_'.join(names)}")


def reference(table: str, column: str, target: str) -> Any:
    """Returns a foreign key to the `id` of another table."""
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}")


def index(table: str, *names: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, list(names))


def _columns(kind: Any, names: tuple[str, ...]) -> Iterator[Any]:
    return (sa.Column(name.rstrip("?"), kind(), nullable=name.endswith("?")) for name in names)
