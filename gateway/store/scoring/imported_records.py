"""Behaviour records while they are imported: their earlier versions, and the removal of an unpublished import."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Integer, bindparam, null, select

from gateway.store.base import Row
from gateway.store.repository import Repository, insert_into
from gateway.store.scoring.record_disputes import IS_OPEN, RECORD_DISPUTES
from gateway.store.scoring.records import OWN_IMPORT, RECORDS, VISIBLE
from gateway.store.statements import run_many

_R, _D = RECORDS.c, RECORD_DISPUTES.c
_is_disputed = (
    select(_D.id).where(_D.source == _R.source, _D.reference == _R.reference, IS_OPEN).exists().label("is_disputed")
)
_VERSIONS = VISIBLE.add_columns(OWN_IMPORT.c.published_at.label("published_at"), _is_disputed).where(
    _R.source == bindparam("source"), _R.reference.in_(bindparam("refs", expanding=True))
)
_HAS_SOURCE = select(_R.id).where(_R.source == bindparam("source")).limit(1)
_INSERT = insert_into(RECORDS)
_REPLACE = RECORDS.update().where(_R.id == bindparam("record_id")).values(replaced_by=bindparam("newer"))
_most = bindparam("most", type_=Integer)
_DELETE = RECORDS.delete().where(_R.id.in_(select(_R.id).where(_R.import_id == bindparam("of_import")).limit(_most)))

_RESTORE = (
    RECORDS.update()
    .where(_R.id.in_(select(_R.id).where(_R.replaced_by == bindparam("of_import")).limit(_most)))
    .values(replaced_by=null())
)


class ImportedRecordRepository(Repository):
    """Reads and writes the records of imports."""

    def has_source(self, source: str) -> bool:
        """Returns whether there is a record of this source, also one of an unpublished import."""
        return self._value(_HAS_SOURCE, source=source) is not None

    def list_versions(self, source: str, references: Sequence[str]) -> Sequence[Row]:
        """Returns the visible records of a source with these ids: the columns of records, as `published_at` when
        their import was published, and as `is_disputed` whether a person's dispute about it is open."""
        return self._rows(_VERSIONS, source=source, refs=references)

    def insert_all(self, rows: Sequence[dict[str, Any]]) -> None:
        """Writes new records, given by their columns."""
        if rows:
            run_many(self._connection, _INSERT, rows)

    def replace(self, record_ids: Sequence[str], import_id: str) -> None:
        """Notes that the import has newer versions of these records."""
        if record_ids:
            run_many(self._connection, _REPLACE, [{"record_id": each, "newer": import_id} for each in record_ids])

    def remove(self, import_id: str, most: int) -> int:
        """Removes at most `most` records of an import that was abandoned, and restores as many that it had
        replaced. Returns how many rows it changed."""
        removed = self._execute(_DELETE, of_import=import_id, most=most)
        return removed or self._execute(_RESTORE, of_import=import_id, most=most)
