"""An operator who moves a partner's time: no call of the API does that yet."""

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
            ahead = unit.connection.execute(_READ, {"name": PARTNER}).scalar_one()
        return datetime.now(UTC) + timedelta(seconds=ahead)

    def forward(self, length: timedelta) -> None:
        """Moves it on. What that does to decisions and disputes is the server's work: wait for it with `until`."""
        with closing(Database(self._database_url)) as database, writing(database) as unit:
            unit.connection.execute(_MOVE, {"more": int(length.total_seconds()), "name": PARTNER})


def until(read: Callable[[], T], satisfied: Callable[[T], bool]) -> T:
    """What `read` answers as soon as that satisfies. Fails with what it answered last after half a minute."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not satisfied(found := read()):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found
