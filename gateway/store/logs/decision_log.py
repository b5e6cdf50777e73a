"""The decision log: one sealed entry per event of a decision."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import Index, Row, Select, Table, and_, bindparam, func, select

from gateway.domain.events import InternalTopic
from gateway.kit.json import decode
from gateway.store.base import table_of
from gateway.store.logs.sealed_log import SealedEntry, SealedLog
from gateway.store.repository import Insert, insert_into


class DecisionLogRow(SealedEntry):
    """An entry. Its id is the event id; the timeline of a decision is its entries in order."""

    decision_id: str


class DecisionLogTable(DecisionLogRow, table=True):
    __tablename__ = "decision_log"
    __table_args__ = (Index("ix_decision_log_decision_id_leaf_index", "decision_id", "leaf_index"),)


DECISION_LOG = table_of(DecisionLogTable)
_L = DECISION_LOG.c
_OF_DECISION = select(DECISION_LOG).where(_L.decision_id == bindparam("decision_id")).order_by(_L.leaf_index)
_BY_ID = select(DECISION_LOG).where(_L.id == bindparam("entry_id"))
_BY_IDS = select(DECISION_LOG).where(_L.id.in_(bindparam("ids", expanding=True)))
_FIRST = (
    select(DECISION_LOG)
    .where(
        _L.leaf_index.in_(
            select(func.min(_L.leaf_index))
            .where(_L.decision_id.in_(bindparam("ids", expanding=True)))
            .group_by(_L.decision_id)
        )
    )
    .order_by(_L.decision_id)
)


_FOR_MERCHANTS = and_(*(~_L.public.contains(f'"topic":"{topic}"') for topic in InternalTopic))
"""The public part is JSON without spaces, in which a quotation mark in a text has a backslash before it."""


@dataclass(frozen=True, slots=True)
class EventWindow:
    """One page of a timeline: at most `limit` entries after the entry `after` and before the entry `before`, from the
    start or, if `backward`, from the end. Entries are given by their leaf indexes. Without entries that merchants do
    not see, unless `internal`."""

    limit: int
    backward: bool = False
    after: int | None = None
    before: int | None = None
    internal: bool = False


@lru_cache
def _page(backward: bool, after: bool, before: bool, internal: bool) -> Select[Any]:
    query = select(DECISION_LOG).where(_L.decision_id == bindparam("decision_id"))
    if not internal:
        query = query.where(_FOR_MERCHANTS)
    if after:
        query = query.where(_L.leaf_index > bindparam("after"))
    if before:
        query = query.where(_L.leaf_index < bindparam("before"))
    return query.order_by(_L.leaf_index.desc() if backward else _L.leaf_index).limit(bindparam("most"))


class DecisionLog(SealedLog):
    """Appends events and lists those of a decision."""

    LOG: ClassVar[str] = "decision"
    NOUN: ClassVar[str] = "evt"
    TABLE: ClassVar[Table] = DECISION_LOG
    INSERT: ClassVar[Insert] = insert_into(DECISION_LOG)

    def load(self, entry_id: str) -> DecisionLogRow | None:
        """Returns an entry, or None for an unknown id."""
        return self._first(DecisionLogRow, _BY_ID, entry_id=entry_id)

    def list_of_decision(self, decision_id: str) -> list[DecisionLogRow]:
        """Returns all entries of a decision, oldest first."""
        return self._all(DecisionLogRow, _OF_DECISION, decision_id=decision_id)

    def list_page(self, decision_id: str, window: EventWindow) -> list[DecisionLogRow]:
        """Returns the entries of a page, in its direction."""
        bounds = {"after": window.after, "before": window.before}
        given = {name: index for name, index in bounds.items() if index is not None}
        statement = _page(window.backward, "after" in given, "before" in given, window.internal)
        return self._all(DecisionLogRow, statement, decision_id=decision_id, most=window.limit, **given)

    def list_by_ids(self, entry_ids: Iterable[str]) -> list[DecisionLogRow]:
        """Returns these entries in any order, without unknown ones."""
        return self._all(DecisionLogRow, _BY_IDS, ids=sorted(set(entry_ids)))

    def list_first(self, decision_ids: Iterable[str]) -> list[DecisionLogRow]:
        """Returns the first entry of each decision, in the order of the decision ids."""
        return self._all(DecisionLogRow, _FIRST, ids=sorted(set(decision_ids)))


def read_public(entry: DecisionLogRow | Row[Any]) -> dict[str, Any]:
    """Returns the public part of an entry. An invalid one is returned as empty; `gateway.audit.log_verification`
    reports it."""
    try:
        public = decode(entry.public)
    except (ValueError, TypeError):
        return {}
    return public if isinstance(public, dict) else {}
