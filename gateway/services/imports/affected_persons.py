"""The persons whose records an import changes, for any number of persons in little memory."""

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.domain.scoring.record_change import RecordChange
from gateway.kit.clock import BusinessTime

_CREATE = "CREATE TABLE affected (person TEXT PRIMARY KEY, correct_from TEXT, wrong_since TEXT) WITHOUT ROWID"
_NOTE = (
    "INSERT INTO affected VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
    " correct_from = min(coalesce(correct_from, excluded.correct_from), coalesce(excluded.correct_from, correct_from)),"
    " wrong_since = min(coalesce(wrong_since, excluded.wrong_since), coalesce(excluded.wrong_since, wrong_since))"
)
_NEXT = "SELECT person, correct_from, wrong_since FROM affected WHERE person > ? ORDER BY person LIMIT ?"
_BATCH = 1_000


class AffectedPersons:
    """Keeps the ids of persons, each with what all changes of its records mean together. They are in a temporary SQLite
    database, which is deleted when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = OFF")
        self._database.execute(_CREATE)
        self._database.execute("BEGIN")

    def note(self, persons: Mapping[str, RecordChange]) -> None:
        """Adds persons, each with a change of its records."""
        rows = [(person, _write(each.correct_from), _write(each.wrong_since)) for person, each in persons.items()]
        self._database.executemany(_NOTE, rows)

    def __len__(self) -> int:
        count: int = self._database.execute("SELECT count(*) FROM affected").fetchone()[0]
        return count

    def batches(self) -> Iterator[Mapping[str, RecordChange]]:
        """Yields the persons in the order of their ids, in batches."""
        last = ""
        while rows := self._database.execute(_NEXT, (last, _BATCH)).fetchall():
            yield {person: RecordChange(_read(first), _read(second)) for person, first, second in rows}
            last = rows[-1][0]

    def close(self) -> None:
        """Deletes the database."""
        self._database.close()


def _write(moment: BusinessTime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _read(text: str | None) -> BusinessTime | None:
    return None if text is None else BusinessTime(datetime.fromisoformat(text))
