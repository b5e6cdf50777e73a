"""Deletes behaviour records that have no weight any more, old computations, and what ended imports have left."""

from collections.abc import Callable, Mapping

from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.record import month_of, month_start
from gateway.kit.clock import WallTime
from gateway.services.scoring.abandoned_imports import AbandonedImports
from gateway.store.database import Database
from gateway.store.scoring.records import RECORDS
from gateway.store.scoring.scores import SNAPSHOTS
from gateway.store.unit import UnitOfWork

KEPT_MONTHS = 60
"""The months for which computations are kept, and negative records after their end. A card's fade can be longer."""

Deletion = Callable[[UnitOfWork, int], int]
"""Deletes at most so many rows, and returns how many."""


class ScorePurge:
    """Deletes rows in small units of work. Several processes can do this at once."""

    def __init__(self, database: Database, cards: CardVersions) -> None:
        self._database, self._abandoned = database, AbandonedImports(database)
        rules = [card.rules for card in cards]
        self._kept = max(each.kept_fade.zero for each in rules)
        self._negative = max(KEPT_MONTHS, *(each.negative_fade.zero for each in rules))
        self._assessed = max(each.assessment_life for each in rules)

    def purge(self, most_batches: int, batch: int, may_continue: Callable[[], bool]) -> Mapping[str, int]:
        """Deletes at most `most_batches` batches of each kind. Returns the number of deleted rows by table."""
        deletions: tuple[Deletion, ...] = (self._kept_records, self._late, self._broken, self._assessments)
        records = sum(self._repeat(each, most_batches, batch, may_continue) for each in deletions)
        records += self._abandoned.remove(most_batches, may_continue)
        return {
            RECORDS.name: records,
            SNAPSHOTS.name: self._purge_snapshots(most_batches, batch, may_continue),
        }

    def _purge_snapshots(self, most_batches: int, batch: int, may_continue: Callable[[], bool]) -> int:
        """Goes on after those that stay, so that they do not stop the purge if they fill a batch."""
        deleted, after = 0, ""
        for _ in range(most_batches):
            if not may_continue():
                break

            def delete(unit: UnitOfWork, after: str = after) -> tuple[int, str | None]:
                before = WallTime(month_start(month_of(unit.wall) - KEPT_MONTHS))
                return unit.score_purges.delete_snapshots(before, after, batch)

            rows, last = self._database.write(delete)
            deleted += rows
            if last is None:
                break
            after = last
        return deleted

    def _repeat(self, delete: Deletion, most_batches: int, batch: int, may_continue: Callable[[], bool]) -> int:
        deleted = 0
        for _ in range(most_batches):
            if not may_continue():
                break
            rows = self._database.write(lambda unit: delete(unit, batch))
            deleted += rows
            if rows < batch:
                break
        return deleted

    def _kept_records(self, unit: UnitOfWork, most: int) -> int:
        return unit.score_purges.delete_kept(month_of(unit.wall) - self._kept, most)

    def _late(self, unit: UnitOfWork, most: int) -> int:
        return unit.score_purges.delete_late(month_of(unit.wall) - self._negative, most)

    def _broken(self, unit: UnitOfWork, most: int) -> int:
        last = month_of(unit.wall) - self._negative
        return unit.score_purges.delete_broken(last, month_start(last + 1), most)

    def _assessments(self, unit: UnitOfWork, most: int) -> int:
        return unit.score_purges.delete_assessments(month_of(unit.wall) - self._assessed, most)
