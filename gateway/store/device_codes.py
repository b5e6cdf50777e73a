"""Device codes (RFC 8628): what a till asks a person for, until they have decided and the till has its token."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Field, col, select

from gateway.store.base import Table, insert_into, json_column
from gateway.store.database import Session

KEPT = timedelta(hours=1)
"""How long an expired code is remembered: a late poll is told that it has expired, not that there is no such code."""

SWEEP = 100
"""At most so many old codes are cleared away at once."""


class DeviceCodeRow(Table, table=True):
    """`user_code_mac` finds the row by what a person types. `parameters` are the request as it was made, and under
    "complete" as the person is shown it. A decided row without a consent was denied. `polled_at` is the last poll that
    came in time, `slowed_at` the last that did not. Times are wall time."""

    __tablename__ = "oauth_device_codes"

    digest: str = Field(primary_key=True)
    user_code_mac: str = Field(unique=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    parameters: dict[str, Any] = json_column()
    interval_seconds: int
    expires_at: datetime = Field(index=True)
    polled_at: datetime | None = None
    slowed_at: datetime | None = None
    decided_at: datetime | None = None
    consent_id: str | None = Field(default=None, foreign_key="consents.id")
    used_at: datetime | None = None


def insert(session: Session, row: DeviceCodeRow) -> bool:
    """Stores the row. False when its user code is taken: then another one is needed."""
    fresh = insert_into(session, DeviceCodeRow).values(**row.model_dump()).on_conflict_do_nothing()
    return session.execute(fresh.returning(col(DeviceCodeRow.digest))).first() is not None


def purge(session: Session, now: datetime) -> None:
    """Clears away some of the codes that expired long ago."""
    old = (
        select(DeviceCodeRow.digest)
        .where(col(DeviceCodeRow.expires_at) < now - KEPT)
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
    session.execute(delete(DeviceCodeRow).where(col(DeviceCodeRow.digest).in_(old)))


def locked(session: Session, digest: str) -> DeviceCodeRow | None:
    """The row of a device code, read anew; it stays as it is until the unit ends (PostgreSQL; on SQLite the writing
    unit has locked everything)."""
    query = select(DeviceCodeRow).where(DeviceCodeRow.digest == digest).execution_options(populate_existing=True)
    return session.exec(query.with_for_update()).first()


def by_user_code(session: Session, mac: str) -> DeviceCodeRow | None:
    return session.exec(select(DeviceCodeRow).where(DeviceCodeRow.user_code_mac == mac)).first()


def polled(session: Session, digest: str, at: datetime) -> None:
    """Notes a poll that came in time."""
    session.execute(update(DeviceCodeRow).where(col(DeviceCodeRow.digest) == digest).values(polled_at=at))


def slowed(session: Session, digest: str, at: datetime, interval_seconds: int) -> None:
    """Notes a poll that came too early, and the interval from now on."""
    statement = update(DeviceCodeRow).where(col(DeviceCodeRow.digest) == digest)
    session.execute(statement.values(slowed_at=at, interval_seconds=interval_seconds))


def decide(session: Session, digest: str, now: datetime) -> bool:
    """Marks the request as decided. False when it already was, or has expired: then nothing may be granted."""
    statement = (
        update(DeviceCodeRow)
        .where(
            col(DeviceCodeRow.digest) == digest,
            col(DeviceCodeRow.decided_at).is_(None),
            col(DeviceCodeRow.expires_at) > now,
        )
        .values(decided_at=now)
        .returning(col(DeviceCodeRow.digest))
    )
    return session.execute(statement).first() is not None


def attach(session: Session, digest: str, consent_id: str) -> None:
    """Hangs the code from the consent that was just given, in the unit that decided."""
    session.execute(update(DeviceCodeRow).where(col(DeviceCodeRow.digest) == digest).values(consent_id=consent_id))


def use(session: Session, digest: str, now: datetime) -> bool:
    """Redeems the code. False for all but the first of any number of concurrent redemptions."""
    statement = (
        update(DeviceCodeRow)
        .where(
            col(DeviceCodeRow.digest) == digest,
            col(DeviceCodeRow.consent_id).is_not(None),
            col(DeviceCodeRow.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(DeviceCodeRow.digest))
    )
    return session.execute(statement).first() is not None
