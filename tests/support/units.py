"""Units of work as `with` blocks, for tests. The gateway passes a function to `Database` instead."""

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.store.database import Database
from gateway.store.unit import UnitOfWork


@contextmanager
def reading(database: Database) -> Iterator[UnitOfWork]:
    """A unit of work as `Database.read` runs it."""
    with database._reading.connect() as connection:
        connection.begin()
        yield database._unit(connection)


@contextmanager
def writing(database: Database) -> Iterator[UnitOfWork]:
    """A unit of work as `Database.write` runs it: committed at the end of the block, rolled back if it raises."""
    with database._one_writer, database.writing_engine.begin() as connection:
        unit = database._unit(connection)
        yield unit
        unit.end()
        unit.trees.append_all()


def used_connections(database: Database) -> int:
    """Returns how many connections reading units of work have in use, on PostgreSQL also writing ones."""
    taken: int = database.engine.pool.checkedout()  # type: ignore[attr-defined]  # of QueuePool
    return taken - database._kept[0].unused
