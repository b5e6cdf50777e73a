"""Everything that can be sent to the OAuth endpoints, as hypothesis strategies, and what any answer must be."""

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
    """A JWS by an ES256 key, whatever its header says of itself."""
    signed = f"{base64url(json.encode(header))}.{base64url(json.encode(claims))}"
    return f"{signed}.{base64url(JWSRegistry.algorithms['ES256'].sign(signed.encode(), key))}"


def require_decent(answer: httpx2.Response) -> None:
    """Asserts that the answer is not one of a server in trouble, and that a refusal is one of OAuth's, or a page."""
    path, method = answer.request.url.path, answer.request.method
    assert answer.status_code < 500, (method, path, answer.status_code)
    assert "Traceback" not in answer.text
    assert "gateway/" not in answer.text
    if answer.status_code < 400:
        return
    assert answer.headers["cache-control"] == "no-store", (method, path)
    if method == "HEAD":
        return
    if path in PAGES:
        assert answer.headers["content-type"].startswith("text/html")
        return
    assert answer.headers["content-type"] == "application/json", (method, path)
    said = answer.json()
    if path.startswith("/oauth/"):
        assert isinstance(said["error"], str), path
        assert said["error"]
        assert said.get("error_description", "").isascii()
        assert "location" not in answer.headers
    else:
        assert said["errors"][0]["message"]


@dataclass
class FuzzClient:
    """The endpoints of one world, with a client that is right in all that is not bent."""

    world: OAuthWorld

    def __post_init__(self) -> None:
        world = self.world
        self.http = world.http()
        self.browser = world.browser()
        assert self.browser.sign_in("mei", PASSWORD).status_code == 303
        world.bank.nonce = world.nonces.current(world.container.clock())

    def raw(self, method: str, path: str, sent: dict[str, str], content: bytes) -> None:
        """Any request."""
        encoded = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        require_decent(self.http.request(method, path, headers=encoded, content=content))

    def fields(self, path: str, changed: dict[str, str]) -> None:
        """A right form with these fields in it, and a right proof."""
        require_decent(self.sent(path, changed))

    def assertion(self, path: str, header: dict[str, Any], claims: dict[str, Any], whole: Any) -> None:
        """A right form with an assertion whose members are these; `whole` stands in for all claims unless None."""
        require_decent(self.asserted(path, header, claims, whole))

    def proof(self, path: str, header: dict[str, Any], claims: dict[str, Any], whole: Any) -> None:
        """A right request to the token endpoint or the API with a proof whose members are these."""
        require_decent(self.proved(path, header, claims, whole))

    def sent(self, path: str, changed: dict[str, str]) -> httpx2.Response:
        bank = self.world.bank
        right = {**bank.parameters("a" * 43), "grant_type": "client_credentials", "token": "x"}
        if path == "/oauth/token":
            del right["scope"]  # a user's, which no merchant token holds
        if path == "/oauth/device_authorization":
            right["scope"] = "score:tier"
        proof = {"DPoP": bank.proof("/oauth/token")} if path == "/oauth/token" else {}
        return self.http.post(path, data={**right, **bank.authentication(), **changed}, headers=proof)

    def asserted(self, path: str, header: dict[str, Any], claims: dict[str, Any], whole: Any) -> httpx2.Response:
        bank = self.world.bank
        now = int(bank.now())
        right = {"iss": bank.client_id, "sub": bank.client_id, "aud": bank.issuer, "jti": token_hex(8), "exp": now + 60}
        claimed = {**right, **claims} if whole is None else whole
        return self.sent(path, {"client_assertion": jwt({"alg": "ES256", "kid": "k1", **header}, claimed, bank.key)})

    def proved(self, path: str, header: dict[str, Any], claims: dict[str, Any], whole: Any) -> httpx2.Response:
        bank, key, jti = self.world.bank, self.world.bank.dpop_key, token_hex(8)
        now = int(bank.now())
        right = {"jti": jti, "htm": "POST", "htu": bank.issuer + path, "iat": now, "nonce": bank.nonce}
        right["ath"] = ath("sgw_test_at_x")
        claimed = {**right, **claims} if whole is None else whole
        named = {"typ": "dpop+jwt", "alg": "ES256", "jwk": dict(key.as_dict(private=False))}
        sent = {"DPoP": jwt({**named, **header}, claimed, key)}
        if path == "/oauth/token":
            form = {**bank.authentication(), "grant_type": "client_credentials"}
            return self.http.post(path, data=form, headers=sent)
        return self.http.post(path, headers={**sent, "Authorization": "DPoP sgw_test_at_x"})

    def decision(self, changed: dict[str, str], query: dict[str, str]) -> None:
        """The form of the consent page with these fields in it, and the page at an address with this query."""
        bank = self.world.bank
        address = bank.address(bank.push().json()["request_uri"])
        page = self.browser.get(address)
        assert page.status_code == 200
        require_decent(self.browser.http.get("/oauth/authorize", params=query))
        sent = form_to(page.text, "/oauth/authorize")
        whole = {**sent.fields, "decision": "allow", **changed}
        require_decent(self.browser.http.post(sent.action, data=whole, params=query))
