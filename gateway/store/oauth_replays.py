"""Assertions and proofs that have been used: each is good for one request, whichever process receives it."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Field, col, select

from gateway.store.base import Table, insert_into
from gateway.store.database import Session

_SWEEP = 100


class ReplayRow(Table, table=True):
    """`digest` names client or key and jti together. Past `expires_at` (wall time) the JWT is refused by its age, and
    the row can go."""

    __tablename__ = "oauth_replays"

    digest: str = Field(primary_key=True)
    expires_at: datetime = Field(index=True)


def first_use(session: Session, digest: str, now: datetime, expires_at: datetime) -> bool:
    """Notes the use. False when it had been noted before, of any number of concurrent uses for all but one. Clears
    away a few of the rows that have expired."""
    old = (
        select(ReplayRow.digest).where(col(ReplayRow.expires_at) < now).limit(_SWEEP).with_for_update(skip_locked=True)
    )
    session.execute(delete(ReplayRow).where(col(ReplayRow.digest).in_(old)))
    fresh = insert_into(session, ReplayRow).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
    return session.execute(fresh.returning(col(ReplayRow.digest))).first() is not None
