"""A partner's OAuth client, one class per client profile. It knows nothing of the gateway but its metadata."""

import base64
import hashlib
from secrets import token_urlsafe
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey

from gateway.demo.operations import CANCEL
from gateway.kit import json
from gateway.kit.clock import wall_clock

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TIMEOUT = 20


class PartnerApp:
    """A client of the profile baseline. It sends its secret in the Authorization header and gets bearer tokens."""

    authentication = "the client secret"

    def __init__(self, issuer: str, client: dict[str, Any]) -> None:
        self.issuer, self.client_id, self.redirect_uri = issuer, str(client["client_id"]), str(client["redirect_uri"])
        self._secret = str(client.get("client_secret", ""))
        self.metadata: dict[str, Any] = {}

    def discover(self) -> httpx2.Response:
        """Fetches the server metadata (RFC 8414) and keeps it for the other calls."""
        response = httpx2.get(f"{self.issuer}/.well-known/oauth-authorization-server", timeout=_TIMEOUT)
        self.metadata = response.json()
        return response

    def post(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        """Posts an authenticated form to the endpoint of this name in the metadata."""
        return httpx2.post(self.metadata[endpoint], data=form, headers=self._basic(), timeout=_TIMEOUT)

    def merchant_token(self, scope: str) -> str:
        """Gets a merchant token with these scopes. Raises LookupError if there is none in the response."""
        token = self.post("token_endpoint", {"grant_type": "client_credentials", "scope": scope}).json()
        return str(token["access_token"])

    def revoke(self, consent_id: str) -> None:
        """Ends a consent to this client (OAuth grant management). Does nothing if it has ended."""
        token = self.merchant_token("grant_management_revoke")
        self._send_revocation(f"{self.metadata['grant_management_endpoint']}/{consent_id}", token)

    def _send_revocation(self, url: str, token: str) -> None:
        httpx2.delete(url, headers={"Authorization": f"Bearer {token}"}, timeout=_TIMEOUT)

    def cancel(self, url: str, decision_id: str) -> None:
        """Cancels a decision that has not been activated. Does nothing if it cannot be cancelled any more."""
        input_ = {"decisionId": decision_id, "idempotencyKey": token_urlsafe(16)}
        token = self.merchant_token("decisions:read decisions:write")
        self.query(url, token, {"query": CANCEL, "variables": {"input": input_}})

    def query(self, url: str, token: str, body: dict[str, Any]) -> httpx2.Response:
        """Posts a GraphQL request with this access token."""
        return httpx2.post(url, json=body, headers={**_ACCEPT, "Authorization": f"Bearer {token}"}, timeout=_TIMEOUT)

    def _basic(self) -> dict[str, str]:
        pair = f"{quote(self.client_id, safe='')}:{quote(self._secret, safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


class FapiApp(PartnerApp):
    """A client of the profile fapi2. It signs an assertion for each request (RFC 7523) and binds its tokens to a key
    with DPoP proofs (RFC 9449)."""

    authentication = "a signed assertion and a DPoP proof"

    def __init__(self, issuer: str, client: dict[str, Any]) -> None:
        super().__init__(issuer, client)
        self._key = ECKey.import_key(client["private_jwk"])
        self._proof_key = ECKey.generate_key("P-256")
        self._nonce: str | None = None

    def post(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        url = str(self.metadata[endpoint])
        needs_proof = endpoint == "token_endpoint"
        return self._send(lambda: httpx2.post(url, data=self._signed(form), headers=self._proof(url, needs_proof)))

    def query(self, url: str, token: str, body: dict[str, Any]) -> httpx2.Response:
        def once() -> httpx2.Response:
            headers = {**_ACCEPT, "Authorization": f"DPoP {token}", **self._proof(url, True, token)}
            return httpx2.post(url, json=body, headers=headers, timeout=_TIMEOUT)

        return self._send(once)

    def _send_revocation(self, url: str, token: str) -> None:
        def once() -> httpx2.Response:
            headers = {"Authorization": f"DPoP {token}", **self._proof(url, True, token, method="DELETE")}
            return httpx2.delete(url, headers=headers, timeout=_TIMEOUT)

        self._send(once)

    def _send(self, send: Any) -> httpx2.Response:
        """Returns the response. Repeats the request once if the server asks for its nonce in the proof."""
        for _ in range(2):
            response: httpx2.Response = send()
            self._nonce = response.headers.get("DPoP-Nonce", self._nonce)
            body = response.text if response.status_code == 400 else ""
            if "use_dpop_nonce" not in response.headers.get("WWW-Authenticate", "") + body:
                break
        return response

    def _signed(self, form: dict[str, str]) -> dict[str, str]:
        now = int(wall_clock().timestamp())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now, "exp": now + 60}
        assertion = _jwt({"alg": "ES256", "kid": self._key.kid}, {**claims, "jti": token_urlsafe()}, self._key)
        return {**form, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    def _proof(self, url: str, needs_proof: bool, token: str | None = None, *, method: str = "POST") -> dict[str, str]:
        if not needs_proof:
            return {}
        address = urlsplit(url)._replace(query="", fragment="").geturl()
        claims = {"jti": token_urlsafe(), "htm": method, "htu": address, "iat": int(wall_clock().timestamp())}
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
