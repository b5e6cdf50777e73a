"""Disputes: one row each. What the parties say stands in the decision log, sealed; the row leads to its entries."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Index, func
from sqlmodel import Field, col, select

from gateway.domain.dispute import OPEN, DisputeStatus
from gateway.store.base import Table
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow


class DisputeRow(Table, table=True):
    """`opened_event`, `answered_event` and `resolved_event` are ids of log entries. Times are business time."""

    __tablename__ = "disputes"
    __table_args__ = (Index("ix_disputes_status_respond_by", "status", "respond_by"),)

    id: str = Field(primary_key=True)
    decision_id: str = Field(foreign_key="decisions.id", index=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    user_id: str = Field(foreign_key="users.id")
    subject: str
    opened_by: str
    status: str
    opened_at: datetime
    respond_by: datetime
    resolved_at: datetime | None = None
    opened_event: str
    answered_event: str | None = None
    resolved_event: str | None = None


def insert(session: Session, row: DisputeRow) -> None:
    session.add(row)
    session.flush()


def load(session: Session, dispute_id: str, *, fresh: bool = False) -> DisputeRow | None:
    """The row; `fresh` reads it anew, as it stands once its decision is locked."""
    query = select(DisputeRow).where(DisputeRow.id == dispute_id)
    return session.exec(query.execution_options(populate_existing=fresh)).first()


def of_decision(session: Session, decision_id: str) -> Sequence[DisputeRow]:
    """A decision's disputes, oldest first."""
    return session.exec(
        select(DisputeRow).where(DisputeRow.decision_id == decision_id).order_by(col(DisputeRow.id))
    ).all()


def newest(session: Session, decision_ids: Iterable[str]) -> Sequence[DisputeRow]:
    """The newest dispute of each of these decisions that has one, in one statement however many they are."""
    last = (
        select(func.max(col(DisputeRow.id)))
        .where(col(DisputeRow.decision_id).in_(set(decision_ids)))
        .group_by(col(DisputeRow.decision_id))
    )
    return session.exec(select(DisputeRow).where(col(DisputeRow.id).in_(last))).all()


def undecided(session: Session) -> Sequence[DisputeRow]:
    """All open disputes, oldest first."""
    return session.exec(select(DisputeRow).where(col(DisputeRow.status).in_(OPEN)).order_by(col(DisputeRow.id))).all()


def unanswered(session: Session, partner_id: str, now: datetime, limit: int) -> list[str]:
    """The ids of the disputes of a partner's merchants that nobody has answered in time by `now`."""
    query = select(DisputeRow.id).join(MerchantRow, col(MerchantRow.id) == col(DisputeRow.merchant_id))
    late = DisputeRow.status == DisputeStatus.AWAITING_MERCHANT, DisputeRow.respond_by <= now
    mine = query.where(MerchantRow.partner_id == partner_id, *late)
    return list(session.exec(mine.order_by(col(DisputeRow.respond_by), col(DisputeRow.id)).limit(limit)))
