"""The first line of a file that has a key, for any number of keys in little memory."""

import sqlite3
from collections.abc import Sequence
from hashlib import sha256

from gateway.kit import json

_CREATE = "CREATE TABLE first_lines (digest BLOB PRIMARY KEY, line INTEGER) WITHOUT ROWID"
_INSERT = "INSERT INTO first_lines VALUES (?, ?) ON CONFLICT DO UPDATE SET line = line RETURNING line"
_CACHE = 16_384
"""Kibibytes of memory. With less, the random order of digests makes it slow for hundreds of thousands of keys."""


class FirstLines:
    """Keeps digests of keys in a temporary SQLite database. SQLite keeps a small part of it in memory, and deletes the
    file when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(f"PRAGMA cache_size = -{_CACHE}")
        self._database.execute(_CREATE)
        self._database.execute("BEGIN")

    def note(self, key: Sequence[str], line: int) -> int:
        """The line that was noted first for this key; `line` itself for a new key."""
        digest = sha256(json.encode(key)).digest()
        first: int = self._database.execute(_INSERT, (digest, line)).fetchone()[0]
        return first

    def close(self) -> None:
        """Deletes the database."""
        self._database.close()
