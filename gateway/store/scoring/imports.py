"""Imports of behaviour records. The records of an import are visible once it is published."""

from sqlalchemy import bindparam, null, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class ScoreImportRow(Record):
    """One import of a file. `digest` is SHA-256 hex over the file, `rows` the number of records that it has written, of
    which `replaced` are newer versions. `published_at` is None until all records are written. Until then the import
    belongs to the process `pid` at `place`, which renews `seen_at`. `abandoned_at` is when it was abandoned: then its
    records are deleted, and it cannot be published."""

    id: str = Field(primary_key=True)
    digest: str
    rows: int = 0
    replaced: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    started_at: WallTime = moment_column()
    published_at: WallTime | None = moment_column(default=None)
    place: str | None = None
    pid: int | None = None
    seen_at: WallTime | None = moment_column(default=None)
    abandoned_at: WallTime | None = moment_column(default=None)


class ScoreImportTable(ScoreImportRow, table=True):
    __tablename__ = "score_imports"


IMPORTS = table_of(ScoreImportTable)
_I = IMPORTS.c
_BY_ID = select(IMPORTS).where(_I.id == bindparam("import_id"))
_PUBLISHED = select(IMPORTS).where(_I.published_at.is_not(None)).order_by(_I.id)
_UNPUBLISHED = select(IMPORTS).where(_I.published_at.is_(None)).order_by(_I.id)
_OPEN = IMPORTS.update().where(_I.id == bindparam("import_id"), _I.published_at.is_(None), _I.abandoned_at.is_(None))
_RENEW = _OPEN.values(seen_at=bindparam("now"))
_ABANDON = _OPEN.values(abandoned_at=bindparam("now"))
_PUBLISH = _OPEN.values(
    published_at=bindparam("now"),
    rows=bindparam("records"),
    replaced=bindparam("newer"),
    place=null(),
    pid=null(),
    seen_at=null(),
)
_DELETE = IMPORTS.delete().where(_I.id == bindparam("import_id"), _I.published_at.is_(None))


class ScoreImportRepository(Repository):
    """Reads and writes imports."""

    def load(self, import_id: str) -> ScoreImportRow | None:
        """Returns the import, or None for an unknown id."""
        return self._first(ScoreImportRow, _BY_ID, import_id=import_id)

    def list_published(self) -> list[ScoreImportRow]:
        """Returns the published imports, oldest first."""
        return self._all(ScoreImportRow, _PUBLISHED)

    def list_unpublished(self) -> list[ScoreImportRow]:
        """Returns the imports that are running, or were abandoned and still have records, oldest first."""
        return self._all(ScoreImportRow, _UNPUBLISHED)

    def insert(self, row: ScoreImportRow) -> None:
        """Writes a new import."""
        self._insert(IMPORTS, row)

    def renew(self, import_id: str, now: WallTime) -> bool:
        """Notes that the import is running. Returns False if it is unknown, abandoned or published."""
        return self._execute(_RENEW, import_id=import_id, now=now) > 0

    def abandon(self, import_id: str, now: WallTime) -> bool:
        """Abandons an import, so that it cannot be published. Returns False if it is unknown, abandoned or
        published."""
        return self._execute(_ABANDON, import_id=import_id, now=now) > 0

    def publish(self, import_id: str, now: WallTime, records: int = 0, replaced: int = 0) -> bool:
        """Makes the records of the import visible. Returns False if it is unknown, abandoned or published."""
        return self._execute(_PUBLISH, import_id=import_id, records=records, newer=replaced, now=now) > 0

    def delete(self, import_id: str) -> None:
        """Deletes an unpublished import, which must have no records."""
        self._execute(_DELETE, import_id=import_id)
