"""Imported behaviour records, while a person contests them. A record has one version for each import that changed
it; all have the same source and reference. A version that a running import has written is not visible yet.

A record is contested by a person while its `contested_at` is the `opened_at` of the open dispute about it. It may also
be contested at its source; then the import has set the column.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, null, select, tuple_

from gateway.domain.scoring.record import BehaviourRecord, Dimension
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.base import Row
from gateway.store.repository import Repository
from gateway.store.scoring.record_disputes import IS_OPEN, RECORD_DISPUTES
from gateway.store.scoring.records import GATEWAY, OWN_IMPORT, RECORDS, VISIBLE, read_record
from gateway.store.statements import run_many

_R, _D = RECORDS.c, RECORD_DISPUTES.c
_LISTED = VISIBLE.add_columns(OWN_IMPORT.c.published_at.label("published_at"))
_BY_ID = _LISTED.where(_R.id == bindparam("record_id"))
_CURRENT = _LISTED.where(_R.source == bindparam("source"), _R.reference == bindparam("reference"), _R.source != GATEWAY)
_OF_USER = (
    _LISTED.where(_R.user_id == bindparam("user_id")).order_by(_R.at.desc(), _R.id.desc()).limit(bindparam("most"))
)
_OLDER = _OF_USER.where(
    tuple_(_R.at, _R.id) < tuple_(bindparam("first_at", type_=_R.at.type), bindparam("first_id", type_=_R.id.type))
)
_dimension = _R.dimension == bindparam("dimension")
_VERSIONS = RECORDS.update().where(
    _R.source == bindparam("of_source"), _R.reference == bindparam("of_reference"), _R.source != GATEWAY
)
_CONTEST = _VERSIONS.values(contested_at=bindparam("opened", type_=_R.contested_at.type))
_RELEASE = _VERSIONS.where(_R.contested_at == bindparam("opened", type_=_R.contested_at.type)).values(
    contested_at=null()
)
_REMOVE = (
    RECORDS.update()
    .where(_R.id == bindparam("record_id"))
    .values(removed_at=bindparam("removed", type_=_R.removed_at.type))
)
_IMPORTED = _VERSIONS.where(_R.import_id == bindparam("of_import"))
_CONTEST_IMPORTED = _IMPORTED.where(_R.contested_at.is_(None)).values(
    contested_at=bindparam("opened", type_=_R.contested_at.type)
)
_RELEASE_IMPORTED = _IMPORTED.where(_R.contested_at == bindparam("opened", type_=_R.contested_at.type)).values(
    contested_at=null()
)
_DISPUTED = select(
    _D.source.label("of_source"),
    _D.reference.label("of_reference"),
    _D.opened_at.label("opened"),
    IS_OPEN.label("open"),
)
_PAGES = {
    (False, False): _OF_USER,
    (True, False): _OF_USER.where(_dimension),
    (False, True): _OLDER,
    (True, True): _OLDER.where(_dimension),
}
"""The statements of `list_page`: with a dimension, and with a record after which the page begins."""


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A visible record. `is_own`: it is one of a decision of this deployment, whose id is `reference`.
    `published_at` is when its import was published, None for a record without one.
    `removed_at` is when a dispute about it was upheld."""

    record: BehaviourRecord
    user_id: str
    source: str
    reference: str
    is_own: bool
    published_at: WallTime | None
    removed_at: BusinessTime | None


class ContestedRecordRepository(Repository):
    """Reads visible records, removed ones too, and suspends, releases and removes imported ones."""

    def load(self, record_id: str) -> ListedRecord | None:
        """Returns the visible record, or None."""
        row = self._row(_BY_ID, record_id=record_id)
        return None if row is None else _read(row)

    def load_current(self, source: str, reference: str) -> ListedRecord | None:
        """Returns the visible version of a source's record, or None."""
        row = self._row(_CURRENT, source=source, reference=reference)
        return None if row is None else _read(row)

    def list_page(
        self, user_id: str, limit: int, *, dimension: Dimension | None = None, after: BehaviourRecord | None = None
    ) -> list[ListedRecord]:
        """Returns at most `limit` visible records of a person, newest first: those of a dimension, or all, that are
        older than `after`."""
        parameters: dict[str, object] = {"user_id": user_id, "most": limit}
        if dimension is not None:
            parameters["dimension"] = dimension.value
        if after is not None:
            parameters |= {"first_at": after.at, "first_id": after.id}
        statement = _PAGES[dimension is not None, after is not None]
        return [_read(row) for row in self._rows(statement, **parameters)]

    def contest(self, source: str, reference: str, opened_at: BusinessTime) -> None:
        """Notes that a dispute about the record has been opened."""
        self._execute(_CONTEST, of_source=source, of_reference=reference, opened=opened_at)

    def release(self, source: str, reference: str, opened_at: BusinessTime) -> None:
        """Notes that the dispute that was opened at `opened_at` has ended."""
        self._execute(_RELEASE, of_source=source, of_reference=reference, opened=opened_at)

    def remove(self, record_id: str, now: BusinessTime) -> None:
        """Notes that a version of a record does not count any more."""
        self._execute(_REMOVE, record_id=record_id, removed=now)

    def adjust_import(self, import_id: str) -> None:
        """Makes the records of an import that is being published agree with disputes that were opened or have ended
        while it was written."""
        disputes = self._rows(_DISPUTED)
        for is_open, statement in ((False, _RELEASE_IMPORTED), (True, _CONTEST_IMPORTED)):
            rows = [
                {
                    "of_import": import_id,
                    **{name: getattr(each, name) for name in ("of_source", "of_reference", "opened")},
                }
                for each in disputes
                if bool(each.open) is is_open
            ]
            if rows:
                run_many(self._connection, statement, rows)


def _read(row: Row) -> ListedRecord:
    return ListedRecord(
        record=read_record(row),
        user_id=row.user_id,
        source=row.source,
        reference=row.reference,
        is_own=row.source == GATEWAY,
        published_at=row.published_at,
        removed_at=row.removed_at,
    )
