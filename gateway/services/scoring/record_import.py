"""Imports behaviour records from a file: all of them, or none.

The records are written in small units of work and are invisible. The last unit publishes them. An import whose process
has ended, or that does not renew its row, is abandoned. Its records are removed before the next import, or by the
purge.
"""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import BinaryIO

from gateway.kit.clock import business_time
from gateway.kit.ids import Ids
from gateway.kit.outage import Outage
from gateway.services.imports.affected_persons import AffectedPersons
from gateway.services.processes import find_place
from gateway.services.scoring.abandoned_imports import AbandonedImports, abandon_ended, find_running
from gateway.services.scoring.record_files import RecordFile, RecordFileReader
from gateway.services.scoring.record_versions import Affected, VersionWriter
from gateway.store.database import Database
from gateway.store.outages import CONTENTION
from gateway.store.scoring.imports import ScoreImportRow
from gateway.store.unit import UnitOfWork

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class RecordsImported:
    """How many records an import has added, replaced by newer versions, and left unchanged, and how many persons it
    concerns. `import_id` is None if nothing changed."""

    import_id: str | None
    added: int = 0
    replaced: int = 0
    unchanged: int = 0
    persons: int = 0


class ImportRefused(Exception):
    """The import cannot run, or was abandoned. The message is a sentence for the operator."""


class RecordImport:
    """Imports one file at a time."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database, self._ids = database, ids
        self._reader, self._abandoned = RecordFileReader(database), AbandonedImports(database)

    def read(self, stream: BinaryIO, advance: Callable[[int], None] = lambda _: None) -> RecordFile:
        """Reads and checks a file. The caller closes its spool. Raises as `RecordFileReader.read` does."""
        return self._reader.read(stream, advance)

    def require_none_running(self) -> None:
        """Raises ImportRefused if an import is running."""
        self._database.read(_require_none_running)

    def run(self, file: RecordFile, advance: Callable[[int], None] = lambda _: None) -> RecordsImported:
        """Writes and publishes the records of a file without faults. `advance` is called with the number of rows of
        each batch. Raises ImportRefused, and Outage."""
        import_id = self._database.write(lambda unit: self._begin(unit, file.digest))
        try:
            self._abandoned.remove(may_continue=lambda: self._database.write(lambda unit: _renew(unit, import_id)))
            with closing(AffectedPersons()) as affected:
                return self._write(import_id, file, affected, advance)
        except BaseException:
            with suppress(Outage):  # it expires
                self._database.write(lambda unit: unit.score_imports.abandon(import_id, unit.wall))
            raise

    def _begin(self, unit: UnitOfWork, digest: str) -> str:
        unit.deployment.lock()  # so that two imports cannot begin at once
        abandon_ended(unit)
        _require_none_running(unit)
        row = ScoreImportRow(
            id=self._ids.new("imp"),
            digest=digest,
            started_at=unit.wall,
            place=find_place(),
            pid=os.getpid(),
            seen_at=unit.wall,
        )
        unit.score_imports.insert(row)
        return row.id

    def _write(
        self, import_id: str, file: RecordFile, affected: AffectedPersons, advance: Callable[[int], None]
    ) -> RecordsImported:
        writer, added, replaced = VersionWriter(import_id, self._ids), 0, 0
        for batch in file.spool.batches():

            def write(unit: UnitOfWork, batch: list[list[object]] = batch) -> tuple[int, int, Affected]:
                _renew(unit, import_id)
                return writer.write(unit, batch)

            added_now, replaced_now, persons = self._database.write(write)
            added, replaced = added + added_now, replaced + replaced_now
            affected.note(persons)
            advance(len(batch))
        unchanged = file.spool.rows - added - replaced
        if not added + replaced:
            self._database.write(lambda unit: unit.score_imports.delete(import_id))
            return RecordsImported(None, unchanged=unchanged)

        def publish(unit: UnitOfWork) -> None:
            _renew(unit, import_id)
            now = business_time(unit.wall, 0)
            for persons in affected.batches():
                unit.due_scores.mark_imported(persons, now)
            unit.contested_records.adjust_import(import_id)
            unit.score_imports.publish(import_id, unit.wall, added + replaced, replaced)

        self._publish(publish)
        return RecordsImported(import_id, added, replaced, unchanged, len(affected))

    def _publish(self, publish: Callable[[UnitOfWork], None]) -> None:
        """Repeats the unit if it meets one that computes the same scores."""
        for attempt in range(_ATTEMPTS):
            try:
                self._database.write(publish)
            except Outage as outage:
                if outage.uncertain or outage.code not in CONTENTION or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


def _renew(unit: UnitOfWork, import_id: str) -> bool:
    if not unit.score_imports.renew(import_id, unit.wall):
        raise ImportRefused("This import was suspended for too long and was abandoned. Nothing was imported.")
    return True


def _require_none_running(unit: UnitOfWork) -> None:
    running = find_running(unit)
    if running is not None:
        place = (running.place or "").partition(" ")[0]
        raise ImportRefused(
            f"Another import is running: {running.id}, process {running.pid} at {place}. Wait until it has ended."
        )
