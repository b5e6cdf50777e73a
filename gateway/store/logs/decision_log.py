"""The decision log: one sealed entry for each event of a decision."""

from collections.abc import Iterable
from typing import Any, ClassVar

from sqlalchemy import Index, Row, Table, and_, bindparam, func, select
from sqlmodel import UniqueConstraint

from gateway.kit.json import decode
from gateway.store.base import table_of
from gateway.store.logs.sealed_log import SealedEntry, SealedLog
from gateway.store.repository import Insert, insert_into


class DecisionLogRow(SealedEntry):
    """Ids are event ids: the timeline of a decision is its entries, in order."""

    decision_id: str


class DecisionLogTable(DecisionLogRow, table=True):
    __tablename__ = "decision_log"
    __table_args__ = (
        UniqueConstraint("merchant_id", "sequence"),
        Index("ix_decision_log_decision_id_id", "decision_id", "id"),
    )


DECISION_LOG = table_of(DecisionLogTable)
_OF_DECISION = (
    select(DECISION_LOG).where(DECISION_LOG.c.decision_id == bindparam("decision_id")).order_by(DECISION_LOG.c.sequence)
)
_BY_ID = select(DECISION_LOG).where(DECISION_LOG.c.id == bindparam("entry_id"))
_BY_IDS = select(DECISION_LOG).where(DECISION_LOG.c.id.in_(bindparam("ids", expanding=True)))
_FIRST_SEQUENCE = (
    select(DECISION_LOG.c.merchant_id, DECISION_LOG.c.decision_id, func.min(DECISION_LOG.c.sequence).label("sequence"))
    .where(DECISION_LOG.c.decision_id.in_(bindparam("ids", expanding=True)))
    .group_by(DECISION_LOG.c.merchant_id, DECISION_LOG.c.decision_id)
    .subquery()
)
_FIRST = (
    select(DECISION_LOG)
    .join(
        _FIRST_SEQUENCE,
        and_(
            DECISION_LOG.c.merchant_id == _FIRST_SEQUENCE.c.merchant_id,
            DECISION_LOG.c.sequence == _FIRST_SEQUENCE.c.sequence,
        ),
    )
    .order_by(DECISION_LOG.c.decision_id)
)


class DecisionLog(SealedLog):
    """Appends events and lists those of a decision."""

    LOG: ClassVar[str] = "decision"
    NOUN: ClassVar[str] = "evt"
    TABLE: ClassVar[Table] = DECISION_LOG
    INSERT: ClassVar[Insert] = insert_into(DECISION_LOG)

    def load(self, entry_id: str) -> DecisionLogRow | None:
        """One entry, None for an unknown id."""
        return self._first(DecisionLogRow, _BY_ID, entry_id=entry_id)

    def list_of_decision(self, decision_id: str) -> list[DecisionLogRow]:
        """All entries of one decision, oldest first."""
        return self._all(DecisionLogRow, _OF_DECISION, decision_id=decision_id)

    def list_by_ids(self, entry_ids: Iterable[str]) -> list[DecisionLogRow]:
        """These entries, in no order, without unknown ones."""
        return self._all(DecisionLogRow, _BY_IDS, ids=sorted(set(entry_ids)))

    def list_first(self, decision_ids: Iterable[str]) -> list[DecisionLogRow]:
        """The first entry of each of these decisions, in the order of their ids."""
        return self._all(DecisionLogRow, _FIRST, ids=sorted(set(decision_ids)))


def read_public(entry: DecisionLogRow | Row[Any]) -> dict[str, Any]:
    """The public part of an entry; empty for a text that is not one, which gateway.audit.log_verification reports."""
    try:
        public = decode(entry.public)
    except (ValueError, TypeError):
        return {}
    return public if isinstance(public, dict) else {}
