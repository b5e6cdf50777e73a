"""The history of consents. Rows are only ever inserted."""

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Field, col, select

from gateway.domain.authorization_detail import parse_details
from gateway.domain.consent_request import Request
from gateway.domain.consent_version import ConsentAction, ConsentVersion
from gateway.domain.event import Actor
from gateway.store.base import Table, json_column
from gateway.store.consents import ConsentRow
from gateway.store.database import Session


class ConsentVersionRow(Table, table=True):
    """`version` counts from 1 for each consent. `asked` holds scopes and details as the person was shown them. `at` is
    business time of the merchant's partner."""

    __tablename__ = "consent_versions"

    consent_id: str = Field(primary_key=True, foreign_key="consents.id")
    version: int = Field(primary_key=True)
    action: str
    actor: str
    scopes: list[str] = json_column()
    details: list[dict[str, Any]] = json_column()
    asked: dict[str, Any] | None = json_column(optional=True, default=None)
    at: datetime


def append(session: Session, version: ConsentVersion) -> None:
    """Writes a version. Two units of work that append the same one do not both commit."""
    session.add(
        ConsentVersionRow(
            consent_id=version.consent_id,
            version=version.version,
            action=version.action,
            actor=version.actor,
            scopes=list(version.scopes),
            details=[detail.document() for detail in version.details],
            asked=version.asked.document() if version.asked else None,
            at=version.at,
        )
    )
    session.flush()


def latest(session: Session, consent_id: str) -> int:
    """The number of a consent's newest version, 0 for an unknown one."""
    query = select(func.max(col(ConsentVersionRow.version))).where(ConsentVersionRow.consent_id == consent_id)
    return session.exec(query).one() or 0


def of_consent(session: Session, consent_id: str) -> list[ConsentVersion]:
    """A consent's versions, oldest first."""
    rows = (
        select(ConsentVersionRow)
        .where(ConsentVersionRow.consent_id == consent_id)
        .order_by(col(ConsentVersionRow.version))
    )
    return [_value(row) for row in session.exec(rows)]


def of_user(session: Session, user_id: str) -> list[ConsentVersion]:
    """The versions of all of a person's consents; of each, oldest first."""
    rows = (
        select(ConsentVersionRow)
        .join(ConsentRow, col(ConsentRow.id) == col(ConsentVersionRow.consent_id))
        .where(ConsentRow.user_id == user_id)
        .order_by(col(ConsentVersionRow.version))
    )
    return [_value(row) for row in session.exec(rows)]


def _value(row: ConsentVersionRow) -> ConsentVersion:
    return ConsentVersion(
        consent_id=row.consent_id,
        version=row.version,
        action=ConsentAction(row.action),
        actor=Actor(row.actor),
        scopes=tuple(row.scopes),
        details=parse_details(row.details),
        asked=Request.from_document(row.asked) if row.asked else None,
        at=row.at,
    )
