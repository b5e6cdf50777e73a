"""A partner's OAuth client, as a partner would write it: one for each client profile. It knows the gateway by its
metadata only."""

import base64
import hashlib
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.kit import json
from gateway.kit.clock import wall_clock

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TIMEOUT = 20


class PartnerApp:
    """A client of the profile baseline: a secret in the Authorization header, bearer tokens."""

    sends = "our secret"

    def __init__(self, issuer: str, client: dict[str, Any]) -> None:
        self.issuer, self.client_id, self.redirect_uri = issuer, str(client["client_id"]), str(client["redirect_uri"])
        self._secret = str(client.get("client_secret", ""))
        self.metadata: dict[str, Any] = {}

    def discover(self) -> httpx2.Response:
        """The server's metadata (RFC 8414), kept for the other calls."""
        answer = httpx2.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=_TIMEOUT)
        self.metadata = answer.json()
        return answer

    def post(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        """An authenticated form to the endpoint that the metadata gives this name."""
        return httpx2.post(self.metadata[endpoint], data=form, headers=self._basic(), timeout=_TIMEOUT)

    def query(self, url: str, token: str, body: dict[str, Any]) -> httpx2.Response:
        """A GraphQL request with this access token."""
        return httpx2.post(url, json=body, headers={**_ACCEPT, "Authorization": f"Bearer {token}"}, timeout=_TIMEOUT)

    def _basic(self) -> dict[str, str]:
        pair = f"{quote(self.client_id, safe='')}:{quote(self._secret, safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class FapiApp(PartnerApp):
    """A client of the profile fapi2: it signs an assertion for each request (RFC 7523), and binds its tokens to a key
    of its own by proofs (RFC 9449)."""

    sends = "an assertion and a proof that our key has signed"

    def __init__(self, issuer: str, client: dict[str, Any]) -> None:
        super().__init__(issuer, client)
        self._key = ECKey.import_key(client["private_jwk"])
        self._proof_key = ECKey.generate_key("P-256")
        self._nonce: str | None = None

    def post(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        url = str(self.metadata[endpoint])
        proves = endpoint == "token_endpoint"
        return self._sent(lambda: httpx2.post(url, data=self._signed(form), headers=self._proof(url, proves)))

    def query(self, url: str, token: str, body: dict[str, Any]) -> httpx2.Response:
        def once() -> httpx2.Response:
            headers = {**_ACCEPT, "Authorization": f"DPoP {token}", **self._proof(url, True, token)}
            return httpx2.post(url, json=body, headers=headers, timeout=_TIMEOUT)

        return self._sent(once)

    def _sent(self, send: Any) -> httpx2.Response:
        """The answer, asked for once more where the server wants a nonce of its own in the proof."""
        for _ in range(2):
            answer: httpx2.Response = send()
            self._nonce = answer.headers.get("DPoP-Nonce", self._nonce)
            wanted = answer.headers.get("WWW-Authenticate", "") + (answer.text if answer.status_code == 400 else "")
            if "use_dpop_nonce" not in wanted:
                break
        return answer

    def _signed(self, form: dict[str, str]) -> dict[str, str]:
        now = int(wall_clock().timestamp())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now, "exp": now + 60}
        assertion = _jwt({"alg": "ES256", "kid": self._key.kid}, {**claims, "jti": token_urlsafe()}, self._key)
        return {**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def _proof(self, url: str, proves: bool, token: str | None = None) -> dict[str, str]:
        if not proves:
            return {}
        address = urlsplit(url)._replace(query="", fragment="").geturl()
        claims = {"jti": token_urlsafe(), "htm": "POST", "htu": address, "iat": int(wall_clock().timestamp())}
        if self._nonce:
            claims["nonce"] = self._nonce
        if token is not None:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        jwk = self._proof_key.as_dict(private=False)
        return {"DPoP": _jwt({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}, claims, self._proof_key)}


_ACCEPT = {"Accept": "application/graphql-response+json"}


def _jwt(header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    return jws.serialize_compact(header, json.encode(claims), key)


APPS = {"baseline": PartnerApp, "fapi2": FapiApp}
"""The app of each client profile."""
