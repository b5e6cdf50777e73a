"""Decisions: one row each, moved along the transition table by conditional updates."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Index, and_, func, or_
from sqlmodel import Field, UniqueConstraint, col, select

from gateway.domain.decision import OPEN, Decision, Ruling, Status, status_at
from gateway.domain.money import Money
from gateway.domain.outcome import outcome_from_document
from gateway.domain.product import Product
from gateway.store.base import Table, insert_into, json_column
from gateway.store.database import Session

LAPSING = (Status.PENDING, Status.APPROVED)


class DecisionRow(Table, table=True):
    """`amount_minor` counts against the ceiling of the consent while the decision is open. `valid_until` is
    business time, the other times too."""

    __tablename__ = "decisions"
    __table_args__ = (
        UniqueConstraint("merchant_id", "merchant_reference"),
        Index("ix_decisions_merchant_id_created_at_id", "merchant_id", "created_at", "id"),
        Index("ix_decisions_merchant_id_updated_at_id", "merchant_id", "updated_at", "id"),
    )

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    client_id: str = Field(foreign_key="oauth_clients.id")
    consent_id: str = Field(foreign_key="consents.id", index=True)
    subject: str
    merchant_reference: str
    adapter: str
    product: str
    purpose: str
    status: str
    ask: dict[str, Any] = json_column()
    outcome: dict[str, Any] = json_column()
    policy_version: str
    policy_hash: str
    rule_id: str
    score_as_of: datetime | None = None
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    valid_until: datetime | None = None
    created_at: datetime
    updated_at: datetime


def value(row: DecisionRow, now: datetime) -> Decision:
    """The domain value as of `now`, business time: an approval past its time reads as EXPIRED."""
    return Decision(
        id=row.id,
        merchant_id=row.merchant_id,
        client_id=row.client_id,
        consent_id=row.consent_id,
        subject=row.subject,
        merchant_reference=row.merchant_reference,
        product=Product(row.product),
        purpose=row.purpose,
        status=status_at(Status(row.status), row.valid_until, now),
        outcome=outcome_from_document(row.outcome),
        ruling=Ruling(row.adapter, row.policy_version, row.policy_hash, row.rule_id, row.score_as_of),
        ask=row.ask,
        valid_until=row.valid_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def load(session: Session, decision_id: str, *, lock: bool = False) -> DecisionRow | None:
    """The row; with `lock`, held until the unit of work ends."""
    query = select(DecisionRow).where(DecisionRow.id == decision_id).execution_options(populate_existing=True)
    return session.exec(query.with_for_update() if lock else query).first()


def by_reference(session: Session, merchant_id: str, reference: str) -> DecisionRow | None:
    return session.exec(
        select(DecisionRow).where(DecisionRow.merchant_id == merchant_id, DecisionRow.merchant_reference == reference)
    ).first()


def committed(session: Session, consent_id: str, currency: str, now: datetime) -> Money:
    """What the open decisions under a consent add up to in one currency."""
    total = session.exec(
        select(func.coalesce(func.sum(DecisionRow.amount_minor), 0)).where(
            DecisionRow.consent_id == consent_id,
            DecisionRow.currency == currency,
            or_(*(_is(status, now) for status in OPEN)),
        )
    ).one()
    return Money(int(total), currency)


def used(session: Session, consent_id: str) -> bool:
    """Whether a decision was made under the consent that was not declined, whatever became of it."""
    query = select(DecisionRow.id).where(DecisionRow.consent_id == consent_id, DecisionRow.status != Status.DECLINED)
    return session.exec(query.limit(1)).first() is not None


def insert(session: Session, row: DecisionRow) -> bool:
    """Writes a new decision. False when its merchant has used the reference before."""
    statement = (
        insert_into(session, DecisionRow)
        .values(row.model_dump())
        .on_conflict_do_nothing(index_elements=["merchant_id", "merchant_reference"])
        .returning(col(DecisionRow.id))
    )
    return session.execute(statement).first() is not None


def move(session: Session, row: DecisionRow, target: Status, now: datetime) -> None:
    """Changes the status of a row that was loaded with `lock`."""
    row.status, row.updated_at = target, now
    session.add(row)
    session.flush()


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
        conditions.append(or_(*(_is(status, now) for status in narrowed.statuses)))
    if narrowed.created_after:
        conditions.append(col(DecisionRow.created_at) > narrowed.created_after)
    if narrowed.created_before:
        conditions.append(col(DecisionRow.created_at) < narrowed.created_before)
    return conditions


def _is(status: Status, now: datetime) -> ColumnElement[bool]:
    """SQL for `status_at`: what lapsed by the clock counts as EXPIRED before anything has written it down."""
    stored = col(DecisionRow.status) == status
    lapsed = and_(col(DecisionRow.status).in_(LAPSING), col(DecisionRow.valid_until) <= now)
    if status in LAPSING:
        return and_(stored, or_(col(DecisionRow.valid_until).is_(None), col(DecisionRow.valid_until) > now))
    return or_(stored, lapsed) if status is Status.EXPIRED else stored
