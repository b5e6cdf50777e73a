"""The decision log: one sealed entry for each thing that happened to a decision."""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import UniqueConstraint, col, select

from gateway.store.database import Session
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


def load(session: Session, entry_id: str) -> DecisionLogRow | None:
    return session.get(DecisionLogRow, entry_id)
