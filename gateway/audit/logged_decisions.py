"""Compares decisions with the decision log: each matches the content and digest in its newest entry, and each decision
in the log exists. This detects entries that were removed from the end of the log together with its head, also without
a checkpoint."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Executable, Row, bindparam, select

from gateway.audit.batches import read_batches
from gateway.audit.log_report import Finding, FindingKind, VerificationFailed
from gateway.store.decisions import digests
from gateway.store.decisions.decisions import DECISIONS, MAPPING
from gateway.store.logs.decision_log import DECISION_LOG, DecisionLog, read_public
from gateway.store.unit import UnitOfWork

_LOG = DECISION_LOG.c
_DECISIONS = select(DECISIONS)
_EXISTING = select(DECISIONS.c.id).where(DECISIONS.c.id.in_(bindparam("ids", expanding=True)))
_ENTRIES: Executable = (
    select(_LOG.id, _LOG.merchant_id, _LOG.decision_id, _LOG.leaf_index, _LOG.public)
    .where(_LOG.decision_id.in_(bindparam("ids", expanding=True)))
    .order_by(_LOG.leaf_index)
)
_LOGGED = {
    "status": ("to",),
    "client_id": ("client",),
    "consent_id": ("consent",),
    "product": ("product",),
    "purpose": ("purpose",),
    "adapter": ("policy", "adapter"),
    "policy_version": ("policy", "version"),
    "policy_hash": ("policy", "hash"),
    "rule_id": ("policy", "rule"),
}
"""Columns of a decision, and their paths in the public part of its newest entry."""


def require_decisions(unit: UnitOfWork, entries: Sequence[Row[Any]]) -> None:
    """Raises VerificationFailed unless the decisions of these entries of the decision log exist."""
    decision_ids = sorted({entry.decision_id for entry in entries})
    existing = set(unit.connection.scalars(_EXISTING, {"ids": decision_ids}))
    for entry in entries:
        if entry.decision_id not in existing:
            raise VerificationFailed(
                Finding(
                    FindingKind.DECISION_REMOVED,
                    DecisionLog.LOG,
                    entry.leaf_index,
                    entry.id,
                    f"Removed: decision {entry.decision_id} of entry {entry.id} does not exist.",
                )
            )


def compare_decisions(unit: UnitOfWork, batch: int) -> Iterator[tuple[str, Finding | None]]:
    """Yields the id of every decision, with a finding if the decision differs from its newest entry. Decisions are read
    in batches."""
    for rows in read_batches(unit.connection, _DECISIONS, (DECISIONS.c.id,), batch):
        entries = _read_entries(unit, [row.id for row in rows])
        for row in rows:
            yield row.id, _compare(row, entries.get((row.merchant_id, row.id), []))


def _read_entries(unit: UnitOfWork, decision_ids: list[str]) -> dict[tuple[str, str], list[Row[Any]]]:
    """Returns the entries of these decisions by merchant and decision id, oldest first."""
    entries: dict[tuple[str, str], list[Row[Any]]] = {}
    for entry in unit.connection.execute(_ENTRIES, {"ids": decision_ids}):
        entries.setdefault((entry.merchant_id, entry.decision_id), []).append(entry)
    return entries


def _compare(decision: Row[Any], entries: Sequence[Row[Any]]) -> Finding | None:
    """Compares the logged columns first, because their sentences name the column; a digest only shows that something
    differs. Then compares the previous digest of each entry with the digest in the previous entry."""
    if not entries:
        sentence = f"Not logged, or removed at the end: the log has no entry for decision {decision.id}."
        return Finding(FindingKind.NOT_LOGGED, DecisionLog.LOG, None, None, sentence)
    newest, public = entries[-1], read_public(entries[-1])
    changed = f"Changed, or removed at the end: decision {decision.id}"
    for column, path in _LOGGED.items():
        written, logged = getattr(decision, column), _member(public, path)
        if logged != written:
            return _not_logged(
                newest, f"{changed} has the {column} {written}, but {logged} in its newest entry {newest.id}."
            )
    digest = public.get(digests.DECISION)
    if digest is not None and digests.try_digest(MAPPING.digest, decision) != digest:
        return _not_logged(newest, f"{changed} does not match the digest in its newest entry {newest.id}.")
    for former, latter in pairwise(entries):
        after, before = read_public(former).get(digests.DECISION), read_public(latter).get(digests.BEFORE)
        if after is not None and before is not None and after != before:
            return _not_logged(
                latter, f"Changed: decision {decision.id} was changed between {former.id} and {latter.id}."
            )
    return None


def _not_logged(entry: Row[Any], sentence: str) -> Finding:
    return Finding(FindingKind.NOT_LOGGED, DecisionLog.LOG, entry.leaf_index, entry.id, sentence)


def _member(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document
