"""Verifies all logs without a secret: the content and position of each entry, the tree over them, the checkpoints, and
decisions, accesses and records against the logs.

Somebody who can write to the database can compute all hashes again. What was changed, removed or reordered before a
checkpoint is then detected by that checkpoint: by one in the database, and if those were removed too, by one that was
kept elsewhere. Nothing detects a change of entries that are newer than all checkpoints, if all rows that belong
together are changed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import Row, func, select, type_coerce
from sqlalchemy.types import NullType

from gateway.audit.accesses import compare_accesses
from gateway.audit.batches import read_batches
from gateway.audit.kept_checkpoints import KeptCheckpoint, collect_checkpoints
from gateway.audit.log_report import Finding, FindingKind, LogReport, VerificationFailed
from gateway.audit.logged_decisions import compare_decisions, require_decisions
from gateway.audit.records import compare_records
from gateway.kit.checkpoints import SignedCheckpoint
from gateway.kit.crypto import thumbprint
from gateway.kit.json import canonical, decode
from gateway.kit.merkle import TILE_HEIGHT, Frontier
from gateway.store.logs.access_log import AccessLog
from gateway.store.logs.decision_log import DecisionLog
from gateway.store.logs.record_log import RecordLog, hash_record_entry
from gateway.store.logs.sealed_log import has_valid_signature, hash_sealed_entry
from gateway.store.logs.tree_log import TreeIncomplete, TreeLog
from gateway.store.logs.trees import SUBTREES
from gateway.store.unit import UnitOfWork

BATCH = 1_000

_REPEATED: Mapping[type[TreeLog], Mapping[str, str]] = {
    DecisionLog: {"id": "id", "merchant_id": "merchant", "decision_id": "decision"},
    AccessLog: {"id": "id", "merchant_id": "merchant", "subject": "subject"},
    RecordLog: {"id": "id", "kind": "kind", "record_id": "record", "digest": "digest"},
}
"""The columns of each log that repeat members of the public part."""

_KINDS = {
    str: ("id", "merchant_id", "public", "kind", "record_id", "digest"),
    int: ("leaf_index",),
    bytes: ("leaf_hash", "sealed"),
}
_CHAINED = {str: ("previous_hash", "hash", "kid"), int: ("sequence",), bytes: ("signature",)}
"""The type of each column, and of the columns of a chain: an entry has all of these, or all are null. They
are checked because SQLite stores values of any type in any column."""

Progress = Callable[[str, int, int], None]
"""Called with the name of a log, the number of entries that were verified, and the number of its entries."""


def verify_logs(
    unit: UnitOfWork,
    trusted: Collection[str] | None = None,
    checkpoints: Sequence[SignedCheckpoint] = (),
    progress: Progress = lambda *_: None,
) -> LogReport:
    """Verifies all logs in the unit's snapshot, in batches. `trusted` are the ids (kid) of the keys that may have
    signed. Without it all keys in the database are accepted, and anyone who can write to the database can add one.
    `checkpoints` were kept outside the database; those in the database are always used."""
    keys = {
        kid: public
        for kid, public in unit.keys.load_public_keys().items()
        if thumbprint(public) == kid and (trusted is None or kid in trusted)
    }
    verifiers = [_LogVerifier(unit, log, keys, progress) for log in _REPEATED]
    decisions = records = 0
    finding = None
    try:
        for verifier in verifiers:
            verifier.verify(collect_checkpoints(unit, verifier.name, keys, checkpoints))
        for _, difference in compare_decisions(unit, BATCH):
            _raise(difference)
            decisions += 1
        for difference in compare_accesses(unit):
            _raise(difference)
        for _, difference in compare_records(unit, BATCH):
            _raise(difference)
            records += 1
    except VerificationFailed as failed:
        finding = failed.finding
    entries = {each.name: each.tree.size for each in verifiers}
    return LogReport(entries, sum(each.checkpoints for each in verifiers), decisions, records, finding)


def _raise(finding: Finding | None) -> None:
    if finding is not None:
        raise VerificationFailed(finding)


class _LogVerifier:
    """Verifies one log, from its first entry to its head."""

    def __init__(self, unit: UnitOfWork, log: type[TreeLog], keys: Mapping[str, bytes], progress: Progress) -> None:
        self._unit, self._keys, self._repeated = unit, keys, _REPEATED[log]
        self._table, self.name = log.TABLE, log.LOG
        self._hash: Callable[[Any], bytes] = hash_record_entry if log is RecordLog else hash_sealed_entry
        self._is_sealed = log is not RecordLog
        self._progress = progress
        self._subtrees: dict[tuple[int, int], bytes] = {}
        self.tree, self.checkpoints = Frontier(), 0
        self._verified = 0

    def verify(self, checkpoints: Sequence[KeptCheckpoint]) -> None:
        """Raises VerificationFailed at the first finding. The checkpoints are in the order of their sizes."""
        remaining = list(checkpoints)
        total = self._unit.connection.scalar(select(func.count()).select_from(self._table)) or 0
        self._compare(remaining)
        for rows in self._batches():
            for row in rows:
                self._check_entry(row)
                self.tree.append(row.leaf_hash, self._keep)
                if remaining and remaining[0].size == self.tree.size:
                    self._compare(remaining)
            if "decision_id" in self._repeated:
                require_decisions(self._unit, rows)
            self._progress(self.name, self.tree.size, total)
        self._check_head()
        self._check_subtrees()
        if remaining:
            size, kept = self.tree.size, remaining[0]
            first = str(size) if self._verified == size else f"one of {self._verified} to {size}"
            sentence = (
                f"Rolled back, or removed: {kept.origin} covers {kept.size} entries, but the log has {size}."
                f" The first missing entry is {first}."
            )
            self._fail(FindingKind.ROLLED_BACK, size, sentence)

    def _keep(self, height: int, position: int, subtree_hash: bytes) -> None:
        self._subtrees[height, position] = subtree_hash

    def _compare(self, remaining: list[KeptCheckpoint]) -> None:
        """Compares the tree with the checkpoints of its size, and removes them from the list."""
        while remaining and remaining[0].size == self.tree.size:
            kept = remaining.pop(0)
            if kept.root != self.tree.root():
                first, place = self._locate(self._verified, self.tree.size)
                sentence = f"Changed and hashed again: {kept.origin} does not match. The first such entry is {place}."
                self._fail(FindingKind.CHECKPOINT_DIFFERS, first, sentence)
            self._verified = self.tree.size
            self.checkpoints += 1

    def _batches(self) -> Iterator[Sequence[Row[Any]]]:
        # Without types, so that a value of a wrong type is not converted.
        columns: dict[str, Any] = {
            column.name: type_coerce(column, NullType()).label(column.name) for column in self._table.c
        }
        key = [columns[name] for name in ("leaf_index", "id")]  # with id, in case the constraint is dropped
        return read_batches(self._unit.connection, select(*columns.values()), key, BATCH)

    def _check_entry(self, row: Row[Any]) -> None:
        def fail(kind: FindingKind, sentence: str) -> NoReturn:
            raise VerificationFailed(Finding(kind, self.name, row.leaf_index, row.id, sentence))

        wrong = self._find_wrong_type(row)
        if wrong:
            fail(FindingKind.CHANGED, f"Changed: the column {wrong} of {row.id} has a value of another type.")
        expected = self.tree.size
        if row.leaf_index > expected:
            gap = str(expected) if row.leaf_index == expected + 1 else f"{expected} to {row.leaf_index - 1}"
            self._fail(FindingKind.REMOVED, expected, f"Removed: entry {gap}, before {row.id}.")
        if row.leaf_index < expected:
            fail(FindingKind.REORDERED, f"Reordered: {row.id} has the index {row.leaf_index} of an earlier entry.")
        if self._hash(row) != row.leaf_hash:
            fail(FindingKind.CHANGED, f"Changed: the content of {row.id} does not match its leaf hash.")
        document = _parse(row.public)
        if document is None or document.get("log") != self.name:
            sentence = f"Changed: the public part of {row.id} is not an entry of this log in canonical JSON."
            fail(FindingKind.CHANGED, sentence)
        for column, member in self._repeated.items():
            if getattr(row, column) != document.get(member):
                sentence = f"Changed: the column {column} of {row.id} differs from its public part."
                fail(FindingKind.CHANGED, sentence)
        if self._is_sealed and row.signature is not None:
            if row.kid not in self._keys:
                sentence = f"Unknown key: {row.id} is signed by {row.kid}, which is not a trusted key."
                fail(FindingKind.UNKNOWN_KEY, sentence)
            if document.get("sequence") != row.sequence or not has_valid_signature(row, self._keys[row.kid]):
                sentence = f"Changed and hashed again: the signature of {row.id} does not match its content."
                fail(FindingKind.FORGED, sentence)

    def _find_wrong_type(self, row: Row[Any]) -> str | None:
        """The name of a column with a value of another type, or None."""
        kinds = [_KINDS]
        if self._is_sealed and any(getattr(row, name) is not None for names in _CHAINED.values() for name in names):
            kinds.append(_CHAINED)
        return next(
            (
                column
                for each in kinds
                for kind, columns in each.items()
                for column in columns
                if column in self._table.c and type(getattr(row, column)) is not kind
            ),
            None,
        )

    def _check_head(self) -> None:
        log = next(each for each in self._unit.logs if self.name == each.LOG)
        size = self.tree.size
        try:
            head = log.load_tree()
        except TreeIncomplete:
            self._fail(FindingKind.TREE_CHANGED, size, "The head of the log is missing or was changed.")
        if head.size > size:
            sentence = f"Removed at the end: the log had {head.size} entries. The first missing entry is {size}."
            self._fail(FindingKind.REMOVED_AT_END, size, sentence)
        if (head.size, head.encode()) != (size, self.tree.encode()):
            first, place = self._locate(*_first_difference(head, self.tree))
            sentence = f"Changed, or reordered: the head of the log does not match. The first such entry is {place}."
            self._fail(FindingKind.TREE_CHANGED, first, sentence)

    def _check_subtrees(self) -> None:
        if self._read_subtrees() != self._subtrees:
            self._fail(FindingKind.TREE_CHANGED, self.tree.size, "The stored hashes of the tree do not match.")

    def _read_subtrees(self) -> dict[tuple[int, int], bytes]:
        rows = self._unit.connection.execute(select(SUBTREES).where(SUBTREES.c.log == self.name))
        return {(row.height, row.position): row.hash for row in rows}

    def _locate(self, first: int, end: int) -> tuple[int, str]:
        """The first of the entries from `first` to before `end` that can be the first changed one, and all of them in
        words: those of the first stored hash of 256 entries that differs, if one does."""
        stored = self._read_subtrees()
        for position in range(first >> TILE_HEIGHT, end >> TILE_HEIGHT):
            tile = TILE_HEIGHT, position
            if tile in stored and stored[tile] != self._subtrees.get(tile):
                first, end = max(first, position << TILE_HEIGHT), min(end, (position + 1) << TILE_HEIGHT)
                break
        return first, f"one of {first} to {max(first, end - 1)}"

    def _fail(self, kind: FindingKind, leaf_index: int, sentence: str) -> NoReturn:
        raise VerificationFailed(Finding(kind, self.name, leaf_index, None, sentence))


def _first_difference(stored: Frontier, computed: Frontier) -> tuple[int, int]:
    """The leaves of the first complete subtree that differs: the first of them, and the one after the last."""
    start, pairs = 0, zip(stored.hashes, computed.hashes, strict=False)
    for height in reversed(range(computed.size.bit_length())):
        if stored.size == computed.size and computed.size >> height & 1:
            one, other = next(pairs)
            if one != other:
                return start, start + (1 << height)
            start += 1 << height
    return 0, computed.size


def _parse(public: str) -> dict[str, Any] | None:
    """Returns the public part, or None unless it is a JSON object in canonical form."""
    try:
        document = decode(public)
        return document if isinstance(document, dict) and canonical(document) == public.encode() else None
    except (ValueError, TypeError):
        return None
