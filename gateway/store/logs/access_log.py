"""The access log: one sealed entry per read of a score or tier, threshold inquiry, preview and request."""

from typing import ClassVar

from sqlalchemy import Index, Table, bindparam, select
from sqlmodel import UniqueConstraint

from gateway.store.base import table_of
from gateway.store.logs.sealed_log import SealedEntry, SealedLog
from gateway.store.repository import Insert, insert_into


class AccessLogRow(SealedEntry):
    """An entry. `subject` repeats the log subject of the public part, so that a person's entries can be listed."""

    subject: str


class AccessLogTable(AccessLogRow, table=True):
    __tablename__ = "access_log"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sequence"),
        Index("ix_access_log_subject_id", "subject", "id"),
    )


ACCESS_LOG = table_of(AccessLogTable)
_OF_SUBJECT = (
    select(ACCESS_LOG)
    .where(ACCESS_LOG.c.subject == bindparam("subject"))
    .order_by(ACCESS_LOG.c.id.desc())
    .limit(bindparam("most"))
)


class AccessLog(SealedLog):
    """Appends accesses and lists those about a person."""

    LOG: ClassVar[str] = "access"
    NOUN: ClassVar[str] = "acc"
    TABLE: ClassVar[Table] = ACCESS_LOG
    INSERT: ClassVar[Insert] = insert_into(ACCESS_LOG)

    def list_of_subject(self, subject: str, *, limit: int = 100) -> list[AccessLogRow]:
        """Returns at most `limit` entries of a person, newest first."""
        return self._all(AccessLogRow, _OF_SUBJECT, subject=subject, most=limit)
