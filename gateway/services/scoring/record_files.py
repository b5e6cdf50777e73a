"""Reads a file with behaviour records: each row is checked, and each person looked up, before anything is written."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO

from gateway.domain.errors import InvalidInput
from gateway.domain.scoring.imported_record import (
    ImportedRecord,
    make_record,
    parse_at,
    parse_currency,
    parse_dimension,
    parse_flag,
    parse_id,
    parse_kind,
    parse_months,
    parse_partner,
    parse_source,
)
from gateway.kit.clock import business_time
from gateway.services.imports.rows import Column, Fault, Layout, Lines, Row, UniqueKey, read_rows
from gateway.services.imports.spool import Spool
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

MOST_ROWS = 100_000_000
LAYOUT = Layout(
    (
        Column("person", parse_id),
        Column("source", parse_source),
        Column("id", parse_id),
        Column("dimension", parse_dimension),
        Column("kind", parse_kind),
        Column("partner", parse_partner),
        Column("amount", str, required=False),
        Column("currency", parse_currency, required=False),
        Column("months", parse_months, required=False),
        Column("at", parse_at),
        Column("ended_at", parse_at, required=False),
        Column("contested", parse_flag, required=False, is_flag=True),
    ),
    (UniqueKey(("source", "id")),),
    MOST_ROWS,
)
BATCH = 1_000
"""Rows whose persons are looked up together, and that one unit of work writes."""

MOST_FAULTS = 100_000
"""Faults after which reading ends."""

_MOST_KNOWN = 50_000
"""Persons whose ids are kept in memory."""

_UNKNOWN = "There is no person with this external id."


@dataclass(frozen=True, slots=True)
class RecordFile:
    """A file that was read. Without faults `spool` has its rows, as `SPOOLED` lists them. `digest` is SHA-256 hex over
    the file."""

    digest: str
    spool: Spool
    faults: Sequence[Fault] = field(default_factory=list)


SPOOLED = (
    *("user_id", "source", "reference", "dimension", "kind", "partner", "amount_minor", "currency", "months"),
    *("at", "ended_at", "contested"),
)
"""The columns of a row in the spool."""


class RecordFileReader:
    """Reads files. The memory that it takes hardly depends on the length of the file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self, stream: BinaryIO, advance: Callable[[int], None] = lambda _: None) -> RecordFile:
        """Returns the checked rows of a file, or its faults in the order of lines, at most MOST_FAULTS. `advance` is
        called with the number of bytes of each line. The caller closes the spool. Raises OSError and Outage."""
        stream.seek(0)
        hashed, spool = _Hashed(stream), Spool()
        try:
            faults = self._read(hashed, spool, advance)
        except BaseException:
            spool.close()
            raise
        return RecordFile(hashed.digest(), spool, faults)

    def _read(self, stream: Lines, spool: Spool, advance: Callable[[int], None]) -> list[Fault]:
        now = business_time(self._database.read(lambda unit: unit.wall), 0)
        rows, faults, known = read_rows(stream, LAYOUT, advance), list[Fault](), dict[str, str]()
        while batch := list(islice(rows, BATCH)):
            records = list[tuple[int, ImportedRecord]]()
            for row in batch:
                if isinstance(row, Fault):
                    faults.append(row)
                    continue
                try:
                    records.append((row.line, make_record(row.values, now)))
                except InvalidInput as refused:
                    faults.append(_fault(row, refused))
            users = self._look_up({record.person for _, record in records}, known)
            faults += [Fault(line, "person", _UNKNOWN) for line, record in records if record.person not in users]
            if len(faults) >= MOST_FAULTS:
                break
            if not faults:
                spool.append([_spooled(record, users[record.person]) for _, record in records])
        return sorted(faults, key=lambda fault: fault.line)[:MOST_FAULTS]

    def _look_up(self, persons: set[str], known: dict[str, str]) -> Mapping[str, str]:
        """The ids of users by the external ids of these persons, without unknown ones."""
        if len(known) > _MOST_KNOWN:
            known.clear()
        unknown = sorted(persons - known.keys())

        def look_up(unit: UnitOfWork) -> Mapping[str, str]:
            return unit.users.map_external_ids(unknown)

        if unknown:
            known.update(self._database.read(look_up))
        return known


def _spooled(record: ImportedRecord, user_id: str) -> Sequence[Any]:
    amount = record.amount
    return (
        user_id,
        record.source,
        record.id,
        record.dimension,
        record.kind,
        record.partner,
        None if amount is None else amount.minor,
        None if amount is None else amount.currency,
        record.months,
        record.at,
        record.ended_at,
        record.contested,
    )


def _fault(row: Row, refused: InvalidInput) -> Fault:
    return Fault(row.line, refused.field[0] if refused.field else None, refused.message)


class _Hashed:
    """A stream that computes the digest of the lines that are read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def readline(self, size: int = -1, /) -> bytes:
        line = self._stream.readline(size)
        self._hash.update(line)
        return line

    def digest(self) -> str:
        return self._hash.hexdigest()
