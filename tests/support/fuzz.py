"""Random requests to the OAuth endpoints, as hypothesis strategies, and the rules that every response must keep."""

from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
from hypothesis import strategies as st
from joserfc.jws import JWSRegistry

from gateway.kit import json
from gateway.kit.crypto import base64url
from tests.support.fapi import Key, ath
from tests.support.oauth import form_to
from tests.support.oauth_world import PASSWORD, OAuthWorld

FORMS = ("/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization")
PAGES = ("/oauth/authorize",)
OTHERS = (
    *("/oauth/register", "/oauth/register/cli_test_x", "/oauth/jwks", "/oauth/grants/con_test_x", "/oauth/none"),
    *("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource"),
)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY")
NAMES = (
    *("grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "scope", "state", "token"),
    *("response_type", "code_challenge", "code_challenge_method", "authorization_details", "refresh_token", "decision"),
    *(
        "token_type_hint",
        "device_code",
        "user_code",
        "dpop_jkt",
        "client_assertion",
        "client_assertion_type",
        "request",
    ),
    *("request_uri", "response_mode", "resource", "prompt", "csrf_token", "grant_id", "grant_management_action"),
)
WORDS = (
    *("authorization_code", "refresh_token", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"),
    *("urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "code", "S256", "plain", "score:tier", "a" * 43),
    *("https://client.example/callback", "[]", "{}", "[[[[", '[{"type":"score","level":"tier"}]', "e30.e30.e30", "\0"),
    *(
        "sgw_test_at_x",
        "sgw_test_rt_x",
        "urn:ietf:params:oauth:request_uri:x",
        "1e999",
        '"\\',
        "%",
        "é",
        "🙂",
        "\u202e",
    ),
)
LONGEST = 2**63 - 1

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LONGEST, LONGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""A JSON value of any type."""

text = st.sampled_from(WORDS) | st.text(max_size=20) | anything.map(lambda value: json.encode(value).decode())
form = st.dictionaries(st.sampled_from(NAMES), text, max_size=8)
_printable = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
_credential = st.builds("{} {}".format, st.sampled_from(["Basic", "Bearer", "DPoP", "dpop", ""]), _printable)
headers = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": _credential | _printable,
        "DPoP": _printable | st.sampled_from(["e30.e30.e30", "a.b.c", "x" * 9000]),
        "Content-Type": st.sampled_from(
            ["application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
        )
        | _printable,
        "Accept": st.sampled_from(["text/html", "application/json", "*/*;q=x"]),
        "Content-Length": st.sampled_from(["0", "-1", "x", "99999999"]),
    },
)
body = st.binary(max_size=80) | form.map(lambda fields: str(httpx2.QueryParams(fields)).encode())
body |= anything.map(json.encode)


def jwt(header: dict[str, Any], claims: Any, key: Key) -> str:
    """A JWS with any header, signed with ES256."""
    signed = f"{base64url(json.encode(header))}.{base64url(json.encode(claims))}"
    return f"{signed}.{base64url(JWSRegistry.algorithms['ES256'].sign(signed.encode(), key))}"


def check_response(response: httpx2.Response) -> None:
    """Asserts that a response is no server error, and that a 4xx has the format of OAuth, GraphQL or a page."""
    path, method = response.request.url.path, response.request.method
    assert response.status_code < 500, (method, path, response.status_code)
    assert "Traceback" not in response.text
    assert "gateway/" not in response.text
    if response.status_code < 400:
        return
    assert response.headers["cache-control"] == "no-store", (method, path)
    if method == "HEAD":
        return
    if path in PAGES:
        assert response.headers["content-type"].startswith("text/html")
        return
    assert response.headers["content-type"] == "application/json", (method, path)
    body = response.json()
    if path.startswith("/oauth/"):
        assert isinstance(body["error"], str), path
        assert body["error"]
        assert body.get("error_description", "").isascii()
        assert "location" not in response.headers
    else:
        assert body["errors"][0]["message"]


@dataclass
class FuzzClient:
    """Sends valid requests with some parts replaced to the endpoints of a world, and checks the responses."""

    world: OAuthWorld

    def __post_init__(self) -> None:
        world = self.world
        self.http = world.http()
        self.browser = world.browser()
        assert self.browser.sign_in("mei", PASSWORD).status_code == 303
        world.bank.nonce = world.nonces.current(world.container.clock())

    def raw(self, method: str, path: str, headers: dict[str, str], content: bytes) -> None:
        """Sends any request."""
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        check_response(self.http.request(method, path, headers=encoded, content=content))

    def fields(self, path: str, changed: dict[str, str]) -> None:
        """Sends a valid form and proof with these fields replaced."""
        check_response(self.send_form(path, changed))

    def assertion(self, path: str, header: dict[str, Any], claims: dict[str, Any], payload: Any) -> None:
        """Sends a valid form with these members of the assertion replaced. A `payload` replaces all claims."""
        check_response(self.send_assertion(path, header, claims, payload))

    def proof(self, path: str, header: dict[str, Any], claims: dict[str, Any], payload: Any) -> None:
        """Sends a valid request to the token endpoint or the API with these members of the proof replaced."""
        check_response(self.send_proof(path, header, claims, payload))

    def send_form(self, path: str, changed: dict[str, str]) -> httpx2.Response:
        bank = self.world.bank
        valid = {**bank.parameters("a" * 43), "grant_type": "client_credentials", "token": "x"}
        if path == "/oauth/token":
            del valid["scope"]  # the scopes of a user token are not allowed in a merchant token
        if path == "/oauth/device_authorization":
            valid["scope"] = "score:tier"
        proof = {"DPoP": bank.proof("/oauth/token")} if path == "/oauth/token" else {}
        return self.http.post(path, data={**valid, **bank.authentication(), **changed}, headers=proof)

    def send_assertion(
        self, path: str, header: dict[str, Any], claims: dict[str, Any], payload: Any
    ) -> httpx2.Response:
        bank = self.world.bank
        now = int(bank.now())
        valid = {"iss": bank.client_id, "sub": bank.client_id, "aud": bank.issuer, "jti": token_hex(8), "exp": now + 60}
        sent_claims = {**valid, **claims} if payload is None else payload
        return self.send_form(
            path, {"client_assertion": jwt({"alg": "ES256", "kid": "k1", **header}, sent_claims, bank.key)}
        )

    def send_proof(self, path: str, header: dict[str, Any], claims: dict[str, Any], payload: Any) -> httpx2.Response:
        bank, key, jti = self.world.bank, self.world.bank.dpop_key, token_hex(8)
        now = int(bank.now())
        valid = {"jti": jti, "htm": "POST", "htu": bank.issuer + path, "iat": now, "nonce": bank.nonce}
        valid["ath"] = ath("sgw_test_at_x")
        sent_claims = {**valid, **claims} if payload is None else payload
        default_header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(key.as_dict(private=False))}
        headers = {"DPoP": jwt({**default_header, **header}, sent_claims, key)}
        if path == "/oauth/token":
            form = {**bank.authentication(), "grant_type": "client_credentials"}
            return self.http.post(path, data=form, headers=headers)
        return self.http.post(path, headers={**headers, "Authorization": "DPoP sgw_test_at_x"})

    def decision(self, changed: dict[str, str], query: dict[str, str]) -> None:
        """Opens the consent page with this query, and submits its form with these fields replaced and this query."""
        bank = self.world.bank
        address = bank.address(bank.push().json()["request_uri"])
        page = self.browser.get(address)
        assert page.status_code == 200
        check_response(self.browser.http.get("/oauth/authorize", params=query))
        consent_form = form_to(page.text, "/oauth/authorize")
        fields = {**consent_form.fields, "decision": "allow", **changed}
        check_response(self.browser.http.post(consent_form.action, data=fields, params=query))
