"""Limits how long a revision may wait and run on PostgreSQL. A migration that waits for a lock blocks all later queries
on the table, so it fails early. Run it again when the database is less busy."""

from typing import Any


def limit(op: Any, *, lock: str = "4s", statement: str = "10min") -> None:
    """Limits the statements of this revision's transaction. Does nothing on SQLite, where one process writes."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"SET LOCAL lock_timeout = '{lock}'")
        op.execute(f"SET LOCAL statement_timeout = '{statement}'")
