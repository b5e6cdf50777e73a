"""The decision log: one sealed entry for each thing that happened to a decision."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, Row, and_, func
from sqlmodel import UniqueConstraint, col, select

from gateway.kit.json import decode
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow
from gateway.store.sealed_log import SealedEntry


class DecisionLogRow(SealedEntry, table=True):
    """Ids are event ids: the timeline of a decision is its entries, in order."""

    LOG: ClassVar[str] = "decision"
    NOUN: ClassVar[str] = "evt"

    __tablename__ = "decision_log"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sequence"),
        Index("ix_decision_log_decision_id_id", "decision_id", "id"),
    )

    decision_id: str


def of_decision(session: Session, decision_id: str) -> Sequence[DecisionLogRow]:
    """All entries of one decision, oldest first."""
    return session.exec(
        select(DecisionLogRow).where(DecisionLogRow.decision_id == decision_id).order_by(col(DecisionLogRow.sequence))
    ).all()


def public_of(entry: DecisionLogRow | Row[Any]) -> dict[str, Any]:
    """The public part of an entry, empty for a text that is none: the log's own check (gateway.store.log_check) says
    so of that."""
    try:
        public = decode(entry.public)
    except (ValueError, TypeError):
        return {}
    return public if isinstance(public, dict) else {}


def load(session: Session, entry_id: str) -> DecisionLogRow | None:
    return session.get(DecisionLogRow, entry_id)


def of_ids(session: Session, entry_ids: Iterable[str]) -> Sequence[DecisionLogRow]:
    """These entries, in no order; an unknown one is left out."""
    return session.exec(select(DecisionLogRow).where(col(DecisionLogRow.id).in_(set(entry_ids)))).all()


def firsts(
    session: Session, adapter: str, since: datetime | None, batch: int, merchant_id: str | None = None
) -> Iterator[DecisionLogRow]:
    """The first entry of each decision of an adapter, made at `since` (business time) or later, for all merchants or
    for one, in order of decision ids; `batch` are read at a time."""
    query = select(DecisionRow.id).where(DecisionRow.adapter == adapter).order_by(col(DecisionRow.id)).limit(batch)
    if since is not None:
        query = query.where(DecisionRow.created_at >= since)
    if merchant_id is not None:
        query = query.where(DecisionRow.merchant_id == merchant_id)
    ids = session.exec(query).all()
    while ids:
        yield from _first_of(session, ids)
        ids = session.exec(query.where(DecisionRow.id > ids[-1])).all()


def _first_of(session: Session, ids: Sequence[str]) -> Sequence[DecisionLogRow]:
    entry = DecisionLogRow
    first = (
        select(entry.merchant_id, entry.decision_id, func.min(entry.sequence).label("sequence"))
        .where(col(entry.decision_id).in_(ids))
        .group_by(col(entry.merchant_id), col(entry.decision_id))
        .subquery()
    )
    same = and_(col(entry.merchant_id) == first.c.merchant_id, col(entry.sequence) == first.c.sequence)
    return session.exec(select(entry).join(first, same).order_by(col(entry.decision_id))).all()
