"""Decisions: one row each, locked while it moves along the transition table."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Index, and_, func, not_, or_, text
from sqlmodel import Field, UniqueConstraint, col, select
from sqlmodel.sql.expression import SelectOfScalar

from gateway.domain.decision import OPEN, BreachKind, Decision, Ruling, Status
from gateway.domain.life import by
from gateway.domain.money import Money
from gateway.domain.outcome import Approval, outcome_from_document
from gateway.domain.product import Product
from gateway.domain.settlement import Windows
from gateway.domain.standing import Standing
from gateway.store.base import Table, insert_into, json_column
from gateway.store.consents import ConsentRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow

LAPSING = (Status.PENDING, Status.APPROVED)


def _total() -> Any:
    """A column of minor units or seconds, zero where nothing is said."""
    return Field(default=0, sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})


class DecisionRow(Table, table=True):
    """`amount_minor` counts against the ceiling of the consent, `held_minor` against the person's line of trust: both
    go down as the promise is kept. `wakes_at` is when the clock has to look next. All times are business time."""

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
    requested_minor: int = _total()
    due_minor: int = _total()
    settled_minor: int = _total()
    held_minor: int = _total()
    due_at: datetime | None = None
    windows: dict[str, Any] | None = json_column(optional=True, default=None)
    activated_at: datetime | None = None
    overdue_at: datetime | None = None
    lapsed_at: datetime | None = None
    breached_at: datetime | None = None
    breach_kind: str | None = None
    written_off_at: datetime | None = None
    contested_at: datetime | None = None
    confirmed_at: datetime | None = None
    voided_at: datetime | None = None
    stood_still_seconds: int = _total()
    wakes_at: datetime | None = Field(default=None, index=True)


def value(row: DecisionRow, now: datetime) -> Decision:
    """The domain value as of `now`, business time: an approval past its time reads as EXPIRED."""
    standing = standing_of(row)
    return Decision(
        id=row.id,
        merchant_id=row.merchant_id,
        client_id=row.client_id,
        consent_id=row.consent_id,
        subject=row.subject,
        merchant_reference=row.merchant_reference,
        product=Product(row.product),
        purpose=row.purpose,
        status=standing.at(now),
        outcome=outcome_from_document(row.outcome),
        settlement=standing.settlement(now),
        barred=standing.barred,
        ruling=Ruling(row.adapter, row.policy_version, row.policy_hash, row.rule_id, row.score_as_of),
        ask=row.ask,
        valid_until=row.valid_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def standing_of(row: DecisionRow) -> Standing:
    """Where the decision stands, as it was last written."""
    outcome = outcome_from_document(row.outcome)
    terms = outcome.terms if isinstance(outcome, Approval) else None
    return Standing(
        status=Status(row.status),
        requested=Money(row.requested_minor, row.currency),
        due=Money(row.due_minor, row.currency),
        settled=Money(row.settled_minor, row.currency),
        valid_until=row.valid_until,
        due_at=row.due_at,
        agreed_due_at=terms.due_at if terms else None,
        grace=terms.grace if terms else timedelta(0),
        windows=Windows.from_document(row.windows),
        activated_at=row.activated_at,
        overdue_at=row.overdue_at,
        lapsed_at=row.lapsed_at,
        breached_at=row.breached_at,
        breach_kind=BreachKind(row.breach_kind) if row.breach_kind else None,
        written_off_at=row.written_off_at,
        contested_at=row.contested_at,
        confirmed_at=row.confirmed_at,
        voided_at=row.voided_at,
        stood_still=timedelta(seconds=row.stood_still_seconds),
    )


def put(row: DecisionRow, standing: Standing) -> None:
    """Writes the standing into the row, and what follows from it."""
    row.status = standing.status
    row.requested_minor, row.due_minor = standing.requested.minor, standing.due.minor
    row.settled_minor, row.held_minor = standing.settled.minor, standing.held.minor
    row.amount_minor = standing.committed.minor
    row.valid_until, row.due_at, row.wakes_at = standing.valid_until, standing.due_at, standing.wakes_at
    row.windows = standing.windows.document()
    row.activated_at, row.overdue_at, row.lapsed_at = standing.activated_at, standing.overdue_at, standing.lapsed_at
    row.breached_at, row.breach_kind = standing.breached_at, standing.breach_kind
    row.written_off_at = standing.written_off_at
    row.contested_at, row.confirmed_at, row.voided_at = standing.contested_at, standing.confirmed_at, standing.voided_at
    row.stood_still_seconds = int(standing.stood_still.total_seconds())


def load(session: Session, decision_id: str, *, lock: bool = False) -> DecisionRow | None:
    """The row; with `lock`, held until the unit of work ends."""
    query = select(DecisionRow).where(DecisionRow.id == decision_id).execution_options(populate_existing=True)
    return session.exec(query.with_for_update() if lock else query).first()


def by_reference(session: Session, merchant_id: str, reference: str) -> DecisionRow | None:
    return session.exec(
        select(DecisionRow).where(DecisionRow.merchant_id == merchant_id, DecisionRow.merchant_reference == reference)
    ).first()


def pending(session: Session) -> Sequence[DecisionRow]:
    """The referrals of all merchants that are written as undecided, oldest first."""
    query = select(DecisionRow).where(DecisionRow.status == Status.PENDING).order_by(col(DecisionRow.id))
    return session.exec(query).all()


def committed(session: Session, consent_id: str, currency: str, now: datetime, *, beside: str = "") -> Money:
    """What the open decisions under a consent, but for the one `beside` which it is asked, add up to in a currency."""
    total = session.exec(
        select(func.coalesce(func.sum(DecisionRow.amount_minor), 0)).where(
            DecisionRow.consent_id == consent_id,
            DecisionRow.currency == currency,
            DecisionRow.id != beside,
            or_(*(status_is(status, now) for status in OPEN)),
        )
    ).one()
    return Money(int(total), currency)


def used(session: Session, consent_id: str, *, beside: str = "") -> bool:
    """Whether another decision was made under the consent that was not declined, whatever became of it."""
    query = select(DecisionRow.id).where(
        DecisionRow.consent_id == consent_id, DecisionRow.status != Status.DECLINED, DecisionRow.id != beside
    )
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


def move(session: Session, row: DecisionRow, standing: Standing, now: datetime) -> None:
    """Moves a row that was loaded with `lock`."""
    put(row, standing)
    row.updated_at = now
    session.add(row)
    session.flush()


def open_overdue(session: Session, user_id: str, now: datetime) -> int:
    """How many obligations of the person, at any merchant, are open past their date and count."""
    concerned = or_(col(DecisionRow.breached_at).is_not(None), col(DecisionRow.overdue_at).is_not(None))
    rows = session.exec(_of_user(user_id).where(col(DecisionRow.status).in_(("ACTIVE", "BREACHED")), concerned))
    return sum(by(standing_of(row), now).counts_against(now) for row in rows)


def held(session: Session, user_id: str, currency: str, merchant_id: str, now: datetime) -> tuple[Money, Money]:
    """What the open promises of the person in one currency come to, to this merchant and to all others. What has run
    out or lapsed by `now` counts no more."""
    theirs = _of_user(user_id).where(DecisionRow.currency == currency, DecisionRow.held_minor > 0)
    asleep = or_(col(DecisionRow.wakes_at).is_(None), col(DecisionRow.wakes_at) > now)
    mine, held_minor = col(DecisionRow.merchant_id) == merchant_id, col(DecisionRow.held_minor)
    totals = theirs.where(asleep).with_only_columns(mine, func.sum(held_minor)).group_by(mine)
    minor = {bool(here): int(total) for here, total in session.execute(totals)}
    for row in session.exec(theirs.where(not_(asleep))):  # few: a clock comes by every few seconds
        here = row.merchant_id == merchant_id
        minor[here] = minor.get(here, 0) + by(standing_of(row), now).held.minor
    return Money(minor.get(True, 0), currency), Money(minor.get(False, 0), currency)


def open_of_user(session: Session, user_id: str) -> Sequence[DecisionRow]:
    """A person's approvals, active promises and breaches at all merchants, as they are written, newest first."""
    living = col(DecisionRow.status).in_((Status.APPROVED, Status.ACTIVE, Status.BREACHED))
    return session.exec(_of_user(user_id).where(living).order_by(col(DecisionRow.id).desc())).all()


