"""Pages of a merchant's decisions: keyset, narrowed, in either direction."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import col, select

from gateway.domain.decision import Status
from gateway.domain.product import Product
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow, status_is


@dataclass(frozen=True, slots=True)
class Filter:
    """What a page of decisions is narrowed to; empty members narrow nothing."""

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


def page(session: Session, merchant_id: str, narrowed: Filter, window: Window, now: datetime) -> list[DecisionRow]:
    """Up to `window.limit` rows of one merchant in the window's order."""
    moment = col(DecisionRow.updated_at if window.by_update else DecisionRow.created_at)
    identity = col(DecisionRow.id)
    query = select(DecisionRow).where(*_narrowed(merchant_id, narrowed, now))
    for position, beyond in ((window.after, not window.descending), (window.before, window.descending)):
        if position is not None:
            at, last = position
            query = query.where(
                or_(moment > at, and_(moment == at, identity > last))
                if beyond
                else or_(moment < at, and_(moment == at, identity < last))
            )
    order = (moment.desc(), identity.desc()) if window.descending else (moment.asc(), identity.asc())
    return list(session.exec(query.order_by(*order).limit(window.limit)))


def count(session: Session, merchant_id: str, narrowed: Filter, now: datetime) -> int:
    return session.exec(
        select(func.count()).select_from(DecisionRow).where(*_narrowed(merchant_id, narrowed, now))
    ).one()


def _narrowed(merchant_id: str, narrowed: Filter, now: datetime) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [col(DecisionRow.merchant_id) == merchant_id]
    if narrowed.products:
        conditions.append(col(DecisionRow.product).in_(narrowed.products))
    if narrowed.statuses:
        conditions.append(or_(*(status_is(status, now) for status in narrowed.statuses)))
    if narrowed.created_after:
        conditions.append(col(DecisionRow.created_at) > narrowed.created_after)
    if narrowed.created_before:
        conditions.append(col(DecisionRow.created_at) < narrowed.created_before)
    return conditions
