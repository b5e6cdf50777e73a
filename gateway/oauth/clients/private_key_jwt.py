"""Client authentication by a signed assertion (RFC 7523 section 3, with the limits of FAPI 2.0 section 5.3.2.1).

The signature is verified before the unit of work of a request, with the keys of the client's row. That is the row which
was read for an earlier request, if it is kept. The unit reads the row again and accepts the assertion only if the keys
are still the same.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kit import jose
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest
from gateway.kit.jose import ALGORITHMS, JoseRefused, Unverified
from gateway.oauth.clients.refusal_log import RefusalLog
from gateway.oauth.dpop import AHEAD
from gateway.oauth.request_parsing import ParsedRequest
from gateway.services.container import Container
from gateway.services.identity.client_keys import fitting_keys
from gateway.store.identity.clients import ClientRow

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=10)
"""The longest time until an assertion expires. Its jti is remembered until it can no longer be used."""

_LONGEST_JTI = 256
_MOST_KEPT = 500
"""The number of clients whose rows are kept in the memory of one process."""


class ClientChanged(Exception):
    """The row with which an assertion was verified was kept from an earlier request, and is not that of the client any
    more. The assertion must be verified again."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion signed by `client`, whose row was read before the unit of work of the request, or `is_kept` from an
    earlier request. `replay_key` identifies the assertion. It was made at `made_at`, its `iat`, or without one at this
    time at the earliest. It is invalid from `usable_until` on, which is after its `exp`, because clocks differ."""

    client: ClientRow
    is_kept: bool
    replay_key: str
    made_at: WallTime
    usable_until: WallTime

    def is_of(self, row: ClientRow | None) -> bool:
        """Whether `row` still has the keys, or the address of keys, with which the signature was verified. False for
        None, an unknown or disabled client. Raises ClientChanged instead of False if the assertion's row was kept."""
        if row is not None and _key_members(self.client) == _key_members(row):
            return True
        if self.is_kept:
            raise ClientChanged
        return False


@dataclass(frozen=True, slots=True)
class _Claimed:
    """An assertion whose signature has not been verified. `kid` is the key id in its header."""

    client_id: str
    kid: str | None
    replay_key: str
    made_at: WallTime
    usable_until: WallTime


