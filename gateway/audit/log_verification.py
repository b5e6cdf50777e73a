"""Verifies both logs without a secret: the hash, signature and position of each entry, the head of each chain, and the
decisions and accesses against each other.

Entries removed from the end of the decision log are detected by their decisions, and requests removed from the end of
the access log too. Other accesses removed from its end are not detected if the head is changed as well, unless they
were the only accesses to a person. Nothing detects a removal of everything that was written about a decision at the end
of both logs: decision, entries, heads, message, idempotency record and totals.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import Row, bindparam, select, type_coerce
from sqlalchemy.types import NullType

from gateway.audit.accesses import compare_accesses
from gateway.audit.batches import read_batches
from gateway.audit.log_report import Finding, FindingKind, LogReport, VerificationFailed
from gateway.audit.logged_decisions import compare_decisions, require_decisions
from gateway.kit.crypto import thumbprint, verifies
from gateway.kit.json import canonical, decode
from gateway.store.logs.access_log import AccessLog
from gateway.store.logs.decision_log import DecisionLog
from gateway.store.logs.sealed_log import GENESIS, HEADS, SIGNED_AS, SealedLog, hash_entry
from gateway.store.unit import UnitOfWork

BATCH = 500

_LOGS: Mapping[type[SealedLog], Mapping[str, str]] = {
    DecisionLog: {"id": "id", "merchant_id": "merchant", "decision_id": "decision"},
    AccessLog: {"id": "id", "merchant_id": "merchant", "subject": "subject"},
}
"""The columns of each log that repeat members of the public part, besides the sequence."""

_KINDS = {
    str: ("id", "merchant_id", "public", "previous_hash", "hash", "kid"),
    int: ("sequence",),
    bytes: ("sealed", "signature"),
}
"""The type of each column. It is checked because SQLite stores values of any type in any column."""

_HEADS = select(HEADS).where(HEADS.c.log == bindparam("log")).order_by(HEADS.c.merchant_id).limit(1)
_HEAD = _HEADS.where(HEADS.c.merchant_id == bindparam("merchant_id"))


def verify_logs(unit: UnitOfWork, trusted: Collection[str] | None = None) -> LogReport:
    """Verifies both logs in the unit's snapshot, in batches. `trusted` are the ids (kid) of the keys that may have
    signed. Without it all keys in the database are accepted, and anyone who can write to the database can add one."""
    keys = {
        kid: public
        for kid, public in unit.keys.load_public_keys().items()
        if thumbprint(public) == kid and (trusted is None or kid in trusted)
    }
    logs = [_LogVerifier(unit, log, keys) for log in _LOGS]
    decisions, finding = 0, None
    try:
        for log in logs:
            log.verify()
        for _, difference in compare_decisions(unit, BATCH):
            if difference is not None:
                raise VerificationFailed(difference)
            decisions += 1
        for difference in compare_accesses(unit):
            raise VerificationFailed(difference)
    except VerificationFailed as failed:
        finding = failed.finding
    entries = {log.name: log.entries for log in logs}
    return LogReport(entries, sum(log.chains for log in logs), decisions, finding)


class _LogVerifier:
    """Verifies one log: all chains, each from its first entry to its head."""

    def __init__(self, unit: UnitOfWork, log: type[SealedLog], keys: Mapping[str, bytes]) -> None:
        self._unit, self._keys, self._repeated = unit, keys, _LOGS[log]
        self._table, self.name = log.TABLE, log.LOG
        self.entries = self.chains = 0
        self._merchant: str | None = None
        self._sequence, self._hash = 0, GENESIS

    def verify(self) -> None:
        """Raises VerificationFailed at the first finding."""
        for rows in self._batches():
            for row in rows:
                if row.merchant_id != self._merchant:
                    self._end_chain()
                    self._merchant, self._sequence, self._hash = row.merchant_id, 0, GENESIS
                self._check_entry(row)
                self._sequence, self._hash = row.sequence, row.hash
                self.entries += 1
            if "decision_id" in self._repeated:
                require_decisions(self._unit, rows)
        self._end_chain()
        self._check_empty()

    def _batches(self) -> Iterator[Sequence[Row[Any]]]:
        # Without types, so that a value of a wrong type is not converted.
        columns: dict[str, Any] = {
            column.name: type_coerce(column, NullType()).label(column.name) for column in self._table.c
        }
        key = [
            columns[name] for name in ("merchant_id", "sequence", "id")
        ]  # with id, in case the constraint is dropped
        return read_batches(self._unit.connection, select(*columns.values()), key, BATCH)

    def _check_entry(self, row: Row[Any]) -> None:
        def fail(kind: FindingKind, sentence: str) -> NoReturn:
            raise VerificationFailed(Finding(kind, self.name, row.merchant_id, row.sequence, row.id, sentence))

        for kind, columns in _KINDS.items():
            for column in columns:
                if type(getattr(row, column)) is not kind:
                    fail(FindingKind.CHANGED, f"Changed: the column {column} of {row.id} has a value of another type.")
        expected = self._sequence + 1
        if row.sequence > expected:
            gap = str(expected) if row.sequence == expected + 1 else f"{expected} to {row.sequence - 1}"
            self._fail(FindingKind.REMOVED, row.merchant_id, expected, f"Removed: entry {gap}, before {row.id}.")
        if row.sequence < expected:
            fail(FindingKind.REORDERED, f"Reordered: {row.id} has the sequence {row.sequence} of an earlier entry.")
        public = row.public.encode()
        if hash_entry(row.previous_hash, public, row.sealed) != row.hash:
            fail(FindingKind.CHANGED, f"Changed: the content of {row.id} does not match its hash.")
        if row.kid not in self._keys:
            fail(FindingKind.UNKNOWN_KEY, f"Unknown key: {row.id} is signed by {row.kid}, which is not a trusted key.")
        if not verifies(self._keys[row.kid], SIGNED_AS + bytes.fromhex(row.hash), row.signature):
            fail(FindingKind.FORGED, f"Changed and hashed again: the signature of {row.id} does not match its hash.")
        document = _parse(public)
        if document is None or document.get("log") != self.name:
            sentence = f"Changed: the public part of {row.id} is not an entry of this log in canonical JSON."
            fail(FindingKind.CHANGED, sentence)
        if document.get("sequence") != row.sequence:
            fail(FindingKind.REORDERED, f"Reordered: {row.id} was written as entry {document.get('sequence')}.")
        for column, member in self._repeated.items():
            if getattr(row, column) != document.get(member):
                sentence = f"Changed: the column {column} of {row.id} differs from its public part."
                fail(FindingKind.CHANGED, sentence)
        if row.previous_hash != self._hash:
            fail(FindingKind.REORDERED, f"Reordered: {row.id} does not follow the previous entry.")

    def _end_chain(self) -> None:
        if self._merchant is None:
            return
        self.chains += 1
        last = self._sequence
        head = self._unit.connection.execute(_HEAD, {"log": self.name, "merchant_id": self._merchant}).first()
        if head is not None and head.sequence > last:
            sentence = f"Removed at the end: the chain had {head.sequence} entries, but its last one is {last}."
            self._fail(FindingKind.REMOVED_AT_END, self._merchant, last + 1, sentence)
        if head is None or (head.sequence, head.hash) != (last, self._hash):
            sentence = f"The head of the chain does not match its last entry, {last}."
            self._fail(FindingKind.HEAD_CHANGED, self._merchant, last, sentence)

    def _check_empty(self) -> None:
        """Raises VerificationFailed if a chain with a head has no entries."""
        emptied = _HEADS.where(HEADS.c.sequence > 0, HEADS.c.merchant_id.not_in(select(self._table.c.merchant_id)))
        head = self._unit.connection.execute(emptied, {"log": self.name}).first()
        if head is not None:
            sentence = f"Removed at the end: the chain had {head.sequence} entries, but has none."
            self._fail(FindingKind.REMOVED_AT_END, head.merchant_id, 1, sentence)

    def _fail(self, kind: FindingKind, merchant_id: str, sequence: int, sentence: str) -> NoReturn:
        raise VerificationFailed(Finding(kind, self.name, merchant_id, sequence, None, sentence))


def _parse(public: bytes) -> dict[str, Any] | None:
    """Returns the public part, or None unless it is a JSON object in canonical form."""
    try:
        document = decode(public)
        return document if isinstance(document, dict) and canonical(document) == public else None
    except (ValueError, TypeError):
        return None
