"""Client authentication by a signed assertion (RFC 7523 section 3, as FAPI 2.0 section 5.3.2.1 narrows it)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.kit import jose
from gateway.kit.crypto import digest
from gateway.kit.jose import ALGORITHMS, JoseRefused
from gateway.oauth.dpop import AHEAD
from gateway.services.client_keys import fitting_keys
from gateway.store.clients import ClientRow

METHOD = "private_key_jwt"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = timedelta(minutes=10)
"""How far ahead an assertion may expire: so long is its jti remembered."""

_LONGEST_JTI = 256


@dataclass(frozen=True, slots=True)
class KeysAtHand:
    """The keys of a client that has them at a jwks_uri, fetched before the request's unit of work."""

    client_id: str
    jwks_uri: str
    key_set: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that its client has signed. `replay_key` names it; from `expires_at` on its age refuses it."""

    replay_key: str
    expires_at: datetime


class PrivateKeyJwt:
    """The method as Authlib calls it. `issuer` is the only audience; `wall` the moment of the request; `at_hand`
    are the keys that were fetched for it, if its client has them elsewhere."""

    def __init__(self, issuer: str, wall: datetime, at_hand: KeysAtHand | None = None) -> None:
        self._issuer, self._wall, self._at_hand = issuer, wall, at_hand

    def __call__(self, query_client: Callable[[str], Any], request: Any) -> Any:
        """The client that signed the assertion in the body, None if there is none or it is not valid. What must be
        remembered of it is left in `request.assertion`."""
        token = request.form.get("client_assertion")
        if token is None or request.form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        try:
            client_id = jose.unverified(token).claims.get("sub")
            client = query_client(client_id) if isinstance(client_id, str) and client_id.isprintable() else None
            if client is None or (keys := self._keys(client.row)) is None:
                return None
            request.assertion = self._checked(_signed_claims(token, keys), client.id)
        except JoseRefused:
            return None
        return client

    def named(self, token: str) -> tuple[str, str | None]:
        """Client id and `kid` of an assertion that is good if its signature is, which is not looked at. Raises
        JoseRefused for any other."""
        signed = jose.unverified(token)
        client_id, kid = signed.claims.get("sub"), signed.header.get("kid")
        if not isinstance(client_id, str) or not client_id.isprintable() or signed.header.get("alg") not in ALGORITHMS:
            raise JoseRefused("The assertion cannot be a client's.")
        self._checked(signed.claims, client_id)
        return client_id, kid if isinstance(kid, str) else None

    def _keys(self, row: ClientRow) -> Mapping[str, Any] | None:
        """The client's keys, None where it has none or they are not at hand."""
        if row.jwks_uri is None:
            return row.jwks
        found = self._at_hand
        # Compared with the row of this unit of work: the address may have been replaced since the keys were fetched.
        if found is None or (found.client_id, found.jwks_uri) != (row.id, row.jwks_uri):
            return None
        return fitting_keys(found.key_set, row.token_endpoint_auth_signing_alg)

    def _checked(self, claims: Mapping[str, Any], client_id: str) -> Assertion:
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            raise JoseRefused("iss and sub must be the client_id.")
        # A list, or the address of an endpoint, could be meant for another server as well (FAPI 2.0 item 8).
        if claims.get("aud") != self._issuer:
            raise JoseRefused("aud must be the issuer, as a string.")
        expires = self._expiry(claims)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI:
            raise JoseRefused("jti is missing or too long.")
        return Assertion(digest(f"assertion {client_id} {jti}"), datetime.fromtimestamp(expires, UTC))

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
