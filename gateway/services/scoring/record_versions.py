"""Writes the rows of a file as records of an import, next to the versions that are visible."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.domain.scoring.record import NEGATIVE_KINDS, RecordKind, month_of
from gateway.domain.scoring.record_change import RecordChange
from gateway.kit.clock import BusinessTime
from gateway.kit.ids import Ids
from gateway.services.scoring.record_files import SPOOLED
from gateway.store.base import Row
from gateway.store.unit import UnitOfWork

Affected = Mapping[str, RecordChange]
"""Persons whose records changed, each with what that means for the score."""

_CONTENT = (*("user_id", "dimension", "kind", "partner", "amount_minor", "currency", "months", "at", "ended_at"),)


class VersionWriter:
    """Writes batches of one import. A row whose content is known is not written."""

    def __init__(self, import_id: str, ids: Ids) -> None:
        self._import_id, self._ids = import_id, ids
        self._is_new: dict[str, bool] = {}

    def write(self, unit: UnitOfWork, batch: Sequence[Sequence[Any]]) -> tuple[int, int, Affected]:
        """Writes a batch of the spool. Returns the numbers of added and replaced records, and the persons concerned."""
        rows = [_read(values) for values in batch]
        versions = self._load_versions(unit, rows)
        written, replaced, affected = list[dict[str, Any]](), list[str](), dict[str, RecordChange]()
        for row in rows:
            version = versions.get((row["source"], row["reference"]))
            if version is None:
                affected.setdefault(row["user_id"], RecordChange())
            elif _is_same(row, version):
                continue
            else:
                replaced.append(version.id)
                _note_affected(affected, row, version)
            written.append(self._columns(row, version, unit))
        unit.imported_records.insert_all(written)
        unit.imported_records.replace(replaced, self._import_id)
        return len(written) - len(replaced), len(replaced), affected

    def _load_versions(self, unit: UnitOfWork, rows: Iterable[dict[str, Any]]) -> Mapping[tuple[str, str], Row]:
        """The visible versions of the rows. A source that had no record before the import has none."""
        references = dict[str, list[str]]()
        for row in rows:
            references.setdefault(row["source"], []).append(row["reference"])
        versions = dict[tuple[str, str], Row]()
        for source, ids in references.items():
            if source not in self._is_new:
                self._is_new[source] = not unit.imported_records.has_source(source)
            if not self._is_new[source]:
                versions |= {
                    (source, each.reference): each for each in unit.imported_records.list_versions(source, ids)
                }
        return versions

    def _columns(self, row: dict[str, Any], version: Row | None, unit: UnitOfWork) -> dict[str, Any]:
        contested, contested_at = row.pop("contested"), version.contested_at if version is not None else None
        if contested is False and not (version is not None and version.is_disputed):
            contested_at = None
        elif contested:
            contested_at = contested_at or unit.wall
        return {
            **row,
            "id": self._ids.new("rec"),
            "import_id": self._import_id,
            "replaced_by": None,
            "month": month_of(row["at"]),
            "counts_from": None,
            "contested_at": contested_at,
            "removed_at": None,
        }


def _read(values: Sequence[Any]) -> dict[str, Any]:
    row = dict(zip(SPOOLED, values, strict=True))
    row["at"] = datetime.fromisoformat(row["at"])
    if row["ended_at"] is not None:
        row["ended_at"] = datetime.fromisoformat(row["ended_at"])
    return row


def _is_same(row: Mapping[str, Any], version: Row) -> bool:
    """Whether the row has the content of a version. A version that was removed, because a dispute was upheld, stays
    removed until its content changes; a person's open dispute does not end by `contested`."""
    contested, is_decided_here = row["contested"], version.removed_at is not None or version.is_disputed
    if not is_decided_here and contested is not None and contested != (version.contested_at is not None):
        return False
    return all(row[name] == getattr(version, name) for name in _CONTENT)


def _note_affected(affected: dict[str, RecordChange], row: Mapping[str, Any], version: Row) -> None:
    """Notes the persons of both versions, and what the change means for the earlier one."""
    affected.setdefault(row["user_id"], RecordChange())
    change = affected.setdefault(version.user_id, RecordChange())
    if version.removed_at is not None:
        return
    affected[version.user_id] = change.merge(RecordChange(_correct_from(row, version), _wrong_since(row, version)))


def _correct_from(row: Mapping[str, Any], version: Row) -> BusinessTime | None:
    """Since when the earlier version had counted as a negative record, if the newer one does not count as the same:
    the earlier person's tier is computed as if it never had."""
    if version.contested_at is not None or version.kind not in NEGATIVE_KINDS:
        return None
    is_contested = row["contested"] is True
    is_weaker = row["kind"] not in NEGATIVE_KINDS or (version.kind == RecordKind.BROKEN and row["kind"] != version.kind)
    if not is_contested and not is_weaker and row["user_id"] == version.user_id:
        return None
    begins = [version.counts_from or version.at, *([version.published_at] if version.published_at else [])]
    return BusinessTime(max(begins))


def _wrong_since(row: Mapping[str, Any], version: Row) -> BusinessTime | None:
    """Since when the earlier version had counted, if the newer one says that it was wrong: the record is about another
    person, is neither late nor broken, or is an assessment that was changed during a dispute about it. A broken
    obligation that is late now was settled, so it was not wrong."""
    is_denied = version.kind in NEGATIVE_KINDS and row["kind"] not in NEGATIVE_KINDS
    is_reassessed = version.kind == RecordKind.MONTHS and version.is_disputed
    is_wrong = is_denied or is_reassessed or row["user_id"] != version.user_id
    return BusinessTime(version.counts_from or version.at) if is_wrong else None
