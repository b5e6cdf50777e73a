"""The decisions against the decision log: each is what its newest entry tells, as far as that is no secret, and none
that the log tells of is gone. This finds entries cut off the end of a chain, which the chain alone cannot miss."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Row, Table, and_, func, select

from gateway.kit.json import decode
from gateway.store.database import Session
from gateway.store.decision_log import DecisionLogRow
from gateway.store.decisions import DecisionRow
from gateway.store.log_report import Fault, Finding, Found

_DECISIONS: Table = DecisionRow.__table__  # type: ignore[attr-defined]
_LOG: Table = DecisionLogRow.__table__  # type: ignore[attr-defined]
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


def check_decisions(session: Session, batch: int) -> Iterator[str]:
    """Gives the id of every decision that agrees with its newest entry, `batch` read at a time, and raises Found at
    the first that does not. The log must have been checked before."""
    told = (_DECISIONS.c[column] for column in _TOLD)
    query = select(_DECISIONS.c.id, _DECISIONS.c.merchant_id, *told).order_by(_DECISIONS.c.id).limit(batch)
    rows = session.execute(query).all()
    while rows:
        newest = _newest(session, [row.id for row in rows])
        for row in rows:
            _compare(row, newest.get((row.merchant_id, row.id)))
            yield row.id
        rows = session.execute(query.where(_DECISIONS.c.id > rows[-1].id)).all()


def _newest(session: Session, decisions: list[str]) -> dict[tuple[str, str], Row[Any]]:
    last = (
        select(_LOG.c.merchant_id, func.max(_LOG.c.sequence).label("sequence"))
        .where(_LOG.c.decision_id.in_(decisions))
        .group_by(_LOG.c.merchant_id, _LOG.c.decision_id)
        .subquery()
    )
    query = select(_LOG).join(last, and_(_LOG.c.merchant_id == last.c.merchant_id, _LOG.c.sequence == last.c.sequence))
    return {(row.merchant_id, row.decision_id): row for row in session.execute(query)}


def _compare(decision: Row[Any], entry: Row[Any] | None) -> None:
    log, merchant = DecisionLogRow.LOG, decision.merchant_id
    if entry is None:
        sentence = f"Not logged, or removed at the end: no entry tells of the decision {decision.id}."
        raise Found(Finding(Fault.NOT_LOGGED, log, merchant, None, None, sentence))
    public = decode(entry.public)
    for column, path in _TOLD.items():
        is_, told = getattr(decision, column), _at(public, path)
        if told != is_:
            sentence = (
                f"Changed, or removed at the end: the decision {decision.id} has the {column} {is_}, "
                f"and its newest entry {entry.id} tells {told}."
            )
            raise Found(Finding(Fault.NOT_LOGGED, log, merchant, entry.sequence, entry.id, sentence))


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document
