"""Initial access tokens (RFC 7591 section 3): each lets one client of one merchant register, once."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Field, col

from gateway.store.base import Table, json_column
from gateway.store.database import Session


class InitialAccessTokenRow(Table, table=True):
    """`scopes` and `authorization_details_types` are what the client gets without further approval. Times are wall
    time."""

    __tablename__ = "oauth_initial_access_tokens"

    digest: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    scopes: list[str] = json_column()
    authorization_details_types: list[str] = json_column()
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


def insert(session: Session, row: InitialAccessTokenRow) -> None:
    session.add(row)
    session.flush()


def usable(session: Session, digest: str, now: datetime) -> bool:
    """Whether the token is known, unused and not expired."""
    row = session.get(InitialAccessTokenRow, digest)
    return row is not None and row.used_at is None and now < row.expires_at


def use(session: Session, digest: str, now: datetime) -> InitialAccessTokenRow | None:
    """Uses the token up. None for all but the first of any number of concurrent uses, and for an unknown or expired
    one."""
    table = InitialAccessTokenRow
    statement = (
        update(table)
        .where(col(table.digest) == digest, col(table.used_at).is_(None), col(table.expires_at) > now)
        .values(used_at=now)
        .returning(col(table.digest))
    )
    won = session.execute(statement).first() is not None
    return session.get_one(table, digest) if won else None
