"""The list of tables is complete, and each table is named and placed as the migrations expect it."""

import importlib
import pkgutil

import gateway.store
from gateway.store import tables
from gateway.store.access_log import AccessLogRow
from gateway.store.database import Database
from gateway.store.decision_log import DecisionLogRow
from migrations import runner


def test_every_module_with_a_table_is_imported() -> None:
    """A table that `tables` does not import is one that no migration creates."""
    before = set(tables.metadata.tables)
    for module in pkgutil.iter_modules(gateway.store.__path__):
        importlib.import_module(f"gateway.store.{module.name}")
    assert set(tables.metadata.tables) == before
    listed = {module.__name__ for module in tables.MODULES}
    owners = {
        mapper.class_.__module__ for mapper in AccessLogRow._sa_registry.mappers if mapper.class_.__table__ is not None
    }
    assert owners <= listed


def test_the_two_logs_do_not_share_a_column() -> None:
    assert AccessLogRow.__table__.c.sealed is not DecisionLogRow.__table__.c.sealed  # type: ignore[attr-defined]


def test_every_constraint_and_index_has_a_name() -> None:
    """Batch mode can drop only what has a name."""
    for table in tables.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)


def test_a_migrated_database_has_the_tables_of_the_code(database: Database, database_url: str) -> None:
    runner.check(database_url)
