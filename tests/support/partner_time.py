"""Reads and moves the business time of the demo partner in the database: the API cannot move it."""

import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlalchemy import text

from gateway.services.seeding import PARTNER
from gateway.store.database import Database
from tests.support.units import reading, writing

T = TypeVar("T")
LONGEST_WAIT = 30.0
_READ = text("SELECT clock_offset_seconds FROM partners WHERE name = :name")
_MOVE = text("UPDATE partners SET clock_offset_seconds = clock_offset_seconds + :more WHERE name = :name")


class PartnerTime:
    """The demo partner's business time in the database of a server, which may be running."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url

    @property
    def now(self) -> datetime:
        with closing(Database(self._database_url)) as database, reading(database) as unit:
            offset = unit.connection.execute(_READ, {"name": PARTNER}).scalar_one()
        return datetime.now(UTC) + timedelta(seconds=offset)

    def forward(self, length: timedelta) -> None:
        """Moves it forward. The server then applies the due transitions; wait for that with `until`."""
        with closing(Database(self._database_url)) as database, writing(database) as unit:
            unit.connection.execute(_MOVE, {"more": int(length.total_seconds()), "name": PARTNER})


def until(read: Callable[[], T], satisfied: Callable[[T], bool], longest: float = LONGEST_WAIT) -> T:
    """Calls `read` until its value satisfies the condition, and returns the value. After `longest` seconds it fails
    with the last value."""
    deadline = time.monotonic() + longest
    while not satisfied(value := read()):
        assert time.monotonic() < deadline, value
        time.sleep(0.02)
    return value
