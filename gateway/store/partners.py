"""Partners: the tenants. A partner owns merchants, clients and, in a sandbox, personas and its own business time."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Field, col, select

from gateway.store.base import Table
from gateway.store.database import Session


class PartnerRow(Table, table=True):
    """`clock_offset_seconds` is how far the partner's business time stands ahead of the wall."""

    __tablename__ = "partners"

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    clock_offset_seconds: int = 0
    created_at: datetime


def by_name(session: Session, name: str) -> PartnerRow | None:
    return session.exec(select(PartnerRow).where(PartnerRow.name == name)).first()


def listed(session: Session) -> Sequence[PartnerRow]:
    """All partners, oldest first."""
    return session.exec(select(PartnerRow).order_by(col(PartnerRow.id))).all()


def load(session: Session, partner_id: str) -> PartnerRow | None:
    return session.get(PartnerRow, partner_id)
