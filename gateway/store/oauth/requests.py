"""Pushed authorization requests (RFC 9126) and authorization codes: short-lived, single-use, stored as digests."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.identity.clients import CLIENTS
from gateway.store.repository import Repository


class PushedRequestRow(Record):
    """A pushed request. `parameters` are the validated request parameters. `decided_by` is the user who answered it,
    `consent_id` the consent that they gave; an answered request without a consent was denied. Times are wall time."""

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    parameters: dict[str, Any] = json_column()
    expires_at: WallTime = moment_column(index=True)
    used_at: WallTime | None = moment_column(default=None)
    decided_by: str | None = None
    consent_id: str | None = None


class PushedRequestTable(PushedRequestRow, table=True):
    __tablename__ = "oauth_pushed_requests"


class AuthorizationCodeRow(Record):
    """An authorization code for the consent that the person just gave. `family` is the family of the tokens that it is
    redeemed for. With `dpop_jkt`, the thumbprint of a key, only the holder of that key can redeem it (RFC 9449 section
    10). `ended_at` is set if the code ended before it was redeemed."""

    digest: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id")
    consent_id: str = Field(foreign_key="consents.id", index=True)
    redirect_uri: str
    code_challenge: str
    family: str = Field(index=True)
    dpop_jkt: str | None = None
    expires_at: WallTime = moment_column(index=True)
    used_at: WallTime | None = moment_column(default=None)
    ended_at: WallTime | None = moment_column(default=None)

    def is_open(self, now: WallTime) -> bool:
        """Whether the code can be redeemed now."""
        return self.used_at is None and self.ended_at is None and now < self.expires_at


class AuthorizationCodeTable(AuthorizationCodeRow, table=True):
    __tablename__ = "oauth_codes"


PUSHED_REQUESTS = table_of(PushedRequestTable)
AUTHORIZATION_CODES = table_of(AuthorizationCodeTable)
_REQUEST = select(PUSHED_REQUESTS).where(PUSHED_REQUESTS.c.digest == bindparam("digest"))
_LOCKED_REQUEST = _REQUEST.with_for_update()
_HOLD_CLIENT = (
    select(CLIENTS.c.id)
    .join(PUSHED_REQUESTS, PUSHED_REQUESTS.c.client_id == CLIENTS.c.id)
    .where(PUSHED_REQUESTS.c.digest == bindparam("digest"), CLIENTS.c.disabled_at.is_(None))
    .with_for_update(read=True, of=CLIENTS)
)
_LIVE_REQUEST = PUSHED_REQUESTS.update().where(
    PUSHED_REQUESTS.c.digest == bindparam("of_digest"),
    PUSHED_REQUESTS.c.used_at.is_(None),
    PUSHED_REQUESTS.c.expires_at > bindparam("now"),
)
_OPEN_REQUEST = _LIVE_REQUEST.where(PUSHED_REQUESTS.c.expires_at <= bindparam("short")).values(
    expires_at=bindparam("until")
)
_USE_REQUEST = _LIVE_REQUEST.values(used_at=bindparam("now"), decided_by=bindparam("user_id")).returning(
    PUSHED_REQUESTS.c.digest
)
_ATTACH_CONSENT = PUSHED_REQUESTS.update().where(PUSHED_REQUESTS.c.digest == bindparam("of_digest"))
_CODE = select(AUTHORIZATION_CODES).where(AUTHORIZATION_CODES.c.digest == bindparam("digest"))
_LOCK_CONSENT = (
    select(CONSENTS.c.id)
    .join(AUTHORIZATION_CODES, AUTHORIZATION_CODES.c.consent_id == CONSENTS.c.id)
    .where(
        AUTHORIZATION_CODES.c.digest == bindparam("digest"), AUTHORIZATION_CODES.c.client_id == bindparam("client_id")
    )
    .with_for_update(of=CONSENTS)
)
_USE_CODE = (
    AUTHORIZATION_CODES.update()
    .where(
        AUTHORIZATION_CODES.c.digest == bindparam("of_digest"),
        AUTHORIZATION_CODES.c.used_at.is_(None),
        AUTHORIZATION_CODES.c.ended_at.is_(None),
    )
    .values(used_at=bindparam("now"))
    .returning(AUTHORIZATION_CODES.c.digest)
)


class AuthorizationRequestRepository(Repository):
    """Reads and writes pushed requests and authorization codes."""

    def load_pushed_request(self, digest: str) -> PushedRequestRow | None:
        """Returns the pushed request, including a used or expired one, or None if it is unknown."""
        return self._first(PushedRequestRow, _REQUEST, digest=digest)

    def lock_pushed_request(self, digest: str) -> PushedRequestRow | None:
        """Returns the pushed request as `load_pushed_request` does, and locks its client (see `ClientRepository.hold`)
        and then the request until the unit of work ends. Returns None if the client is disabled."""
        if self._row(_HOLD_CLIENT, digest=digest) is None:
            return None
        return self._first(PushedRequestRow, _LOCKED_REQUEST, digest=digest)

    def insert_pushed_request(self, request: PushedRequestRow) -> None:
        """Writes a new pushed request."""
        self._insert(PUSHED_REQUESTS, request)

    def open_pushed_request(self, digest: str, now: WallTime, short: WallTime, until: WallTime) -> None:
        """Extends a request that a person opens to `until`, so that there is time to decide. A request that expires
        after `short` was opened before and is not extended. A used or expired request is not changed."""
        self._execute(_OPEN_REQUEST, of_digest=digest, now=now, short=short, until=until)

    def use_pushed_request(self, digest: str, now: WallTime, user_id: str) -> bool:
        """Marks the request as decided by this user. Returns False if it was already decided or has expired: then
        nothing may be issued."""
        return self._changes(_USE_REQUEST, of_digest=digest, now=now, user_id=user_id)

    def attach_consent(self, digest: str, consent_id: str) -> None:
        """Writes the consent that the person gave, in the same unit of work as `use_pushed_request`."""
        self._execute(_ATTACH_CONSENT, of_digest=digest, consent_id=consent_id)

    def load_code(self, digest: str) -> AuthorizationCodeRow | None:
        """Returns the code, including a used, ended or expired one, or None if it is unknown."""
        return self._first(AuthorizationCodeRow, _CODE, digest=digest)

    def lock_code(self, digest: str, client_id: str) -> AuthorizationCodeRow | None:
        """Locks the consent of this client's code until the unit of work ends, then returns the code as `load_code`
        does. Returns None for an unknown code, and for one of another client."""
        if self._row(_LOCK_CONSENT, digest=digest, client_id=client_id) is None:
            return None
        return self.load_code(digest)

    def insert_code(self, code: AuthorizationCodeRow) -> None:
        """Writes a new code."""
        self._insert(AUTHORIZATION_CODES, code)

    def use_code(self, digest: str, now: WallTime) -> bool:
        """Redeems the code. Returns True for only one of several redemptions, also concurrent ones, and False for a
        code that has ended."""
        return self._changes(_USE_CODE, of_digest=digest, now=now)
