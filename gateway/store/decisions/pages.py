"""Pages of a merchant's decisions: keyset, filtered, in either direction."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, or_, select

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime
from gateway.store.decisions.decisions import DECISIONS, EXPIRING, MAPPING
from gateway.store.repository import Repository

_VARIANTS = 512
"""How many forms of the two statements are kept: with and without each filter and bound, in each order."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a page of decisions is filtered by; empty members filter nothing."""

    products: tuple[Product, ...] = ()
    statuses: tuple[Status, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One keyset page: `limit` rows past `after` (and before `before`), each a (time, id) position in the order."""

    limit: int
    by_update: bool = False
    descending: bool = True
    after: tuple[datetime, str] | None = None
    before: tuple[datetime, str] | None = None

    def reversed(self) -> "Window":
        """The same rows seen from the other end."""
        return replace(self, descending=not self.descending, after=self.before, before=self.after)


class DecisionPageRepository(Repository):
    """Reads pages."""

    def load_page(self, merchant_id: str, filtered: Filter, window: Window, now: BusinessTime) -> list[DecisionState]:
        """Up to `window.limit` decisions of one merchant as of `now`, in the window's order."""
        statement = _page(
            _shape(filtered), window.by_update, window.descending, window.after is not None, window.before is not None
        )
        parameters = _parameters(merchant_id, filtered, now)
        for name, position in (("after", window.after), ("before", window.before)):
            if position is not None:
                parameters[f"{name}_at"], parameters[f"{name}_id"] = position
        rows = self._rows(statement, **parameters, most=window.limit)
        return [MAPPING.read(row).as_of(now) for row in rows]

    def count(self, merchant_id: str, filtered: Filter, now: BusinessTime) -> int:
        """How many decisions the filter leaves."""
        return int(self._value(_count(_shape(filtered)), **_parameters(merchant_id, filtered, now)))


_Shape = tuple[bool, tuple[Status, ...], bool, bool]
"""What of a filter the form of a statement depends on."""


def _shape(filtered: Filter) -> _Shape:
    statuses = tuple(status for status in Status if status in filtered.statuses)
    return bool(filtered.products), statuses, bool(filtered.created_after), bool(filtered.created_before)


def _parameters(merchant_id: str, filtered: Filter, now: BusinessTime) -> dict[str, Any]:
    optional = {
        "products": [product.value for product in filtered.products] or None,
        "now": now if filtered.statuses else None,
        "created_after": filtered.created_after,
        "created_before": filtered.created_before,
    }
    return {"merchant_id": merchant_id, **{name: value for name, value in optional.items() if value is not None}}


@lru_cache(maxsize=_VARIANTS)
def _page(shape: _Shape, by_update: bool, descending: bool, after: bool, before: bool) -> Select[Any]:
    moment, identity = DECISIONS.c.updated_at if by_update else DECISIONS.c.created_at, DECISIONS.c.id
    query = select(DECISIONS).where(*_conditions(shape))
    for name, bound, beyond in (("after", after, not descending), ("before", before, descending)):
        if bound:
            at: Any = bindparam(f"{name}_at", type_=moment.type)
            last: Any = bindparam(f"{name}_id")
            query = query.where(
                or_(moment > at, and_(moment == at, identity > last))
                if beyond
                else or_(moment < at, and_(moment == at, identity < last))
            )
    order = (moment.desc(), identity.desc()) if descending else (moment.asc(), identity.asc())
    return query.order_by(*order).limit(bindparam("most"))


@lru_cache(maxsize=_VARIANTS)
def _count(shape: _Shape) -> Select[Any]:
    return select(func.count()).select_from(DECISIONS).where(*_conditions(shape))


def _conditions(shape: _Shape) -> list[ColumnElement[bool]]:
    products, statuses, created_after, created_before = shape
    columns = DECISIONS.c
    conditions: list[ColumnElement[bool]] = [columns.merchant_id == bindparam("merchant_id")]
    if products:
        conditions.append(columns.product.in_(bindparam("products", expanding=True)))
    if statuses:
        now = bindparam("now", type_=columns.valid_until.type)
        conditions.append(or_(*(_status_is(status, now) for status in statuses)))
    if created_after:
        conditions.append(columns.created_at > bindparam("created_after"))
    if created_before:
        conditions.append(columns.created_at < bindparam("created_before"))
    return conditions


def _status_is(status: Status, now: BindParameter[Any]) -> ColumnElement[bool]:
    """SQL for `status_at`: an approval or request past its time counts as EXPIRED before that is written."""
    written = DECISIONS.c.status == status.value
    if status in EXPIRING:
        return and_(written, or_(DECISIONS.c.valid_until.is_(None), DECISIONS.c.valid_until > now))
    if status is Status.EXPIRED:
        expired = and_(DECISIONS.c.status.in_(sorted(EXPIRING)), DECISIONS.c.valid_until <= now)
        return or_(written, expired)
    return written
