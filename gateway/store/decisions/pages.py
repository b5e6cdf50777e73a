"""Filtered pages of a merchant's decisions, by keyset and in both directions."""

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
"""The number of cached variants of each statement: with and without each filter and bound, in each order."""


@dataclass(frozen=True, slots=True)
class Filter:
    """The filter of a page of decisions. Empty members filter nothing."""

    products: tuple[Product, ...] = ()
    statuses: tuple[Status, ...] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One keyset page: at most `limit` rows after the position `after` and before the position `before`. A position is
    (time, id)."""

    limit: int
    by_update: bool = False
    descending: bool = True
    after: tuple[datetime, str] | None = None
    before: tuple[datetime, str] | None = None

    def reversed(self) -> "Window":
        """Returns the window over the same rows in reverse order."""
        return replace(self, descending=not self.descending, after=self.before, before=self.after)


class DecisionPageRepository(Repository):
    """Reads pages."""

    def load_page(self, merchant_id: str, filtered: Filter, window: Window, now: BusinessTime) -> list[DecisionState]:
        """Returns at most `window.limit` decisions of one merchant, with their status at `now`, in the order of the
        window."""
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
        """Returns the number of decisions that match the filter."""
        return int(self._value(_count(_shape(filtered)), **_parameters(merchant_id, filtered, now)))


_Shape = tuple[bool, tuple[Status, ...], bool, bool]
"""The parts of a filter that decide which variant of a statement is used."""


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
    """Returns the SQL of `status_at`: after `valid_until` an approval or request is EXPIRED, even if that is not saved
    yet."""
    has_status = DECISIONS.c.status == status.value
    if status in EXPIRING:
        return and_(has_status, or_(DECISIONS.c.valid_until.is_(None), DECISIONS.c.valid_until > now))
    if status is Status.EXPIRED:
        has_expired = and_(DECISIONS.c.status.in_(sorted(EXPIRING)), DECISIONS.c.valid_until <= now)
        return or_(has_status, has_expired)
    return has_status
