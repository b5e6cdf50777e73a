"""How long a revision may wait and work on PostgreSQL. A migration that queues for a lock holds up everybody who
queues behind it, so it gives up early; run it again when the database is quieter."""

from typing import Any


def limit(op: Any, *, lock: str = "4s", statement: str = "10min") -> None:
    """Limits the statements of this revision's transaction. Does nothing on SQLite, where one process writes."""
    if op.get_context().dialect.name == "postgresql":
        op.execute(f"SET LOCAL lock_timeout = '{lock}'")
        op.execute(f"SET LOCAL statement_timeout = '{statement}'")
