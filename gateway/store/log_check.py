"""Verifies both logs without any secret: every entry against its hash, its signature and its place in the chain, every
chain against its head, and the decisions against what the log tells of them.

An entry cut off the end of the access log, with the head wound back, cannot be missed by any row that is left; cut off
the decision log, the decisions miss it.
"""

from collections.abc import Collection, Iterator
from typing import Any, NoReturn

from sqlalchemy import Row, select, tuple_, type_coerce
from sqlalchemy.types import NullType

from gateway.kit.crypto import thumbprint, verifies
from gateway.kit.json import canonical, decode
from gateway.store.access_log import AccessLogRow
from gateway.store.base import core
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.keys import public_keys
from gateway.store.log_decisions import check_named, compared
from gateway.store.log_report import Fault, Finding, Found, LogReport
from gateway.store.sealed_log import GENESIS, SIGNED_AS, LogHeadRow, SealedEntry, hash_of

BATCH = 500

_LOGS: dict[type[SealedEntry], dict[str, str]] = {
    DecisionLogRow: {"id": "id", "merchant_id": "merchant", "decision_id": "decision"},
    AccessLogRow: {"id": "id", "merchant_id": "merchant", "subject": "subject"},
}
"""By log: the columns that repeat members of the public part, beside the sequence."""

_KINDS = {
    str: ("id", "merchant_id", "public", "previous_hash", "hash", "kid"),
    int: ("sequence",),
    bytes: ("sealed", "signature"),
}
"""SQLite keeps a value of any kind in any column."""


def check(session: Session, trusted: Collection[str] | None = None) -> LogReport:
    """Verifies all that one snapshot shows, in batches. `trusted` are the key ids (kid) that may have signed; without
    it every key in the database may, and whoever can write to the database can add one."""
    keys = {
        kid: public
        for kid, public in public_keys(session).items()
        if thumbprint(public) == kid and (trusted is None or kid in trusted)
    }
    walks = [_Walk(session, log, keys) for log in _LOGS]
    decisions, finding = 0, None
    try:
        for walk in walks:
            walk.check()
        for _, difference in compared(session, BATCH):
            if difference is not None:
                raise Found(difference)
            decisions += 1
    except Found as found:
        finding = found.finding
    entries = {walk.log: walk.entries for walk in walks}
    return LogReport(entries, sum(walk.chains for walk in walks), decisions, finding)


