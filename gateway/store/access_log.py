"""The access log: one sealed entry for each read of a score or tier, each threshold question, preview and request."""

from collections.abc import Sequence
from typing import ClassVar

from sqlalchemy import Index
from sqlmodel import UniqueConstraint, col, select

from gateway.store.database import Session
from gateway.store.sealed_log import SealedEntry


class AccessLogRow(SealedEntry, table=True):
    """`subject` repeats the random log subject of the public part, so that a person can be shown all of theirs."""

    LOG: ClassVar[str] = "access"
    NOUN: ClassVar[str] = "acc"

    __tablename__ = "access_log"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sequence"),
        Index("ix_access_log_subject_id", "subject", "id"),
    )

    subject: str


def of_subject(session: Session, subject: str, *, limit: int = 100) -> Sequence[AccessLogRow]:
    """A person's newest entries first, at most `limit`."""
    return session.exec(
        select(AccessLogRow).where(AccessLogRow.subject == subject).order_by(col(AccessLogRow.id).desc()).limit(limit)
    ).all()
