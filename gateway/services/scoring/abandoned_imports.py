"""Abandons imports that have ended without a publication, and removes their records."""

from collections.abc import Callable
from datetime import timedelta

from gateway.kit.clock import WallTime
from gateway.services.processes import find_place, is_running
from gateway.store.database import Database
from gateway.store.scoring.imports import ScoreImportRow
from gateway.store.unit import UnitOfWork

EXPIRES_AFTER = timedelta(minutes=5)
"""An import that has not renewed its row for so long has ended."""

BATCH = 1_000
"""Records that one unit of work removes."""


class AbandonedImports:
    """Removes the records of imports that have ended. Several processes can do this at once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remove(self, most_batches: int | None = None, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Removes records, in at most so many batches. Asks `may_continue` before each batch, and stops if it is false.
        Returns how many rows changed: records that were deleted, or are not replaced any more."""
        if not self._database.read(lambda unit: unit.score_imports.list_unpublished()):
            return 0
        self._database.write(abandon_ended)
        changed = batches = 0
        for each in self._database.read(lambda unit: unit.score_imports.list_unpublished()):
            while each.abandoned_at is not None and batches != most_batches and may_continue():
                batches += 1
                rows = self._remove_batch(each.id)
                changed += rows
                if not rows:
                    break
        return changed

    def _remove_batch(self, import_id: str) -> int:
        def remove(unit: UnitOfWork) -> int:
            rows = unit.imported_records.remove(import_id, BATCH)
            if not rows:
                unit.score_imports.delete(import_id)
            return rows

        return self._database.write(remove)


def find_running(unit: UnitOfWork) -> ScoreImportRow | None:
    """Returns an import that is running, or None."""
    return next(
        (
            each
            for each in unit.score_imports.list_unpublished()
            if each.abandoned_at is None and not _has_ended(each, unit.wall)
        ),
        None,
    )


def abandon_ended(unit: UnitOfWork) -> None:
    """Abandons the imports that have ended without a publication."""
    for each in unit.score_imports.list_unpublished():
        if each.abandoned_at is None and _has_ended(each, unit.wall):
            unit.score_imports.abandon(each.id, unit.wall)


def _has_ended(row: ScoreImportRow, now: WallTime) -> bool:
    if row.seen_at is None or row.pid is None or now - row.seen_at > EXPIRES_AFTER:
        return True
    return row.place == find_place() and not is_running(row.pid)
