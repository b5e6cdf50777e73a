"""The access log: one sealed entry per read of a score or tier, threshold inquiry, preview and request."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from sqlalchemy import Index, String, Table, bindparam, case, func, or_, select

from gateway.store.base import Row, table_of
from gateway.store.logs.sealed_log import SealedEntry, SealedLog
from gateway.store.repository import Insert, insert_into


class AccessLogRow(SealedEntry):
    """An entry. `subject` repeats the log subject of the public part, so that a person's entries can be listed."""

    subject: str


class AccessLogTable(AccessLogRow, table=True):
    __tablename__ = "access_log"
    __table_args__ = (Index("ix_access_log_subject_id", "subject", "id"),)


ACCESS_LOG = table_of(AccessLogTable)
KINDS = ("SCORE_EXACT", "SCORE_TIER", "SCORE_THRESHOLD", "REQUEST", "PREVIEW")
"""The kinds of accesses. Those that disclose most come first."""

_KIND = case(*((ACCESS_LOG.c.public.contains(f'"kind":"{kind}"', autoescape=True), kind) for kind in KINDS), else_="")
"""The kind in the public part, which is canonical JSON."""
_OF_PERSON = select(ACCESS_LOG).where(ACCESS_LOG.c.subject == bindparam("subject"))
_OF_SUBJECT = _OF_PERSON.order_by(ACCESS_LOG.c.id.desc()).limit(bindparam("most"))
_SELECTED = _OF_SUBJECT.where(
    or_(bindparam("kind", type_=String) == "", bindparam("kind", type_=String) == _KIND),
    or_(
        bindparam("merchant_id", type_=String) == "",
        ACCESS_LOG.c.merchant_id == bindparam("merchant_id", type_=String),
    ),
)
_SELECTED_BEFORE = _SELECTED.where(ACCESS_LOG.c.id < bindparam("before"))
_BY_IDS = select(ACCESS_LOG).where(ACCESS_LOG.c.id.in_(bindparam("ids", expanding=True)))
_EACH = (
    select(ACCESS_LOG.c.merchant_id, _KIND.label("kind"), ACCESS_LOG.c.id)
    .where(ACCESS_LOG.c.subject == bindparam("subject"))
    .subquery()
)
_GROUPS = select(
    _EACH.c.merchant_id,
    _EACH.c.kind,
    func.count().label("times"),
    func.min(_EACH.c.id).label("first"),
    func.max(_EACH.c.id).label("last"),
).group_by(_EACH.c.merchant_id, _EACH.c.kind)


class AccessLog(SealedLog):
    """Appends accesses and lists those about a person."""

    LOG: ClassVar[str] = "access"
    NOUN: ClassVar[str] = "acc"
    TABLE: ClassVar[Table] = ACCESS_LOG
    INSERT: ClassVar[Insert] = insert_into(ACCESS_LOG)

    def list_of_subject(self, subject: str, *, limit: int = 100) -> list[AccessLogRow]:
        """Returns at most `limit` entries of a person, newest first."""
        return self._all(AccessLogRow, _OF_SUBJECT, subject=subject, most=limit)

    def list_selected(
        self, subject: str, *, kind: str = "", merchant_id: str = "", before: str | None = None, limit: int
    ) -> list[AccessLogRow]:
        """Returns at most `limit` entries of a person, newest first: of this kind and merchant, of any if it is "", and
        older than the entry `before`."""
        selected = {"subject": subject, "kind": kind, "merchant_id": merchant_id, "most": limit}
        if before is None:
            return self._all(AccessLogRow, _SELECTED, **selected)
        return self._all(AccessLogRow, _SELECTED_BEFORE, **selected, before=before)

    def list_by_ids(self, entry_ids: Iterable[str]) -> list[AccessLogRow]:
        """Returns these entries in any order, without unknown ones."""
        return self._all(AccessLogRow, _BY_IDS, ids=sorted(set(entry_ids)))

    def count_groups(self, subject: str) -> Sequence[Row]:
        """Returns for each merchant and kind how many entries a person has (`times`), and the ids of the first and last
        of them."""
        return self._rows(_GROUPS, subject=subject)
