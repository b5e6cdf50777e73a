"""The decisions against the decision log: each is what its newest entry tells and commits to, and none that the log
tells of is gone. This finds entries cut off the end of a chain, which the chain alone cannot miss."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from sqlalchemy import Row, select

from gateway.store import commitments
from gateway.store.base import core
from gateway.store.batches import batches
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow, public_of
from gateway.store.decisions import DecisionRow
from gateway.store.log_report import Fault, Finding, Found

_DECISIONS = core(DecisionRow)
_LOG = core(DecisionLogRow)
_TOLD = {
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
"""Columns of a decision, and where the public part of its newest entry has them."""


def check_named(session: Session, entries: Sequence[Row[Any]]) -> None:
    """Raises Found unless every decision that these entries of the decision log tell of is there."""
    named = {entry.decision_id for entry in entries}
    there = set(session.execute(select(_DECISIONS.c.id).where(_DECISIONS.c.id.in_(named))).scalars())
    for entry in entries:
        if entry.decision_id not in there:
            sentence = f"Removed: the decision {entry.decision_id}, of which {entry.id} tells, is not there."
            raise Found(
                Finding(
                    Fault.DECISION_REMOVED, DecisionLogRow.LOG, entry.merchant_id, entry.sequence, entry.id, sentence
                )
            )


def compared(session: Session, batch: int) -> Iterator[tuple[str, Finding | None]]:
    """The id of every decision, and where it is not what its newest entry tells; `batch` are read at a time."""
    for rows in batches(session, select(_DECISIONS), (_DECISIONS.c.id,), batch):
        entries = _entries(session, [row.id for row in rows])
        for row in rows:
            yield row.id, _difference(row, entries.get((row.merchant_id, row.id), []))


def _entries(session: Session, decisions: list[str]) -> dict[tuple[str, str], list[Row[Any]]]:
    """What the log tells of these decisions, oldest first."""
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    columns = (_LOG.c.id, _LOG.c.merchant_id, _LOG.c.decision_id, _LOG.c.sequence, _LOG.c.public)
    query = select(*columns).where(_LOG.c.decision_id.in_(decisions)).order_by(_LOG.c.sequence)
    for entry in session.execute(query):
        found.setdefault((entry.merchant_id, entry.decision_id), []).append(entry)
    return found


def _difference(decision: Row[Any], entries: Sequence[Row[Any]]) -> Finding | None:
    """The named columns come first: they say which it is, where the commitment only says that there is one. Then what
    is over: each entry found the decision in the state in which the one before it had left it."""
    log, merchant = DecisionLogRow.LOG, decision.merchant_id
    if not entries:
        sentence = f"Not logged, or removed at the end: no entry tells of the decision {decision.id}."
        return Finding(Fault.NOT_LOGGED, log, merchant, None, None, sentence)
    entry, public = entries[-1], public_of(entries[-1])
    changed = f"Changed, or removed at the end: the decision {decision.id}"
    for column, path in _TOLD.items():
        is_, told = getattr(decision, column), _at(public, path)
        if told != is_:
            sentence = f"{changed} has the {column} {is_}, and its newest entry {entry.id} tells {told}."
            return Finding(Fault.NOT_LOGGED, log, merchant, entry.sequence, entry.id, sentence)
    state = public.get(commitments.DECISION)
    if state is not None and commitments.found(commitments.of_decision, decision) != state:
        sentence = f"{changed} is not in the state to which its newest entry {entry.id} commits."
        return Finding(Fault.NOT_LOGGED, log, merchant, entry.sequence, entry.id, sentence)
    for former, latter in pairwise(entries):
        left, met = public_of(former).get(commitments.DECISION), public_of(latter).get(commitments.BEFORE)
        if left is not None and met is not None and left != met:
            sentence = f"Changed: the decision {decision.id} was another after {former.id} than before {latter.id}."
            return Finding(Fault.NOT_LOGGED, log, merchant, latter.sequence, latter.id, sentence)
    return None


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document
