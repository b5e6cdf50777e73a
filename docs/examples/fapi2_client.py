"""A complete fapi2 client of Sesame Gateway in Python: consent, DPoP-bound tokens, a query, refresh and revocation.

    python docs/examples/fapi2_client.py .sandbox/credentials.json

It needs httpx2 and joserfc, which are in the gateway's own environment. It prints a link and waits at the registered
redirect URI for the person's decision. Requests follow the FAPI 2.0 Security Profile: PAR, PKCE, private_key_jwt, DPoP.
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
    """Signs each request with the client's key, and binds tokens to a second key that never leaves the process."""

    def __init__(self, issuer: str, client_id: str, private_jwk: dict[str, Any]) -> None:
        self.issuer, self.client_id = issuer, client_id
        self.key, self.proof_key = ECKey.import_key(private_jwk), ECKey.generate_key("P-256")
        self.http, self.nonce = httpx2.Client(timeout=20), ""
        response = self.http.get(f"{issuer}/.well-known/oauth-authorization-server")
        self.metadata = response.json() if response.status_code == 200 else {}
        if self.metadata.get("issuer") != issuer:
            sys.exit(f"{issuer} is not the issuer of a gateway. Write it as in GATEWAY_ISSUER, without / at its end.")

    def post(self, endpoint: str, **form: str) -> httpx2.Response:
        """Posts a form to the endpoint of this name in the server metadata."""
        url = self.metadata[endpoint]

        def send() -> httpx2.Response:
            return self.http.post(url, data={**form, **self._assertion()}, headers={"DPoP": self._proof("POST", url)})

        return self._with_nonce(send)

    def query(
        self, url: str, access_token: str, query: str, variables: dict[str, Any] | None = None
    ) -> httpx2.Response:
        """Posts a GraphQL request with the token and a proof for it."""

        def send() -> httpx2.Response:
            proof = self._proof("POST", url, access_token)
            headers = {"Authorization": f"DPoP {access_token}", "DPoP": proof}
            return self.http.post(url, json={"query": query, "variables": variables}, headers=headers)

        return self._with_nonce(send)

    def _with_nonce(self, send: Any) -> httpx2.Response:
        """Returns the response. Repeats the request if the server asks for its nonce (RFC 9449 sections 8 and 9)."""
        for _ in range(2):
            response: httpx2.Response = send()
            self.nonce = response.headers.get("dpop-nonce", self.nonce)
            failed = response.status_code in {400, 401}
            if not failed or "use_dpop_nonce" not in response.text + response.headers.get("www-authenticate", ""):
                break
        return response

    def _assertion(self) -> dict[str, str]:
        """Returns a new client assertion (RFC 7523). Its audience is the issuer, at every endpoint."""
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


def wait_for_callback(redirect_uri: str, link: str) -> dict[str, str]:
    """Prints the link, waits at the redirect URI, and returns the parameters with which the browser comes back."""
    parameters: dict[str, str] = {}

    class Callback(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parameters.update({name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"Thank you. You can close this page.")

        def log_message(self, *_: Any) -> None:
            """Logs nothing, because the address contains the code."""

    address = urlsplit(redirect_uri)
    with HTTPServer((address.hostname or "", address.port or 80), Callback) as server:
        print(f"Open this link and decide:\n  {link}", flush=True)
        server.handle_request()
    return parameters


def ask_for_consent(client: FapiClient, details: list[dict[str, Any]], redirect_uri: str) -> dict[str, Any]:
    """Asks a person for consent, waits for the decision, and returns the tokens. Ends the program if the gateway
    refuses the request or the person denies it."""
    verifier, state = token_urlsafe(48), token_urlsafe(16)
    pushed = client.post(
        "pushed_authorization_request_endpoint",
        response_type="code",
        redirect_uri=redirect_uri,
        authorization_details=json.dumps(details),
        state=state,
        code_challenge=_sha256(verifier),
        code_challenge_method="S256",
    )
    if pushed.status_code != 201:
        sys.exit(f"The gateway refused the request: {pushed.text}")

    query = urlencode({"client_id": client.client_id, "request_uri": pushed.json()["request_uri"]})
    callback = wait_for_callback(redirect_uri, f"{client.metadata['authorization_endpoint']}?{query}")
    assert callback.get("iss") == client.issuer, "another issuer"
    assert callback.get("state") == state, "another request"
    if "error" in callback:
        sys.exit(f"The person denied the request: {callback['error']}")

    tokens: dict[str, Any] = client.post(
        "token_endpoint",
        grant_type="authorization_code",
        code=callback["code"],
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    ).json()
    assert tokens.get("token_type") == "DPoP", tokens
    return tokens


def main(credentials: dict[str, Any]) -> None:
    merchant = next(each for each in credentials["merchants"] if each["adapter"] == "car_rental")
    registered = next(client for client in merchant["clients"] if client["profile"] == "fapi2")
    client = FapiClient(credentials["issuer"], registered["client_id"], registered["private_jwk"])

    # In a sandbox redirect_uri is a page of the gateway. This program listens itself.
    redirect_uri = registered.get("loopback_redirect_uri", registered["redirect_uri"])
    tokens = ask_for_consent(client, DETAILS, redirect_uri)
    print("Granted:", json.dumps(tokens["authorization_details"]))

    print("Response:", client.query(credentials["graphql"], tokens["access_token"], QUERY).text)

    # An access token is valid for five minutes. The refresh token stays the same and can be used repeatedly.
    refreshed = client.post("token_endpoint", grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json()
    print("With a new token:", client.query(credentials["graphql"], refreshed["access_token"], QUERY).status_code)

    client.post("revocation_endpoint", token=tokens["refresh_token"])
    print("After revocation:", client.query(credentials["graphql"], refreshed["access_token"], QUERY).status_code)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
