"""Device codes (RFC 8628): a point of sale asks a person for a consent, and polls for its token."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.identity.clients import CLIENTS
from gateway.store.repository import Repository, insert_into


class DeviceCodeRow(Record):
    """A device code. `user_code_mac` is the MAC of the user code that a person types. `parameters` is the request, with
    the request that the person is shown as member "complete". `decided_by` is the user who answered it; a decided row
    without a consent was denied. `polled_at` is the last regular poll, `slowed_at` the last poll that came too early.
    Times are wall time."""

    digest: str = Field(primary_key=True)
    user_code_mac: str = Field(unique=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    parameters: dict[str, Any] = json_column()
    interval_seconds: int
    expires_at: WallTime = moment_column(index=True)
    polled_at: WallTime | None = moment_column(default=None)
    slowed_at: WallTime | None = moment_column(default=None)
    decided_at: WallTime | None = moment_column(default=None)
    decided_by: str | None = None
    consent_id: str | None = Field(default=None, foreign_key="consents.id")
    used_at: WallTime | None = moment_column(default=None)


class DeviceCodeTable(DeviceCodeRow, table=True):
    __tablename__ = "oauth_device_codes"


DEVICE_CODES = table_of(DeviceCodeTable)
_LOCKED = select(DEVICE_CODES).where(DEVICE_CODES.c.digest == bindparam("digest")).with_for_update()
_BY_USER_CODE = select(DEVICE_CODES).where(DEVICE_CODES.c.user_code_mac == bindparam("mac"))
_LOCKED_BY_USER_CODE = _BY_USER_CODE.with_for_update()
_HOLD_CLIENT = (
    select(CLIENTS.c.id)
    .join(DEVICE_CODES, DEVICE_CODES.c.client_id == CLIENTS.c.id)
    .where(DEVICE_CODES.c.user_code_mac == bindparam("mac"), CLIENTS.c.disabled_at.is_(None))
    .with_for_update(read=True, of=CLIENTS)
)
_INSERT = insert_into(DEVICE_CODES).on_conflict_do_nothing().returning(DEVICE_CODES.c.digest)
_UPDATE = DEVICE_CODES.update().where(DEVICE_CODES.c.digest == bindparam("of_digest"))
_DECIDE = (
    _UPDATE.where(DEVICE_CODES.c.decided_at.is_(None), DEVICE_CODES.c.expires_at > bindparam("now"))
    .values(decided_at=bindparam("now"), decided_by=bindparam("user_id"))
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
        """Returns the device code, or None if it is unknown, and locks it until the unit of work ends."""
        return self._first(DeviceCodeRow, _LOCKED, digest=digest)

    def load_by_user_code(self, mac: str) -> DeviceCodeRow | None:
        """Returns the device code whose user code has this MAC, or None."""
        return self._first(DeviceCodeRow, _BY_USER_CODE, mac=mac)

    def lock_by_user_code(self, mac: str) -> DeviceCodeRow | None:
        """Returns the device code as `load_by_user_code` does, and locks its client (see `ClientRepository.hold`) and
        then the code until the unit of work ends. Returns None if the client is disabled."""
        if self._row(_HOLD_CLIENT, mac=mac) is None:
            return None
        return self._first(DeviceCodeRow, _LOCKED_BY_USER_CODE, mac=mac)

    def insert(self, code: DeviceCodeRow) -> bool:
        """Writes a new device code. Returns False if its user code is taken: then another one is needed."""
        return self._changes(_INSERT, **dict(code))

    def record_poll(self, digest: str, at: WallTime) -> None:
        """Records a regular poll."""
        self._execute(_UPDATE, of_digest=digest, polled_at=at)

    def record_early_poll(self, digest: str, at: WallTime, interval_seconds: int) -> None:
        """Records a poll that came too early, and the new interval."""
        self._execute(_UPDATE, of_digest=digest, slowed_at=at, interval_seconds=interval_seconds)

    def decide(self, digest: str, now: WallTime, user_id: str) -> bool:
        """Marks the request as decided by this user. Returns False if it was already decided or has expired: then
        nothing may be granted."""
        return self._changes(_DECIDE, of_digest=digest, now=now, user_id=user_id)

    def expire(self, digest: str, now: WallTime) -> None:
        """Lets the request expire now."""
        self._execute(_UPDATE, of_digest=digest, expires_at=now)

    def attach_consent(self, digest: str, consent_id: str) -> None:
        """Writes the consent that the person gave, in the same unit of work as `decide`."""
        self._execute(_UPDATE, of_digest=digest, consent_id=consent_id)

    def use(self, digest: str, now: WallTime) -> bool:
        """Redeems the code. Returns True for only one of several concurrent redemptions, and False for a code without a
        consent."""
        return self._changes(_USE, of_digest=digest, now=now)
