"""Grows a SQLite database that the gateway has written: copies its decisions in SQL, with their log entries, messages
and idempotency records, until it has as many as after years.

A copy belongs to the same person and merchant, is older than its original, and has ended: it expired if the original is
an approval. So it is in no total. The text of a copied log entry is that of the original, and so is its leaf hash. The
trees are computed from these hashes, so that the services can append.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from gateway.kit.merkle import Frontier

MOST_ROUNDS = 9_999
_ID = "substr({0}, 1, length({0}) - 26) || printf('00%04d', number) || substr({0}, -20)"
"""The id of a copy. Ids begin with the time, so this sorts before those of the originals, and by the number."""
_OLDER = "strftime('%Y-%m-%d %H:%M:%S', {0}, (number - :rounds) || ' hours') || substr({0}, 20)"
_NUMBERED = "{0} || '-' || number"
_LATER_LEAF = "{0} + number * :entries"
_CHANGED = {
    "decisions": {
        "id": _ID,
        "merchant_reference": _NUMBERED,
        "status": "replace({0}, 'APPROVED', 'EXPIRED')",
        "committed_minor": "0",
        "exposure_minor": "0",
        "next_transition_at": "NULL",
        "created_at": _OLDER,
        "updated_at": _OLDER,
    },
    "idempotency_records": {"key": _NUMBERED, "decision_id": _ID},
    "outbox": {"id": _ID, "aggregate_id": _ID},
    "decision_log": {"id": _ID, "decision_id": _ID, "leaf_index": _LATER_LEAF},
    "access_log": {"id": _ID, "leaf_index": _LATER_LEAF},
}
"""The columns of a copy that differ from those of the original, in each table that a decision adds rows to."""
_LOGS = {"decision": "decision_log", "access": "access_log"}


def grow(file: Path, decisions: int) -> None:
    """Copies all decisions until the database has this number. The file is on the disk when this returns. Raises
    ValueError unless the number is a multiple of that of the decisions, at most MOST_ROUNDS times as much."""
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        (stored,) = database.execute("SELECT count(*) FROM decisions").fetchone()
        rounds, rest = divmod(decisions, stored)
        if rest or not 1 <= rounds <= MOST_ROUNDS:
            raise ValueError(f"{decisions} is not a multiple of {stored}, or too much.")
        _copy_rows(database, rounds)
    handle = os.open(file, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def _copy_rows(database: sqlite3.Connection, rounds: int) -> None:
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -1048576", "temp_store = MEMORY"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("BEGIN")
    triggers = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        database.execute(f"DROP TRIGGER {name}")
    for log, table in _LOGS.items():
        _grow_tree(database, log, table, rounds)
    for table, changed in _CHANGED.items():
        _copy_table(database, table, changed, rounds)
    for _, statement in triggers:
        database.execute(statement)
    database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")


def _grow_tree(database: sqlite3.Connection, log: str, table: str, rounds: int) -> None:
    """Adds the leaf hashes of the entries to the tree again, once for each further round."""
    size, hashes = database.execute("SELECT size, frontier FROM log_trees WHERE log = ?", (log,)).fetchone()
    leaves = [row[0] for row in database.execute(f"SELECT leaf_hash FROM {table} ORDER BY leaf_index")]
    tree, subtrees = Frontier(size, hashes), list[tuple[str, int, int, bytes]]()

    def keep(height: int, position: int, subtree_hash: bytes) -> None:
        subtrees.append((log, height, position, subtree_hash))

    for _ in range(rounds - 1):
        for leaf in leaves:
            tree.append(leaf, keep)
    database.executemany("INSERT INTO log_subtrees (log, height, position, hash) VALUES (?, ?, ?, ?)", subtrees)
    moved = (tree.size, tree.encode(), log)
    database.execute("UPDATE log_trees SET size = ?, frontier = ? WHERE log = ?", moved)


def _copy_table(database: sqlite3.Connection, table: str, changed: dict[str, str], rounds: int) -> None:
    """Copies the rows of a table for each further round, the oldest round first."""
    columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(changed.get(column, "{0}").format(f"original.{column}") for column in columns)
    database.execute(f"CREATE TEMPORARY TABLE original AS SELECT * FROM main.{table} ORDER BY rowid")
    (entries,) = database.execute("SELECT count(*) FROM original").fetchone()
    database.execute(
        "WITH RECURSIVE round (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM round WHERE number < :rounds)"
        f" INSERT INTO main.{table} ({', '.join(columns)})"
        f" SELECT {values} FROM round CROSS JOIN original WHERE number < :rounds",
        {"rounds": rounds, "entries": entries},
    )
    database.execute("DROP TABLE original")
