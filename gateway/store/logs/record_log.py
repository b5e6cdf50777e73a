"""The record log: one entry with a digest of the row per change of a consent, a contract, a client, a user or a set of
trusted documents. The rows themselves can be changed, so only this log shows a change by hand."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar

from sqlalchemy import Column, Connection, Index, Select, Table, bindparam, select

from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.ids import Ids
from gateway.kit.json import canonical
from gateway.kit.merkle import hash_leaf
from gateway.store.base import Row, table_of, values_of
from gateway.store.logs.tree_log import LogEntry, TreeLog
from gateway.store.logs.trees import LogTrees
from gateway.store.repository import Insert, insert_into
from gateway.store.statements import run


class RecordLogRow(LogEntry):
    """An entry. `kind` is the name of the table, `record_id` the id of the row, `digest` that of its columns; the
    public part has them too."""

    kind: str
    record_id: str
    digest: str


class RecordLogTable(RecordLogRow, table=True):
    __tablename__ = "record_log"
    __table_args__ = (Index("ix_record_log_kind_record_id_leaf_index", "kind", "record_id", "leaf_index"),)


RECORD_LOG = table_of(RecordLogTable)
NOT_IN_DIGEST = {"record_log": False}
"""The `info` of a column that is in no digest, because another log has what it says: a migration can fill it in older
rows, and writing it needs no entry."""
_BATCH = 1_000
"""A unit of work that changes more rows than this writes its entries in batches of this size."""


class RecordLog(TreeLog):
    """Notes which rows a unit of work has changed, and appends an entry for each at its end."""

    LOG: ClassVar[str] = "record"
    NOUN: ClassVar[str] = "rec"
    TABLE: ClassVar[Table] = RECORD_LOG
    INSERT: ClassVar[Insert] = insert_into(RECORD_LOG)

    def __init__(self, connection: Connection, wall: WallTime, trees: LogTrees, ids: Ids) -> None:
        super().__init__(connection, wall, trees)
        self._ids = ids
        self._noted: dict[tuple[str, str], Table] = {}

    def note(self, table: Table, record_id: str) -> None:
        """Notes that the unit of work inserts or changes a row."""
        self._noted[table.name, record_id] = table

    def append_noted(self) -> None:
        """Appends an entry for each noted row. Called once, at the end of the unit of work."""
        if len(self._noted) > _BATCH:
            self._append_many()
        else:
            for (kind, record_id), table in sorted(self._noted.items(), key=lambda each: each[0]):
                # Not by `_run`, which would append what was handed over, before the end of the transaction.
                for row in run(self._connection, _row_of(table), {"record_id": record_id}).rows:
                    self._append(kind, record_id, digest_record(values_of(row)))
        self._noted.clear()

    def _append_many(self) -> None:
        """Reads the rows in batches and computes their digests, then appends their entries in batches, which takes
        little memory. The heads of the logs are locked from the first batch of entries on, so digests come first."""
        digests = []
        for table in {table.name: table for table in self._noted.values()}.values():
            ids = sorted(record_id for kind, record_id in self._noted if kind == table.name)
            for start in range(0, len(ids), _BATCH):
                rows = run(self._connection, _rows_of(table), {"record_ids": ids[start : start + _BATCH]}).rows
                digests += [(table.name, row.id, digest_record(values_of(row))) for row in rows]
        digests.sort()
        for number, each in enumerate(digests, 1):
            self._append(*each)
            if number % _BATCH == 0:
                self._trees.append_all()

    def _append(self, kind: str, record_id: str, digest: str) -> None:
        entry_id = self._ids.new(self.NOUN)
        public = canonical(
            {
                "log": self.LOG,
                "version": 1,
                "id": entry_id,
                "kind": kind,
                "record": record_id,
                "digest": digest,
                "at": rfc3339(self._wall),
            }
        )
        columns = {
            "id": entry_id,
            "public": public.decode(),
            "kind": kind,
            "record_id": record_id,
            "digest": digest,
        }
        self._hand_over(columns, public)


@cache
def _row_of(table: Table) -> Select[Any]:
    return select(*digested_columns(table)).where(table.c.id == bindparam("record_id"))


@cache
def _rows_of(table: Table) -> Select[Any]:
    return select(*digested_columns(table)).where(table.c.id.in_(bindparam("record_ids", expanding=True)))


def digested_columns(table: Table) -> Sequence[Column[Any]]:
    """Returns the columns of a table that the digests of its rows are over."""
    return [column for column in table.c if column.info != NOT_IN_DIGEST]


def digest_record(values: Mapping[str, Any]) -> str:
    """Returns SHA-256 hex over the columns that are not null, zero or false, as JSON with sorted members. A new column
    does not change the digests of older rows. No column has both null and zero, or null and false, as values."""
    # Not as canonical JSON, which has no floats: key sets of clients that were registered long ago may have them.
    plain = {name: _plain(value) for name, value in values.items() if value not in (None, 0)}
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _plain(value: object) -> object:
    return rfc3339(value) if isinstance(value, datetime) else value


def hash_record_entry(row: Row | Any) -> bytes:
    """Returns the leaf hash of an entry, which is over its public text."""
    return hash_leaf(row.public.encode())
