"""Triggers that make a table append-only: its rows cannot be changed, replaced or deleted. The table must have an `id`,
and columns that number its rows: `sequence` for each merchant, or other ones.

On SQLite a separate trigger rejects a second row with the same id or number, because INSERT OR REPLACE fires the
DELETE trigger only if the connection has `recursive_triggers` on. On PostgreSQL the trigger fires ALWAYS, so that
`session_replication_role = replica` does not bypass it. It is a statement trigger, so it also covers MERGE and ON
CONFLICT DO UPDATE.
"""

from collections.abc import Sequence
from typing import Any

SQLITE_TRIGGERS = ("refuses_update", "refuses_delete", "refuses_replace")
POSTGRESQL_TRIGGER = "append_only"


def install(op: Any, table: str, *, numbered: Sequence[str] = ("merchant_id", "sequence")) -> None:
    """Makes the table append-only. `numbered` are the columns that are unique together. Call it again after every
    batch change, because on SQLite that rebuilds the table without its triggers. It changes nothing if the triggers
    exist."""
    for statement in _SQLITE if _sqlite(op) else _POSTGRESQL:
        op.execute(statement.format(table=table, same=" AND ".join(f"{name} = NEW.{name}" for name in numbered)))


def remove(op: Any, table: str) -> None:
    """Allows changes of rows. Only for a migration that calls `install` at its end."""
    for statement in _SQLITE_REMOVE if _sqlite(op) else _POSTGRESQL_REMOVE:
        op.execute(statement.format(table=table))


def _sqlite(op: Any) -> bool:
    return bool(op.get_context().dialect.name == "sqlite")


_SQLITE = (
    "CREATE TRIGGER IF NOT EXISTS {table}_refuses_update BEFORE UPDATE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS {table}_refuses_delete BEFORE DELETE ON {table} "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
    "CREATE TRIGGER IF NOT EXISTS {table}_refuses_replace BEFORE INSERT ON {table} "
    "WHEN EXISTS (SELECT 1 FROM {table} WHERE id = NEW.id) "
    "OR EXISTS (SELECT 1 FROM {table} WHERE {same}) "
    "OR EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid) "
    "BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END",
)
_SQLITE_REMOVE = tuple(f"DROP TRIGGER {{table}}_{trigger}" for trigger in SQLITE_TRIGGERS)

_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'restrict_violation'; END $$",
    "CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
    "FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()",
    "ALTER TABLE {table} ENABLE ALWAYS TRIGGER append_only",
)
_POSTGRESQL_REMOVE = (
    "DROP TRIGGER append_only ON {table}",
    "DROP FUNCTION {table}_append_only()",
)
