"""Device codes (RFC 8628): a point of sale asks a person for a consent, and polls until it has its token."""

from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.repository import Repository, insert_into

KEPT = timedelta(hours=1)
"""How long an expired code is kept: the response to a late poll is that it has expired, not that it is unknown."""

SWEEP = 100
"""The largest number of old codes that one purge deletes."""


class DeviceCodeRow(Record):
    """`user_code_mac` finds the row by what a person types. `parameters` are the request as it was made, and under
    "complete" as the person is shown it. A decided row without a consent was denied. `polled_at` is the last poll that
    came in time, `slowed_at` the last that did not. Times are wall time."""

    digest: str = Field(primary_key=True)
    user_code_mac: str = Field(unique=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    parameters: dict[str, Any] = json_column()
    interval_seconds: int
    expires_at: WallTime = moment_column(index=True)
    polled_at: WallTime | None = moment_column(default=None)
    slowed_at: WallTime | None = moment_column(default=None)
    decided_at: WallTime | None = moment_column(default=None)
    consent_id: str | None = Field(default=None, foreign_key="consents.id")
    used_at: WallTime | None = moment_column(default=None)


class DeviceCodeTable(DeviceCodeRow, table=True):
    __tablename__ = "oauth_device_codes"


DEVICE_CODES = table_of(DeviceCodeTable)
_LOCKED = select(DEVICE_CODES).where(DEVICE_CODES.c.digest == bindparam("digest")).with_for_update()
_BY_USER_CODE = select(DEVICE_CODES).where(DEVICE_CODES.c.user_code_mac == bindparam("mac"))
_INSERT = insert_into(DEVICE_CODES).on_conflict_do_nothing().returning(DEVICE_CODES.c.digest)
_PURGE = DEVICE_CODES.delete().where(
    DEVICE_CODES.c.digest.in_(
        select(DEVICE_CODES.c.digest)
        .where(DEVICE_CODES.c.expires_at < bindparam("before"))
        .limit(SWEEP)
        .with_for_update(skip_locked=True)
    )
)
_UPDATE = DEVICE_CODES.update().where(DEVICE_CODES.c.digest == bindparam("of_digest"))
_DECIDE = (
    _UPDATE.where(DEVICE_CODES.c.decided_at.is_(None), DEVICE_CODES.c.expires_at > bindparam("now"))
    .values(decided_at=bindparam("now"))
    .returning(DEVICE_CODES.c.digest)
)
_USE = (
    _UPDATE.where(DEVICE_CODES.c.consent_id.is_not(None), DEVICE_CODES.c.used_at.is_(None))
    .values(used_at=bindparam("now"))
    .returning(DEVICE_CODES.c.digest)
)


class DeviceCodeRepository(Repository):
    """Reads and writes device codes."""

    def lock(self, digest: str) -> DeviceCodeRow | None:
        """The device code, None if unknown; it cannot change before the unit of work ends."""
        return self._first(DeviceCodeRow, _LOCKED, digest=digest)

    def load_by_user_code(self, mac: str) -> DeviceCodeRow | None:
        """The device code whose user code has this MAC, None if there is none."""
        return self._first(DeviceCodeRow, _BY_USER_CODE, mac=mac)

    def insert(self, code: DeviceCodeRow) -> bool:
        """Writes a new device code. False if its user code is taken: then another one is needed."""
        return self._changes(_INSERT, **dict(code))

    def purge(self, now: WallTime) -> None:
        """Deletes some of the codes that expired longer than KEPT ago."""
        self._execute(_PURGE, before=now - KEPT)

    def record_poll(self, digest: str, at: WallTime) -> None:
        """Records a poll that came in time."""
        self._execute(_UPDATE, of_digest=digest, polled_at=at)

    def record_early_poll(self, digest: str, at: WallTime, interval_seconds: int) -> None:
        """Records a poll that came too early, and the interval from now on."""
        self._execute(_UPDATE, of_digest=digest, slowed_at=at, interval_seconds=interval_seconds)

    def decide(self, digest: str, now: WallTime) -> bool:
        """Marks the request as decided. False if it already was, or has expired: then nothing may be granted."""
        return self._changes(_DECIDE, of_digest=digest, now=now)

    def attach_consent(self, digest: str, consent_id: str) -> None:
        """Writes the consent that the person gave, in the unit of work that decided."""
        self._execute(_UPDATE, of_digest=digest, consent_id=consent_id)

    def use(self, digest: str, now: WallTime) -> bool:
        """Redeems the code. False for all but the first of any number of concurrent redemptions, and for a code
        without a consent."""
        return self._changes(_USE, of_digest=digest, now=now)