def newest_of_user(session: Session, user_id: str, limit: int) -> Sequence[DecisionRow]:
    """A person's decisions at all merchants, as they are written, newest first."""
    return session.exec(_of_user(user_id).order_by(col(DecisionRow.id).desc()).limit(limit)).all()


def waking(
    session: Session, now: datetime, *, user_id: str = "", partner_id: str = "", limit: int | None = None
) -> list[str]:
    """The ids of the decisions at which the clock has to look by `now`, of one person or of one partner's merchants,
    those that have waited longest first; all of them without a `limit`."""
    query = select(DecisionRow.id).where(col(DecisionRow.wakes_at) <= now)
    if user_id:
        query = query.join(ConsentRow, col(ConsentRow.id) == col(DecisionRow.consent_id))
        query = query.where(ConsentRow.user_id == user_id)
    if partner_id:
        query = query.join(MerchantRow, col(MerchantRow.id) == col(DecisionRow.merchant_id))
        query = query.where(MerchantRow.partner_id == partner_id)
    return list(session.exec(query.order_by(col(DecisionRow.wakes_at), col(DecisionRow.id)).limit(limit)))


def _of_user(user_id: str) -> SelectOfScalar[DecisionRow]:
    query = select(DecisionRow).join(ConsentRow, col(ConsentRow.id) == col(DecisionRow.consent_id))
    return query.where(ConsentRow.user_id == user_id)


def status_is(status: Status, now: datetime) -> ColumnElement[bool]:
    """SQL for `status_at`: what lapsed by the clock counts as EXPIRED before anything has written it down."""
    stored = col(DecisionRow.status) == status
    lapsed = and_(col(DecisionRow.status).in_(LAPSING), col(DecisionRow.valid_until) <= now)
    if status in LAPSING:
        return and_(stored, or_(col(DecisionRow.valid_until).is_(None), col(DecisionRow.valid_until) > now))
    return or_(stored, lapsed) if status is Status.EXPIRED else stored