class _KeptClients:
    """The rows of the clients with inline keys that have authenticated last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, ClientRow] = OrderedDict()

    def get(self, client_id: str) -> ClientRow | None:
        """The kept row of the client, None if there is none."""
        with self._lock:
            row = self._rows.get(client_id)
            if row is not None:
                self._rows.move_to_end(client_id)
            return row

    def keep(self, row: ClientRow) -> None:
        """Keeps the row instead of an older one. Keys at a jwks_uri have a cache of their own."""
        if row.jwks_uri is None:
            with self._lock:
                self._rows[row.id] = row
                self._rows.move_to_end(row.id)
                if len(self._rows) > _MOST_KEPT:
                    self._rows.popitem(last=False)

    def drop(self, client_id: str) -> None:
        """Drops the row of the client, if there is one."""
        with self._lock:
            self._rows.pop(client_id, None)


class AssertionCheck:
    """Verifies client assertions before the unit of work of a request. Their only valid audience is the issuer."""

    def __init__(self, container: Container) -> None:
        self._container, self._issuer = container, container.settings.issuer
        self._kept, self._refusals = _KeptClients(), RefusalLog()

    def verify(self, request: ParsedRequest, wall: WallTime, *, read_client: bool) -> Assertion | None:
        """The assertion in the request, None if there is none or it is invalid, which is logged with its cause. The
        client's row is read if `read_client`, and if no kept row has the key. Keys at a jwks_uri are fetched only after
        everything but the signature has been verified. Raises KeysRefused."""
        token = request.form.get("client_assertion")
        if token is None or request.form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        if request.authorization is not None:  # a second method, which is refused later
            return None
        claimed_id: object = None
        try:
            jwt = jose.read_unverified(token)
            claimed_id = jwt.claims.get("sub")
            claimed = self._read(jwt, wall)
        except JoseRefused as refused:
            self._refusals.report(claimed_id, str(refused))
            return None
        kept = None if read_client else self._kept.get(claimed.client_id)
        if kept is not None and kept.jwks is not None and _is_signed(jwt, kept.jwks):
            return Assertion(kept, True, claimed.replay_key, claimed.made_at, claimed.usable_until)
        client = self._load_client(claimed.client_id)
        if client is None:
            self._kept.drop(claimed.client_id)
            self._refusals.report(claimed.client_id, "The client is unknown or disabled.")
            return None
        key_set = self._keys(client, claimed.kid)
        if key_set is None or not _is_signed(jwt, key_set):
            self._refusals.report(claimed.client_id, "No key of the client has signed the assertion.")
            return None
        self._kept.keep(client)
        return Assertion(client, False, claimed.replay_key, claimed.made_at, claimed.usable_until)

    def _load_client(self, client_id: str) -> ClientRow | None:
        row = self._container.database.read(lambda unit: unit.clients.load(client_id))
        return row if row is not None and row.profile in self._container.environment.profiles else None

    def _keys(self, row: ClientRow, kid: str | None) -> Mapping[str, Any] | None:
        """The client's keys, None if the client has none. Raises KeysRefused."""
        if row.jwks_uri is None:
            return row.jwks
        key_set = self._container.client_keys.get_key_set(row.id, row.jwks_uri, kid)
        return fitting_keys(key_set, row.token_endpoint_auth_signing_alg)

    def _read(self, jwt: Unverified, wall: WallTime) -> _Claimed:
        """The assertion, which is valid if its signature is valid. Raises JoseRefused otherwise."""
        claims, kid = jwt.claims, jwt.header.get("kid")
        client_id = claims.get("sub")
        if not isinstance(client_id, str) or not client_id.isprintable() or jwt.header.get("alg") not in ALGORITHMS:
            raise JoseRefused("sub must be a client_id, and alg a supported algorithm.")
        if claims.get("iss") != client_id:
            raise JoseRefused("iss and sub must be the client_id.")
        # A list or the URL of an endpoint could be valid at another server as well (FAPI 2.0 section 5.3.2.1 item 8).
        if claims.get("aud") != self._issuer:
            raise JoseRefused("aud must be the issuer, as a string.")
        expires = _expiry(claims, wall)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise JoseRefused("jti is missing or too long.")
        return _Claimed(
            client_id,
            kid if isinstance(kid, str) else None,
            replay_key=digest(f"assertion {client_id} {jti}"),
            made_at=_earliest_making(claims, expires),
            usable_until=WallTime(datetime.fromtimestamp(expires, UTC) + AHEAD),
        )


def _expiry(claims: Mapping[str, Any], wall: WallTime) -> float:
    now, ahead = wall.timestamp(), AHEAD.total_seconds()
    expires = jose.read_time_claim(claims, "exp")
    if expires is None or not now - ahead < expires <= now + LONGEST_LIFE.total_seconds() + ahead:
        raise JoseRefused("exp must be at most ten minutes in the future.")
    for name in ("iat", "nbf"):
        begins = jose.read_time_claim(claims, name)
        if begins is not None and begins > now + ahead:
            raise JoseRefused(f"{name} is in the future.")
    return expires


def _earliest_making(claims: Mapping[str, Any], expires: float) -> WallTime:
    issued = jose.read_time_claim(claims, "iat")
    return WallTime(datetime.fromtimestamp(expires, UTC) - LONGEST_LIFE if issued is None else _moment(issued))


def _moment(seconds: float) -> datetime:
    """The moment, at the earliest 1970: a client may send any number as iat."""
    return datetime.fromtimestamp(max(seconds, 0), UTC)


def _is_signed(jwt: Unverified, key_set: Mapping[str, Any]) -> bool:
    """Whether one of the keys has signed the JWT."""
    for key in jose.candidate_keys(key_set, jwt):
        try:
            jose.verify(jwt, key)
        except JoseRefused:
            continue
        return True
    return False


def _key_members(row: ClientRow) -> tuple[object, ...]:
    return row.jwks, row.jwks_uri, row.token_endpoint_auth_signing_alg
