"""A complete fapi2 client of Sesame Gateway in Python: consent, tokens bound to a key, a question, refresh, revocation.

    python docs/examples/fapi2_client.py .sandbox/credentials.json

It needs httpx2 and joserfc (both are in the gateway's own environment), and waits at the registered redirect URI for
the person's answer. Every request follows the FAPI 2.0 Security Profile: PAR, PKCE, private_key_jwt, DPoP.
"""

import base64
import hashlib
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from secrets import token_urlsafe
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jws
from joserfc.jwk import ECKey

QUERY = "{ consentedUser { scoreTier { tier } } }"
DETAILS = [{"type": "score", "level": "tier", "purpose": "CAR_RENTAL", "duration": "P30D"}]


class FapiClient:
    """Signs every request with the client's key, and binds the tokens to a second key that never leaves the process."""

    def __init__(self, issuer: str, client_id: str, private_jwk: dict[str, Any]) -> None:
        self.issuer, self.client_id = issuer, client_id
        self.key, self.proof_key = ECKey.import_key(private_jwk), ECKey.generate_key("P-256")
        self.http, self.nonce = httpx2.Client(timeout=20), ""
        self.metadata = self.http.get(f"{issuer}/.well-known/oauth-authorization-server").json()
        assert self.metadata["issuer"] == issuer, "another server answers"

    def post(self, endpoint: str, **form: str) -> httpx2.Response:
        """A form to the endpoint that the metadata gives this name."""
        url = self.metadata[endpoint]

        def send() -> httpx2.Response:
            return self.http.post(url, data={**form, **self._assertion()}, headers={"DPoP": self._proof("POST", url)})

        return self._with_nonce(send)

    def query(self, url: str, access_token: str, query: str) -> httpx2.Response:
        """A GraphQL request, with a proof for this very token."""

        def send() -> httpx2.Response:
            proof = self._proof("POST", url, access_token)
            headers = {"Authorization": f"DPoP {access_token}", "DPoP": proof}
            return self.http.post(url, json={"query": query}, headers=headers)

        return self._with_nonce(send)

    def _with_nonce(self, send: Any) -> httpx2.Response:
        """The server may ask once for a nonce of its own in the proof (RFC 9449 sections 8 and 9)."""
        for _ in range(2):
            answer: httpx2.Response = send()
            self.nonce = answer.headers.get("dpop-nonce", self.nonce)
            refused = answer.status_code in {400, 401}
            if not refused or "use_dpop_nonce" not in answer.text + answer.headers.get("www-authenticate", ""):
                break
        return answer

    def _assertion(self) -> dict[str, str]:
        """RFC 7523: a fresh one for each request. The audience is the issuer, whichever endpoint it goes to."""
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer, "iat": now, "exp": now + 60}
        return {
            "client_id": self.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": _sign({"alg": "ES256", "kid": self.key.kid}, claims, self.key),
        }

    def _proof(self, method: str, url: str, access_token: str | None = None) -> str:
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time())}
        if self.nonce:
            claims["nonce"] = self.nonce
        if access_token is not None:
            claims["ath"] = _sha256(access_token)
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.proof_key.as_dict(private=False)}
        return _sign(header, claims, self.proof_key)


def _sign(header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    return jws.serialize_compact(header, json.dumps({**claims, "jti": token_urlsafe()}), key)


def _sha256(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def answer_at(redirect_uri: str, link: str) -> dict[str, str]:
    """Shows the link, waits at the redirect URI, and returns what the person's browser brings there."""
    brought: dict[str, str] = {}

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            brought.update({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Thank you. You can close this page.")

        def log_message(self, *_: Any) -> None:
            """Nothing: the address holds the code."""

    place = urlsplit(redirect_uri)
    with HTTPServer((place.hostname or "", place.port or 80), Callback) as server:
        print(f"Open this link and decide:\n  {link}", flush=True)
        server.handle_request()
    return brought


def main(credentials: dict[str, Any]) -> None:
    merchant = next(each for each in credentials["merchants"] if each["adapter"] == "car_rental")
    ours = next(client for client in merchant["clients"] if client["profile"] == "fapi2")
    client = FapiClient(credentials["issuer"], ours["client_id"], ours["private_jwk"])

    verifier, state = token_urlsafe(48), token_urlsafe(16)
    pushed = client.post(
        "pushed_authorization_request_endpoint",
        response_type="code",
        redirect_uri=ours["redirect_uri"],
        authorization_details=json.dumps(DETAILS),
        state=state,
        code_challenge=_sha256(verifier),
        code_challenge_method="S256",
    )
    assert pushed.status_code == 201, pushed.text

    asked = urlencode({"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]})
    back = answer_at(ours["redirect_uri"], f"{client.metadata['authorization_endpoint']}?{asked}")
    assert back.get("iss") == client.issuer and back.get("state") == state, "not the answer to our request"  # noqa: PT018
    if "error" in back:
        sys.exit(f"The person did not allow it: {back['error']}")

    tokens = client.post(
        "token_endpoint",
        grant_type="authorization_code",
        code=back["code"],
        redirect_uri=ours["redirect_uri"],
        code_verifier=verifier,
    ).json()
    assert tokens.get("token_type") == "DPoP", tokens
    print("Granted:", json.dumps(tokens["authorization_details"]))

    print("Answer:", client.query(credentials["graphql"], tokens["access_token"], QUERY).text)

    # An access token lives five minutes. The refresh token stays the same and can be used again and again.
    fresh = client.post("token_endpoint", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    print("With a fresh token:", client.query(credentials["graphql"], fresh["access_token"], QUERY).status_code)

    client.post("revocation_endpoint", token=tokens["refresh_token"])
    print("After revocation:", client.query(credentials["graphql"], fresh["access_token"], QUERY).status_code)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
