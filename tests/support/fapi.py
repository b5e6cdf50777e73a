"""A FAPI 2.0 client with signed client assertions, DPoP proofs and nonces. Tests can replace every claim."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field
from secrets import token_urlsafe
from typing import Any

import httpx2
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.kit import json
from gateway.kit.crypto import base64url
from tests.support.oauth import PartnerApp

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Key = ECKey | RSAKey | OKPKey


class _Null:
    def __repr__(self) -> str:
        return "null"


NULL: Any = _Null()
"""The value of a member that is present and null. Members with the value None are left out."""


def new_key(alg: str = "ES256", kid: str | None = "k1") -> Key:
    """A new private key for this algorithm."""
    parameters: Any = {"kid": kid} if kid else None
    if alg == "ES256":
        return ECKey.generate_key("P-256", parameters)
    if alg == "PS256":
        return RSAKey.generate_key(2048, parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def public(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def signed(header: dict[str, Any], claims: Any, key: Any) -> str:
    """A compact JWS with any header and claims: no library checks them. Members that are None are left out. If the key
    is bytes, the signature is HMAC-SHA-256."""
    header = _present(header)
    if isinstance(claims, dict):
        claims = _present(claims)
    text = f"{base64url(json.encode(header))}.{base64url(json.encode(claims))}"
    if isinstance(key, bytes):
        signature = hmac.digest(key, text.encode(), "sha256")
    else:
        signature = JWSRegistry.algorithms[header["alg"]].sign(text.encode(), key)
    return f"{text}.{base64url(signature)}"


def _present(members: dict[str, Any]) -> dict[str, Any]:
    return {name: None if value is NULL else value for name, value in members.items() if value is not None}


def ath(access_token: str) -> str:
    return base64url(hashlib.sha256(access_token.encode()).digest())


@dataclass
class FapiApp(PartnerApp):
    """A merchant's system with one fapi2 client. `now` returns the time of its clock in seconds."""

    issuer: str = ""
    alg: str = "ES256"
    key: Key = field(default_factory=new_key)
    dpop_alg: str = "ES256"
    dpop_key: Key = field(default_factory=lambda: new_key(kid=None))
    nonce: str | None = None
    now: Any = time.time

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A client assertion (RFC 7523). Claims and header members that are None are left out."""
        now = int(self.now())
        payload = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        kid = (key or self.key).as_dict().get("kid") if not isinstance(key, bytes) else None
        return signed({"alg": self.alg, "kid": kid, **(header or {})}, payload, key or self.key)

    def authentication(self, **claims: Any) -> dict[str, str]:
        """The form fields of client authentication."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(**claims)}

    def proof(
        self, path: str, method: str = "POST", *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any
    ) -> str:
        """A DPoP proof (RFC 9449) with the newest nonce. Members that are None are left out."""
        key = key or self.dpop_key
        payload = {
            "jti": token_urlsafe(16),
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(self.now()),
            "nonce": self.nonce,
            **claims,
        }
        jwk = public(key) if not isinstance(key, bytes) else None
        return signed({"typ": "dpop+jwt", "alg": self.dpop_alg, "jwk": jwk, **(header or {})}, payload, key)

    def post(self, path: str, data: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        """Sends an authenticated form to an OAuth endpoint, with a proof at the token endpoint. Repeats it once if the
        response asks for a nonce. `headers` replace the proof."""
        if headers is not None:
            return self._keep_nonce(self.http.post(path, data={**self.authentication(), **data}, headers=headers))
        response = self._send(path, data)
        if response.status_code == 400 and response.json().get("error") == "use_dpop_nonce":
            response = self._send(path, data)
        return response

    def call(self, token: str | None, path: str = "/graphql", method: str = "POST", **options: Any) -> httpx2.Response:
        """Sends a request to the API with this access token and a proof. Repeats it once if the response asks for a
        nonce."""
        if token is None:
            return self.http.request(method, path, **options)
        for _ in range(2):
            more = options.get("headers", {})
            headers = {"Authorization": f"DPoP {token}", "DPoP": self.proof(path, method, ath=ath(token)), **more}
            response = self._keep_nonce(self.http.request(method, path, **{**options, "headers": headers}))
            if 'error="use_dpop_nonce"' not in response.headers.get("www-authenticate", ""):
                break
        return response

    def _send(self, path: str, data: dict[str, str]) -> httpx2.Response:
        headers = {"DPoP": self.proof(path)} if path == "/oauth/token" else {}
        return self._keep_nonce(self.http.post(path, data={**self.authentication(), **data}, headers=headers))

    def _keep_nonce(self, response: httpx2.Response) -> httpx2.Response:
        self.nonce = response.headers.get("dpop-nonce", self.nonce)
        return response
