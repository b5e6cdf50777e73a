"""Imports of behaviour records. The records of an import are visible once it is published."""

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.repository import Repository


class ScoreImportRow(Record):
    """One import of a file. `digest` is SHA-256 hex over the file, `rows` the number of its records. `published_at` is
    None until all records are written."""

    id: str = Field(primary_key=True)
    digest: str
    rows: int = 0
    started_at: WallTime = moment_column()
    published_at: WallTime | None = moment_column(default=None)


class ScoreImportTable(ScoreImportRow, table=True):
    __tablename__ = "score_imports"


IMPORTS = table_of(ScoreImportTable)
_BY_ID = select(IMPORTS).where(IMPORTS.c.id == bindparam("import_id"))
_ALL = select(IMPORTS).order_by(IMPORTS.c.id)
_PUBLISH = (
    IMPORTS.update()
    .where(IMPORTS.c.id == bindparam("import_id"), IMPORTS.c.published_at.is_(None))
    .values(published_at=bindparam("now"), rows=bindparam("records"))
)
_DELETE = IMPORTS.delete().where(IMPORTS.c.id == bindparam("import_id"), IMPORTS.c.published_at.is_(None))


class ScoreImportRepository(Repository):
    """Reads and writes imports."""

    def load(self, import_id: str) -> ScoreImportRow | None:
        """Returns the import, or None for an unknown id."""
        return self._first(ScoreImportRow, _BY_ID, import_id=import_id)

    def list_imports(self) -> list[ScoreImportRow]:
        """Returns all imports, oldest first, including unpublished ones."""
        return self._all(ScoreImportRow, _ALL)

    def insert(self, row: ScoreImportRow) -> None:
        """Writes a new import."""
        self._insert(IMPORTS, row)

    def publish(self, import_id: str, records: int, now: WallTime) -> bool:
        """Makes the records of the import visible. Returns False if it is unknown or was published before."""
        return self._execute(_PUBLISH, import_id=import_id, records=records, now=now) > 0

    def delete(self, import_id: str) -> None:
        """Deletes an unpublished import, which must have no records."""
        self._execute(_DELETE, import_id=import_id)
