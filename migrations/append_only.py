"""Triggers that make a table append-only: what is in it can be neither changed, nor replaced, nor removed. It has an
`id` and numbers the rows of each merchant in `sequence`.

SQLite refuses a second row for a place that is taken by itself, because INSERT OR REPLACE fires the DELETE trigger
only where `recursive_triggers` is on, which is each connection's own choice. On PostgreSQL the trigger fires ALWAYS,
so that `session_replication_role = replica` does not get past it; being a statement trigger it also sees MERGE and
ON CONFLICT DO UPDATE.
"""

from typing import Any

SQLITE_TRIGGERS = ("refuses_update", "refuses_delete", "refuses_replace")
POSTGRESQL_TRIGGER = "append_only"


def install(op: Any, table: str) -> None:
    """Makes the table append-only. Call it again after every batch change, which on SQLite rebuilds the table
    without its triggers; where they are still there it changes nothing."""
    for statement in _SQLITE if _sqlite(op) else _POSTGRESQL:
        op.execute(statement.format(table=table))


def remove(op: Any, table: str) -> None:
    """Lets rows be changed again; only for a migration, and only with `install` at its end."""
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
    "OR EXISTS (SELECT 1 FROM {table} WHERE merchant_id = NEW.merchant_id AND sequence = NEW.sequence) "
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
