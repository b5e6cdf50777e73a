"""The list of tables is complete, and all constraints and indexes have names."""

import importlib
import pkgutil

import pytest

import gateway.store
from gateway.store import tables
from gateway.store.base import Record
from gateway.store.database import Database
from gateway.store.logs.access_log import ACCESS_LOG
from gateway.store.logs.decision_log import DECISION_LOG
from migrations import runner

pytestmark = pytest.mark.postgresql


def test_every_module_with_a_table_is_imported() -> None:
    """A table in a module that `tables` does not import would have no migration."""
    before = set(tables.metadata.tables)
    for module in pkgutil.walk_packages(gateway.store.__path__, "gateway.store."):
        importlib.import_module(module.name)
    assert set(tables.metadata.tables) == before
    listed = {module.__name__ for module in tables.MODULES}
    owners = {mapper.class_.__module__ for mapper in Record._sa_registry.mappers}
    assert owners <= listed


def test_logs_do_not_share_columns() -> None:
    assert ACCESS_LOG.c.sealed is not DECISION_LOG.c.sealed


def test_every_constraint_and_index_has_a_name() -> None:
    """Batch mode can drop only named constraints and indexes."""
    for table in tables.metadata.tables.values():
        assert all(constraint.name for constraint in table.constraints)
        assert all(index.name for index in table.indexes)


def test_a_migrated_database_has_the_tables_of_the_code(database: Database, database_url: str) -> None:
    runner.check(database_url)
