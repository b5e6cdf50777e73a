"""Client authentication by a signed assertion (RFC 7523 section 3, as FAPI 2.0 section 5.3.2.1 narrows it)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kit import jose
from gateway.kit.crypto import digest
from gateway.kit.jose import JoseRefused
from gateway.oauth.dpop import AHEAD

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=10)
"""How far ahead an assertion may expire: so long is its jti remembered."""

_LONGEST_JTI = 256


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that its client has signed. `replay_key` names it; from `expires_at` on its age refuses it."""

    replay_key: str
    expires_at: datetime


class PrivateKeyJwt:
    """The method as Authlib calls it. `issuer` is the only audience; `wall` the moment of the request."""

    def __init__(self, issuer: str, wall: datetime) -> None:
        self._issuer, self._wall = issuer, wall

    def __call__(self, query_client: Callable[[str], Any], request: Any) -> Any:
        """The client that signed the assertion in the body, None if there is none or it is not valid. What must be
        remembered of it is left in `request.assertion`."""
        token = request.form.get("client_assertion")
        if token is None or request.form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        try:
            client_id = jose.unverified(token).claims.get("sub")
            client = query_client(client_id) if isinstance(client_id, str) and client_id.isprintable() else None
            if client is None or client.row.jwks is None:
                return None
            request.assertion = self._assertion(token, client)
        except JoseRefused:
            return None
        return client

    def _assertion(self, token: str, client: Any) -> Assertion:
        claims = _signed_claims(token, client.row.jwks)
        if claims.get("iss") != client.id or claims.get("sub") != client.id:
            raise JoseRefused("iss and sub must be the client_id.")
        # A list, or the address of an endpoint, could be meant for another server as well (FAPI 2.0 item 8).
        if claims.get("aud") != self._issuer:
            raise JoseRefused("aud must be the issuer, as a string.")
        expires = self._expiry(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise JoseRefused("jti is missing or too long.")
        return Assertion(digest(f"assertion {client.id} {jti}"), datetime.fromtimestamp(expires, UTC))

    def _expiry(self, claims: Mapping[str, Any]) -> float:
        now, ahead = self._wall.timestamp(), AHEAD.total_seconds()
        expires = jose.moment_claim(claims, "exp")
        if expires is None or not now < expires <= now + LONGEST_LIFE.total_seconds() + ahead:
            raise JoseRefused("exp must lie at most ten minutes ahead.")
        for name in ("iat", "nbf"):
            begins = jose.moment_claim(claims, name)
            if begins is not None and begins > now + ahead:
                raise JoseRefused(f"{name} lies ahead.")
        return expires


def _signed_claims(token: str, key_set: Mapping[str, Any]) -> Mapping[str, Any]:
    for key in jose.candidates(key_set, token):
        try:
            return jose.verified(token, key).claims
        except JoseRefused:
            continue
    raise JoseRefused("No key of the client has signed this.")
