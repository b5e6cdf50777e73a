"""The one row that says what this database belongs to, so that a sandbox key or token cannot be carried into live."""

from datetime import datetime

from sqlmodel import Field, select

from gateway.store.base import Table
from gateway.store.database import Session


class DeploymentRow(Table, table=True):
    """`key_check` is derived from the master key: it proves the key without revealing it."""

    __tablename__ = "deployment"

    id: int = Field(default=1, primary_key=True)
    environment: str
    key_check: str
    created_at: datetime


def load(session: Session) -> DeploymentRow | None:
    """The row, None on a fresh database."""
    return session.exec(select(DeploymentRow)).first()


def create(session: Session, environment: str, key_check: str, now: datetime) -> None:
    session.add(DeploymentRow(environment=environment, key_check=key_check, created_at=now))
