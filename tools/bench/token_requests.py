"""Requests to a token endpoint: refresh grant with private_key_jwt (RFC 7523) and a DPoP proof (RFC 9449), both ES256.

They are signed before they are sent, so signing takes no time of the measurement. A proof is valid for a minute.
"""

import json
import time
from collections.abc import Sequence
from secrets import token_hex
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

from gateway.kit.client_key import private_jwk, public_jwks
from gateway.kit.crypto import base64url
from tools.bench.client import Call, Connection, Load

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MARKER = b'"token_type":"DPoP"'


class ClientKeys:
    """The keys of the client: one for its assertions, one for its proofs."""

    def __init__(self) -> None:
        self._assertion, self._proof = private_jwk(), private_jwk()
        self.jwks = public_jwks(self._assertion)
        self._assertion_key, self._proof_key = _private_key(self._assertion), _private_key(self._proof)
        jwk = {name: self._proof[name] for name in ("kty", "crv", "x", "y")}
        self._assertion_head = _part({"alg": "ES256", "kid": self._assertion["kid"]})
        self._proof_head = _part({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})

    def assertion(self, client_id: str, audience: str, now: int) -> str:
        """Returns a client assertion that is valid for a minute."""
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": token_hex(16),
            "iat": now,
            "exp": now + 60,
        }
        return _signed(self._assertion_head, claims, self._assertion_key)

    def proof(self, url: str, nonce: str | None, now: int) -> str:
        """Returns a DPoP proof for a POST to this URL."""
        claims = {"jti": token_hex(16), "htm": "POST", "htu": url, "iat": now}
        return _signed(self._proof_head, claims | ({"nonce": nonce} if nonce else {}), self._proof_key)


class TokenRequests:
    """The requests to one token endpoint. Each uses the next of the refresh tokens in turn."""

    def __init__(self, keys: ClientKeys, client_id: str, refresh_tokens: Sequence[str], port: int, path: str) -> None:
        self._keys, self._client_id, self._refresh_tokens = keys, client_id, refresh_tokens
        self._host, self._path, self._turn = f"127.0.0.1:{port}", path, 0
        self._issuer = f"http://{self._host}"
        self._nonce: str | None = None

    async def begin(self, connection: Connection) -> int:
        """Sends one request without a nonce. If the server asks for one, later requests have it. Returns the number of
        tokens that were issued, 0 or 1. Raises ValueError for another error."""
        result = await Load(iter(self.sign(1)), 5).run([connection])
        if result.errors and b"use_dpop_nonce" not in connection.body:
            raise ValueError(next(iter(result.errors)))
        self._nonce = connection.header("dpop-nonce") if result.errors else None
        return result.answered.total()

    def sign(self, count: int) -> list[Call]:
        """Returns calls to send within a minute."""
        now = int(time.time())
        return [self._call(now) for _ in range(count)]

    def _call(self, now: int) -> Call:
        refresh_token = self._refresh_tokens[self._turn % len(self._refresh_tokens)]
        self._turn += 1
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self._client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._keys.assertion(self._client_id, self._issuer, now),
        }
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in form.items())
        proof = self._keys.proof(self._issuer + self._path, self._nonce, now)
        request = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            f"Accept: application/json\r\nDPoP: {proof}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        return Call("token", request.encode(), MARKER)


def _private_key(jwk: dict[str, Any]) -> EllipticCurvePrivateKey:
    key = ECKey.import_key(jwk).get_op_key("sign")
    assert isinstance(key, EllipticCurvePrivateKey)
    return key


def _part(content: dict[str, Any]) -> str:
    return base64url(json.dumps(content, separators=(",", ":")).encode())


def _signed(head: str, claims: dict[str, Any], key: EllipticCurvePrivateKey) -> str:
    text = f"{head}.{_part(claims)}"
    r, s = decode_dss_signature(key.sign(text.encode(), ECDSA(SHA256())))
    return f"{text}.{base64url(r.to_bytes(32) + s.to_bytes(32))}"
