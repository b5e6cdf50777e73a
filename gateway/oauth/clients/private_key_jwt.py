"""Client authentication by a signed assertion (RFC 7523 section 3, with the limits of FAPI 2.0 section 5.3.2.1)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kit import jose
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest
from gateway.kit.jose import ALGORITHMS, JoseRefused, Unverified
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


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion signed by `client`, whose row was read before the unit of work of the request. `replay_key`
    identifies the assertion. It was made at `made_at`, its `iat`, or without one at this time at the earliest. It is
    invalid from `usable_until` on, which is after its `exp`, because clocks differ."""

    client: ClientRow
    replay_key: str
    made_at: WallTime
    usable_until: WallTime

    def has_keys_of(self, row: ClientRow) -> bool:
        """Whether `row` still has the keys, or the address of keys, with which the signature was verified."""
        return _key_members(self.client) == _key_members(row)


@dataclass(frozen=True, slots=True)
class _Claimed:
    """An assertion whose signature has not been verified. `kid` is the key id in its header."""

    client_id: str
    kid: str | None
    replay_key: str
    made_at: WallTime
    usable_until: WallTime


class AssertionCheck:
    """Verifies client assertions before the unit of work of a request. Their only valid audience is the issuer."""

    def __init__(self, container: Container) -> None:
        self._container, self._issuer = container, container.settings.issuer

    def verify(self, request: ParsedRequest, wall: WallTime) -> Assertion | None:
        """The assertion in the request, None if there is none or it is invalid. Keys at a jwks_uri are fetched only
        after everything but the signature has been verified. Raises KeysRefused."""
        token = request.form.get("client_assertion")
        if token is None or request.form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        if request.authorization is not None:  # a second method, which is refused later
            return None
        try:
            jwt = jose.read_unverified(token)
            claimed = self._read(jwt, wall)
            client = self._load_client(claimed.client_id)
            key_set = self._keys(client, claimed.kid) if client else None
            if client is None or key_set is None:
                return None
            _require_signed(jwt, key_set)
        except JoseRefused:
            return None
        return Assertion(client, claimed.replay_key, claimed.made_at, claimed.usable_until)

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


def _require_signed(jwt: Unverified, key_set: Mapping[str, Any]) -> None:
    """Raises JoseRefused unless one of the keys has signed the JWT."""
    for key in jose.candidate_keys(key_set, jwt):
        try:
            jose.verify(jwt, key)
        except JoseRefused:
            continue
        return
    raise JoseRefused("The signature is not of a key of the client.")


def _key_members(row: ClientRow) -> tuple[object, ...]:
    return row.jwks, row.jwks_uri, row.token_endpoint_auth_signing_alg
