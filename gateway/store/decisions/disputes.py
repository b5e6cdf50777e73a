"""Disputes: one row each. The parties' texts are sealed in the decision log; the row has the ids of these entries."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Index, Select, bindparam, func, select, tuple_
from sqlmodel import Field

from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES, DisputeStatus
from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.merchants.merchants import MERCHANTS, REPLACED
from gateway.store.repository import Repository


class DisputeRow(Record):
    """A dispute. `opened_event`, `answered_event` and `resolved_event` are ids of log entries."""

    id: str = Field(primary_key=True)
    decision_id: str = Field(foreign_key="decisions.id", index=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    user_id: str = Field(foreign_key="users.id")
    subject: str
    opened_by: str
    status: str
    opened_at: BusinessTime = moment_column()
    respond_by: BusinessTime = moment_column()
    resolved_at: BusinessTime | None = moment_column(default=None)
    opened_event: str
    answered_event: str | None = None
    resolved_event: str | None = None


class DisputeTable(DisputeRow, table=True):
    __tablename__ = "disputes"
    __table_args__ = (
        Index("ix_disputes_status_respond_by", "status", "respond_by"),
        Index("ix_disputes_merchant_id_opened_at_id", "merchant_id", "opened_at", "id"),
    )


DISPUTES = table_of(DisputeTable)
_BY_ID = select(DISPUTES).where(DISPUTES.c.id == bindparam("dispute_id"))
_OF_DECISION = select(DISPUTES).where(DISPUTES.c.decision_id == bindparam("decision_id")).order_by(DISPUTES.c.id)
_NEWEST = select(DISPUTES).where(
    DISPUTES.c.id.in_(
        select(func.max(DISPUTES.c.id))
        .where(DISPUTES.c.decision_id.in_(bindparam("ids", expanding=True)))
        .group_by(DISPUTES.c.decision_id)
    )
)
_OPEN = select(DISPUTES).where(DISPUTES.c.status.in_(sorted(OPEN_DISPUTE_STATUSES))).order_by(DISPUTES.c.id)
_PRESENT_OPEN = _OPEN.where(DISPUTES.c.merchant_id.not_in(REPLACED))
_UNANSWERED = (
    select(DISPUTES.c.id)
    .join(MERCHANTS, MERCHANTS.c.id == DISPUTES.c.merchant_id)
    .where(
        MERCHANTS.c.partner_id == bindparam("partner_id"),
        DISPUTES.c.status == DisputeStatus.AWAITING_MERCHANT.value,
        DISPUTES.c.respond_by <= bindparam("now"),
    )
    .order_by(DISPUTES.c.respond_by, DISPUTES.c.id)
    .limit(bindparam("most"))
)
_DECIDED = (
    select(
        func.count().filter(DISPUTES.c.status == DisputeStatus.UPHELD.value).label("upheld"),
        func.count().label("decided"),
    )
    .join(MERCHANTS, MERCHANTS.c.id == DISPUTES.c.merchant_id)
    .where(
        MERCHANTS.c.partner_id == bindparam("partner_id"),
        DISPUTES.c.status.in_([DisputeStatus.UPHELD.value, DisputeStatus.REJECTED.value]),
    )
)
_UPDATE = DISPUTES.update().where(DISPUTES.c.id == bindparam("dispute_id"))


Position = tuple[datetime, str]
"""When a dispute was opened, and its id."""


@dataclass(frozen=True, slots=True)
class DisputeFilter:
    """The filter of a page of disputes. None filters nothing; an empty set of statuses matches nothing."""

    statuses: frozenset[DisputeStatus] | None = None
    opened_after: datetime | None = None
    opened_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class DisputeWindow:
    """One page: at most `limit` disputes after the position `after` and before the position `before`, from the newest
    or, if `backward`, from the oldest."""

    limit: int
    backward: bool = False
    after: Position | None = None
    before: Position | None = None


@lru_cache
def _page(names: frozenset[str], backward: bool) -> Select[Any]:
    """The statement with the conditions of these parameters."""
    position = tuple_(DISPUTES.c.opened_at, DISPUTES.c.id)
    conditions = {
        "statuses": DISPUTES.c.status.in_(bindparam("statuses", expanding=True)),
        "opened_after": DISPUTES.c.opened_at > bindparam("opened_after"),
        "opened_before": DISPUTES.c.opened_at < bindparam("opened_before"),
        "after_at": position < _position("after"),
        "before_at": position > _position("before"),
    }
    order = (DISPUTES.c.opened_at, DISPUTES.c.id) if backward else (DISPUTES.c.opened_at.desc(), DISPUTES.c.id.desc())
    return (
        select(DISPUTES)
        .where(
            DISPUTES.c.merchant_id == bindparam("merchant_id"),
            *(condition for name, condition in conditions.items() if name in names),
        )
        .order_by(*order)
        .limit(bindparam("most"))
    )


def _position(name: str) -> Any:
    return tuple_(
        bindparam(f"{name}_at", type_=DISPUTES.c.opened_at.type), bindparam(f"{name}_id", type_=DISPUTES.c.id.type)
    )


class DisputeRepository(Repository):
    """Reads and writes disputes. The caller must lock the decision before it writes a dispute."""

    def load(self, dispute_id: str) -> DisputeRow | None:
        """Returns the dispute, or None for an unknown id."""
        return self._first(DisputeRow, _BY_ID, dispute_id=dispute_id)

    def list_of_decision(self, decision_id: str) -> list[DisputeRow]:
        """Returns the disputes of a decision, oldest first."""
        return self._all(DisputeRow, _OF_DECISION, decision_id=decision_id)

    def list_page(self, merchant_id: str, filtered: DisputeFilter, window: DisputeWindow) -> list[DisputeRow]:
        """Returns the disputes of a merchant in a page, in its direction."""
        if filtered.statuses == frozenset():
            return []
        given: dict[str, Any] = {
            "statuses": None if filtered.statuses is None else sorted(each.value for each in filtered.statuses),
            "opened_after": filtered.opened_after,
            "opened_before": filtered.opened_before,
        }
        for name, at in (("after", window.after), ("before", window.before)):
            given[f"{name}_at"], given[f"{name}_id"] = at or (None, None)
        parameters = {name: value for name, value in given.items() if value is not None}
        statement = _page(frozenset(parameters), window.backward)
        return self._all(DisputeRow, statement, merchant_id=merchant_id, most=window.limit, **parameters)

    def list_newest(self, decision_ids: Iterable[str]) -> list[DisputeRow]:
        """Returns the newest dispute of each decision that has one."""
        return self._all(DisputeRow, _NEWEST, ids=sorted(set(decision_ids)))

    def list_open(self, *, with_replaced: bool = False) -> list[DisputeRow]:
        """Returns the open disputes, oldest first. Those with merchants that a reset of a sandbox has replaced are left
        out, except `with_replaced`."""
        return self._all(DisputeRow, _OPEN if with_replaced else _PRESENT_OPEN)

    def list_unanswered(self, partner_id: str, now: BusinessTime, limit: int) -> list[str]:
        """Returns the ids of disputes whose time for a response by a partner's merchant has passed at `now`."""
        return self._values(_UNANSWERED, partner_id=partner_id, now=now, most=limit)

    def count_decided(self, partner_id: str) -> tuple[int, int]:
        """Returns how many disputes with a partner's merchants were upheld, and how many were upheld or rejected."""
        row = self._row(_DECIDED, partner_id=partner_id)
        return (row.upheld, row.decided) if row else (0, 0)

    def insert(self, dispute: DisputeRow) -> None:
        """Writes a new dispute."""
        self._insert(DISPUTES, dispute)

    def update(self, dispute: DisputeRow) -> None:
        """Writes all columns of a stored dispute."""
        self._execute(_UPDATE, dispute_id=dispute.id, **dispute.model_dump(exclude={"id"}))
