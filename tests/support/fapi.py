"""A FAPI 2.0 client in a box: signed assertions, proofs of possession, nonces. Every claim can be bent."""

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
"""A member that is there, and null."""


def new_key(alg: str = "ES256", kid: str | None = "k1") -> Key:
    """A fresh private key for this algorithm."""
    parameters: Any = {"kid": kid} if kid else None
    if alg == "ES256":
        return ECKey.generate_key("P-256", parameters)
    if alg == "PS256":
        return RSAKey.generate_key(2048, parameters)
    return OKPKey.generate_key("Ed25519", parameters)


def public(key: Key) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


def signed(header: dict[str, Any], claims: Any, key: Any) -> str:
    """A compact JWS, whatever stands in it: no library looks at its header. Members that are None are left out. Bytes
    as the key sign with HMAC-SHA-256."""
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
    """A merchant's system with one fapi2 client. `now` gives the seconds that its clock shows."""

    issuer: str = ""
    alg: str = "ES256"
    key: Key = field(default_factory=new_key)
    dpop_alg: str = "ES256"
    dpop_key: Key = field(default_factory=lambda: new_key(kid=None))
    nonce: str | None = None
    now: Any = time.time

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A client assertion (RFC 7523); a claim or header member that is None is left out."""
        now = int(self.now())
        whole = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "jti": token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
            **claims,
        }
        kid = (key or self.key).as_dict().get("kid") if not isinstance(key, bytes) else None
        return signed({"alg": self.alg, "kid": kid, **(header or {})}, whole, key or self.key)

    def authentication(self, **claims: Any) -> dict[str, str]:
        """The form fields of client authentication."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(**claims)}

    def proof(
        self, path: str, method: str = "POST", *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any
    ) -> str:
        """A DPoP proof (RFC 9449) with the newest nonce; members that are None are left out."""
        key = key or self.dpop_key
        whole = {
            "jti": token_urlsafe(16),
            "htm": method,
            "htu": self.issuer + path,
            "iat": int(self.now()),
            "nonce": self.nonce,
            **claims,
        }
        jwk = public(key) if not isinstance(key, bytes) else None
        return signed({"typ": "dpop+jwt", "alg": self.dpop_alg, "jwk": jwk, **(header or {})}, whole, key)

    def post(self, path: str, data: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        """A form to an OAuth endpoint: authenticated, with a proof at the token endpoint, and once more where a nonce
        is wanted. `headers` replace the proof."""
        if headers is not None:
            return self._remembered(self.http.post(path, data={**self.authentication(), **data}, headers=headers))
        answer = self._once(path, data)
        if answer.status_code == 400 and answer.json().get("error") == "use_dpop_nonce":
            answer = self._once(path, data)
        return answer

    def call(self, token: str | None, path: str = "/graphql", method: str = "POST", **options: Any) -> httpx2.Response:
        """A request to the API with this access token and a proof, once more where a nonce is wanted."""
        if token is None:
            return self.http.request(method, path, **options)
        for _ in range(2):
            more = options.get("headers", {})
            headers = {"Authorization": f"DPoP {token}", "DPoP": self.proof(path, method, ath=ath(token)), **more}
            answer = self._remembered(self.http.request(method, path, **{**options, "headers": headers}))
            if 'error="use_dpop_nonce"' not in answer.headers.get("www-authenticate", ""):
                break
        return answer

    def _once(self, path: str, data: dict[str, str]) -> httpx2.Response:
        headers = {"DPoP": self.proof(path)} if path == "/oauth/token" else {}
        return self._remembered(self.http.post(path, data={**self.authentication(), **data}, headers=headers))

    def _remembered(self, answer: httpx2.Response) -> httpx2.Response:
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer
