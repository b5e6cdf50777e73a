"""What merchant and operator agree on beside a policy: the operator's bounds, and the merchant's overrides within them.
Rows are never changed: each past decision is explained by the override that was in force. The newest bounds count."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar, TypeVar

from sqlalchemy import func
from sqlmodel import Field, UniqueConstraint, col, select

from gateway.store.base import Table
from gateway.store.database import Session

R = TypeVar("R", bound="_Agreed")


class _Agreed(Table):
    """`content` is the TOML text as it was handed in, `sequence` counts the merchant's rows of the table."""

    NOUN: ClassVar[str]

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    sequence: int
    adapter: str
    content: str
    created_at: datetime


class PolicyBoundsRow(_Agreed, table=True):
    NOUN: ClassVar[str] = "bnd"

    __tablename__ = "policy_bounds"
    __table_args__ = (UniqueConstraint("merchant_id", "sequence"),)


class PolicyOverrideRow(_Agreed, table=True):
    """`effective` is the day (YYYY-MM-DD, UTC) from which on it counts."""

    NOUN: ClassVar[str] = "ovr"

    __tablename__ = "policy_overrides"
    __table_args__ = (UniqueConstraint("merchant_id", "sequence"),)

    version: str
    effective: str

    @property
    def day(self) -> date:
        return date.fromisoformat(self.effective)


def bounds(session: Session, merchant_id: str, adapter: str) -> PolicyBoundsRow | None:
    """The bounds that count, None where the merchant may override nothing."""
    row = PolicyBoundsRow
    mine = row.merchant_id == merchant_id, row.adapter == adapter
    return session.exec(select(row).where(*mine).order_by(col(row.sequence).desc()).limit(1)).first()


def in_force(
    session: Session, merchant_id: str, adapter: str, day: date, known_at: datetime | None = None
) -> PolicyOverrideRow | None:
    """The override that counts on that day (UTC): the newest effective one, of one date the one registered last. With
    `known_at`, a wall time, only of those registered until then."""
    row = PolicyOverrideRow
    mine = row.merchant_id == merchant_id, row.adapter == adapter, row.effective <= day.isoformat()
    newest = col(row.effective).desc(), col(row.sequence).desc()
    query = select(row).where(*mine).order_by(*newest).limit(1)
    return session.exec(query if known_at is None else query.where(row.created_at <= known_at)).first()


def overrides(session: Session, merchant_id: str, adapter: str) -> Sequence[PolicyOverrideRow]:
    """All of one merchant and one adapter, in the order in which they were registered."""
    row = PolicyOverrideRow
    mine = row.merchant_id == merchant_id, row.adapter == adapter
    return session.exec(select(row).where(*mine).order_by(col(row.sequence))).all()


def overridden(session: Session) -> Sequence[tuple[str, str]]:
    """Merchant and adapter of all overrides."""
    row = PolicyOverrideRow
    query = select(row.merchant_id, row.adapter).distinct().order_by(row.merchant_id, row.adapter)
    return session.exec(query).all()


def append(session: Session, row: R) -> None:
    """Adds the row as the merchant's next. The caller holds the merchant's lock, or two would take one number."""
    table = type(row)
    last = session.exec(select(func.max(table.sequence)).where(table.merchant_id == row.merchant_id)).one()
    row.sequence = (last or 0) + 1
    session.add(row)
    session.flush()
