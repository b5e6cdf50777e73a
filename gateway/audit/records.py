"""Compares consents, merchants with their contracts, clients, users and sets of trusted documents with the record log:
each has the digest in its newest entry, and each row in the log exists."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, Table, bindparam, select

from gateway.audit.batches import read_batches
from gateway.audit.log_report import Finding, FindingKind
from gateway.store.base import values_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.clients import CLIENTS
from gateway.store.identity.trusted_documents import DOCUMENT_SETS
from gateway.store.identity.users import USERS
from gateway.store.logs.record_log import RECORD_LOG, RecordLog, digest_record, digested_columns
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.unit import UnitOfWork

RECORDS: Mapping[str, Table] = {
    "consent": CONSENTS,
    "merchant": MERCHANTS,
    "client": CLIENTS,
    "user": USERS,
    "set of trusted documents": DOCUMENT_SETS,
}
"""The tables that the record log covers, by the noun of their rows."""

_LOG = RECORD_LOG.c
_ENTRIES: Executable = (
    select(_LOG.id, _LOG.leaf_index, _LOG.record_id, _LOG.digest)
    .where(_LOG.kind == bindparam("kind"), _LOG.record_id.in_(bindparam("ids", expanding=True)))
    .order_by(_LOG.leaf_index)
)


def compare_records(unit: UnitOfWork, batch: int) -> Iterator[tuple[str, Finding | None]]:
    """Yields the id of every row, with a finding if it differs from its newest entry, then a finding for each row in
    the log that does not exist. Rows are read in batches."""
    for noun, table in RECORDS.items():
        for rows in read_batches(unit.connection, select(*digested_columns(table)), (table.c.id,), batch):
            newest = _read_newest(unit, table, rows)
            for row in rows:
                yield row.id, _compare(noun, row, newest.get(row.id))
        removed = select(RECORD_LOG).where(_LOG.kind == table.name, _LOG.record_id.not_in(select(table.c.id)))
        entry = unit.connection.execute(removed.order_by(_LOG.leaf_index).limit(1)).first()
        if entry is not None:
            sentence = f"Removed: the {noun} {entry.record_id} of entry {entry.id} does not exist."
            yield entry.record_id, _finding(FindingKind.RECORD_REMOVED, entry, sentence)


def _read_newest(unit: UnitOfWork, table: Table, rows: Sequence[Row[Any]]) -> Mapping[str, Row[Any]]:
    entries = unit.connection.execute(_ENTRIES, {"kind": table.name, "ids": [row.id for row in rows]})
    return {entry.record_id: entry for entry in entries}


def _compare(noun: str, row: Row[Any], newest: Row[Any] | None) -> Finding | None:
    if newest is None:
        sentence = f"Not logged, or removed at the end: the record log has no entry for the {noun} {row.id}."
        return Finding(FindingKind.NOT_LOGGED, RecordLog.LOG, None, None, sentence)
    try:
        digest = digest_record(values_of(row))
    except (TypeError, ValueError):  # values that the gateway never writes
        digest = None
    if digest == newest.digest:
        return None
    sentence = f"Changed: the {noun} {row.id} does not match the digest in its newest entry {newest.id}."
    return _finding(FindingKind.NOT_LOGGED, newest, sentence)


def _finding(kind: FindingKind, entry: Row[Any], sentence: str) -> Finding:
    return Finding(kind, RecordLog.LOG, entry.leaf_index, entry.id, sentence)
