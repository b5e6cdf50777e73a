"""Computes many due scores at once, for commands: several persons in each unit of work."""

from collections.abc import Callable, Sequence

from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.outage import Outage
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.database import Database
from gateway.store.outages import CONTENTION
from gateway.store.unit import UnitOfWork

BATCH = 50
"""Persons of one unit of work. Requests wait for a unit on SQLite, and on PostgreSQL only those of the same persons."""


class ScoreComputation:
    """Computes the scores that are due, and those of an earlier card."""

    def __init__(self, database: Database, source: ScorecardSource) -> None:
        self._database, self._source = database, source

    def count_due(self) -> int:
        """Returns how many scores are due, by wall time."""
        return self._database.read(lambda unit: unit.due_scores.count_due(*self._now(unit, 0)))

    def compute_all(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """Computes all scores that are due, for each partner in its business time, and for persons without one. Calls
        `advance` with the number of persons of each batch. Returns how many it computed. Raises Outage."""
        offsets = self._database.read(lambda unit: unit.due_scores.list_offsets())
        return sum(self._compute_of(partner_id, offset, advance) for partner_id, offset in offsets.items())

    def _compute_of(self, partner_id: str | None, offset: int, advance: Callable[[int], None]) -> int:
        last, computed = "", 0
        while batch := self._list_due(last, partner_id, offset):
            self._compute_batch(batch, offset)
            last, computed = batch[-1], computed + len(batch)
            advance(len(batch))
        return computed

    def _list_due(self, after: str, partner_id: str | None, offset: int) -> list[str]:
        def list_due(unit: UnitOfWork) -> list[str]:
            return unit.due_scores.list_due_after(after, partner_id, *self._now(unit, offset), BATCH)

        return self._database.read(list_due)

    def _now(self, unit: UnitOfWork, offset: int) -> tuple[BusinessTime, str]:
        now = business_time(unit.wall, offset)
        return now, self._source.cards.at(now).hash

    def _compute_batch(self, users: Sequence[str], offset: int) -> None:
        """Computes the scores in one unit. If it meets another unit that computes some of them, in one unit each."""
        try:
            self._compute(users, offset)
        except Outage as outage:
            if outage.code not in CONTENTION:
                raise
            for user_id in users:
                self._compute([user_id], offset)

    def _compute(self, users: Sequence[str], offset: int) -> None:
        def compute(unit: UnitOfWork) -> None:
            now = business_time(unit.wall, offset)
            for user_id in users:
                self._source.compute(unit, user_id, now)

        self._database.write(compute)