class _Walk:
    """Through one log: all its chains, each from its first entry to its head."""

    def __init__(self, session: Session, row_type: type[SealedEntry], keys: dict[str, bytes]) -> None:
        self._session, self._keys, self._repeated = session, keys, _LOGS[row_type]
        self._table = core(row_type)
        self.log = row_type.LOG
        self.entries = self.chains = 0
        self._merchant: str | None = None
        self._sequence, self._hash = 0, GENESIS

    def check(self) -> None:
        """Raises Found at the first fault."""
        for batch in self._batches():
            for row in batch:
                if row.merchant_id != self._merchant:
                    self._end_chain()
                    self._merchant, self._sequence, self._hash = row.merchant_id, 0, GENESIS
                self._check_entry(row)
                self._sequence, self._hash = row.sequence, row.hash
                self.entries += 1
            if "decision_id" in self._repeated:
                check_named(self._session, batch)
        self._end_chain()
        self._check_empty()

    def _batches(self) -> Iterator[list[Row[Any]]]:
        column = self._table.c
        place = (column.merchant_id, column.sequence, column.id)  # the id, should the unique constraint be gone
        # Core rows without types: nothing stays in the session, and a value of a wrong kind arrives as it is.
        raw = (type_coerce(each, NullType()).label(each.name) for each in column)
        query = select(*raw).order_by(*place).limit(BATCH)
        batch = list(self._session.execute(query))
        while batch:
            yield batch
            last = batch[-1]
            batch = list(
                self._session.execute(query.where(tuple_(*place) > (last.merchant_id, last.sequence, last.id)))
            )

    def _check_entry(self, row: Row[Any]) -> None:
        def fail(fault: Fault, sentence: str) -> NoReturn:
            raise Found(Finding(fault, self.log, row.merchant_id, row.sequence, row.id, sentence))

        for kind, columns in _KINDS.items():
            for column in columns:
                if type(getattr(row, column)) is not kind:
                    fail(Fault.CHANGED, f"Changed: the column {column} of {row.id} holds a value of another kind.")
        expected = self._sequence + 1
        if row.sequence > expected:
            gap = str(expected) if row.sequence == expected + 1 else f"{expected} to {row.sequence - 1}"
            sentence = f"Removed: entry {gap}, before {row.id}."
            raise Found(Finding(Fault.REMOVED, self.log, row.merchant_id, expected, None, sentence))
        if row.sequence < expected:
            fail(Fault.REORDERED, f"Reordered: {row.id} stands at {row.sequence}, a place before its turn.")
        public = row.public.encode()
        if hash_of(row.previous_hash, public, row.sealed) != row.hash:
            fail(Fault.CHANGED, f"Changed: the content of {row.id} does not have the hash that was recorded.")
        if row.kid not in self._keys:
            fail(Fault.UNKNOWN_KEY, f"Unknown key: {row.id} is signed by {row.kid}, which is not a trusted key.")
        if not verifies(self._keys[row.kid], SIGNED_AS + bytes.fromhex(row.hash), row.signature):
            fail(Fault.FORGED, f"Changed and hashed again: the signature of {row.id} is not over its hash.")
        document = _document(public)
        if document is None or document.get("log") != self.log:
            fail(Fault.CHANGED, f"Changed: the public part of {row.id} is not an entry of this log in canonical JSON.")
        if document.get("sequence") != row.sequence:
            fail(Fault.REORDERED, f"Reordered: {row.id} was written as entry {document.get('sequence')}.")
        for column, member in self._repeated.items():
            if getattr(row, column) != document.get(member):
                fail(Fault.CHANGED, f"Changed: the column {column} of {row.id} is not what its public part says.")
        if row.previous_hash != self._hash:
            fail(Fault.REORDERED, f"Reordered: {row.id} does not follow the entry before it.")

    def _end_chain(self) -> None:
        if self._merchant is None:
            return
        self.chains += 1
        head = self._heads(_HEADS.c.merchant_id == self._merchant)
        if head is not None and head.sequence > self._sequence:
            sentence = f"Removed at the end: the chain stood at {head.sequence}, its last entry is {self._sequence}."
            raise Found(Finding(Fault.REMOVED_AT_END, self.log, self._merchant, self._sequence + 1, None, sentence))
        if head is None or (head.sequence, head.hash) != (self._sequence, self._hash):
            sentence = f"The record of where the chain stands is not its last entry, {self._sequence}."
            raise Found(Finding(Fault.HEAD_CHANGED, self.log, self._merchant, self._sequence, None, sentence))

    def _check_empty(self) -> None:
        """No chain has lost all its entries."""
        heads = _HEADS.c
        head = self._heads((heads.sequence > 0) & heads.merchant_id.not_in(select(self._table.c.merchant_id)))
        if head is not None:
            sentence = f"Removed at the end: the chain stood at {head.sequence} and has no entry left."
            raise Found(Finding(Fault.REMOVED_AT_END, self.log, head.merchant_id, 1, None, sentence))

    def _heads(self, condition: Any) -> Row[Any] | None:
        query = select(_HEADS).where(_HEADS.c.log == self.log, condition).order_by(_HEADS.c.merchant_id)
        return self._session.execute(query.limit(1)).first()


_HEADS = core(LogHeadRow)


def _document(public: bytes) -> dict[str, Any] | None:
    """The public part, None unless it is one JSON object in canonical form."""
    try:
        document = decode(public)
        return document if isinstance(document, dict) and canonical(document) == public else None
    except (ValueError, TypeError):
        return None
