"""The persons whose records an import changes, for any number of persons in little memory."""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.kit.clock import BusinessTime

_CREATE = "CREATE TABLE affected (person TEXT PRIMARY KEY, since TEXT) WITHOUT ROWID"
_NOTE = (
    "INSERT INTO affected VALUES (?, ?) ON CONFLICT DO UPDATE SET since = min(coalesce(since, excluded.since),"
    " coalesce(excluded.since, since))"
)
_NEXT = "SELECT person, since FROM affected WHERE person > ? ORDER BY person LIMIT ?"
_BATCH = 1_000


class AffectedPersons:
    """Keeps the ids of persons, each with the earliest moment since when a record had counted that does not count any
    more. They are in a temporary SQLite database, which is deleted when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_CREATE)
        self._database.execute("BEGIN")

    def note(self, persons: Mapping[str, BusinessTime | None]) -> None:
        """Adds persons, each with such a moment or None."""
        rows = [(person, since and since.isoformat(timespec="microseconds")) for person, since in persons.items()]
        self._database.executemany(_NOTE, rows)

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM affected").fetchone()[0]
        return count

    def batches(self) -> Iterator[Mapping[str, BusinessTime | None]]:
        """Yields the persons in the order of their ids, in batches."""
        last = ""
        while rows := self._database.execute(_NEXT, (last, _BATCH)).fetchall():
            yield {person: since and BusinessTime(datetime.fromisoformat(since)) for person, since in rows}
            last = rows[-1][0]

    def close(self) -> None:
        """Deletes the database."""
        self._database.close()
