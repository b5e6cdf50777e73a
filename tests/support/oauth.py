"""A merchant's OAuth client and a person's browser, over an httpx2 client."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx2


@dataclass
class Form:
    """A form of a page: its action, its fields with their values, and the names and values of its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[tuple[str, str]] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and "name" in values and (values.get("type") != "checkbox" or "checked" in values):
            self.forms[-1].fields[values["name"]] = values.get("value", "")
        elif tag == "button" and "name" in values:
            self.forms[-1].buttons.append((values["name"], values["value"]))


def forms(page: str) -> list[Form]:
    """The forms of a page, in order."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def form_to(page: str, action: str) -> Form:
    """The form of a page with this action."""
    return next(form for form in forms(page) if form.action == action)


def pkce() -> tuple[str, str]:
    """A new code_verifier and its S256 code_challenge (RFC 7636)."""
    verifier = secrets.token_urlsafe(32)
    return verifier, base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def query_of(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


class Browser:
    """A person's browser. It keeps cookies and submits the forms of pages."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http

    def get(self, address: str, **options: Any) -> httpx2.Response:
        return self.http.get(address, follow_redirects=False, **options)

    def submit(self, page: httpx2.Response, action: str, **values: str) -> httpx2.Response:
        """Submits the page's form with this action; `values` replace its fields."""
        form = form_to(page.text, action)
        return self.http.post(form.action, data={**form.fields, **values}, follow_redirects=False)

    def submit_and_confirm(self, page: httpx2.Response, action: str) -> httpx2.Response:
        """Submits the page's form with this action, and then that of the page that asks for confirmation."""
        question = self.submit(page, action)
        assert question.status_code == 200, question.text
        return self.submit(question, action)

    def sign_in(self, username: str, password: str, address: str = "/login") -> httpx2.Response:
        """Submits the login form at `address` and returns the response."""
        page = self.get(address)
        return self.submit(page, "/login", username=username, password=password)

    def open(self, address: str, username: str, password: str) -> httpx2.Response:
        """Opens the page at `address`, and signs in if it redirects to the login page."""
        page = self.get(address)
        if page.status_code == 303:
            signed_in = self.sign_in(username, password, page.headers["location"])
            page = self.get(signed_in.headers["location"])
        return page


@dataclass
class PartnerApp:
    """A merchant's system with one baseline client."""

    http: httpx2.Client
    client_id: str
    secret: str
    redirect_uri: str

    @property
    def auth(self) -> dict[str, str]:
        """The Authorization header of client_secret_basic (RFC 6749 section 2.3.1)."""
        pair = f"{quote(self.client_id, safe='')}:{quote(self.secret, safe='')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def post(self, path: str, data: dict[str, str], headers: dict[str, str] | None = None) -> httpx2.Response:
        """Sends a form to an OAuth endpoint. `headers` replace the Authorization header."""
        return self.http.post(path, data=data, headers=self.auth if headers is None else headers)

    def parameters(self, challenge: str, **changed: Any) -> dict[str, str]:
        """The parameters of an authorization request. `changed` replaces some; those that are None are left out."""
        details = changed.pop("authorization_details", None)
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "score:tier decisions:request",
            "state": "a state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "authorization_details": details if isinstance(details, str | None) else json.dumps(details),
            **changed,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def push(self, challenge: str | None = None, **changed: Any) -> httpx2.Response:
        """Pushes an authorization request (RFC 9126) and returns the response."""
        return self.post("/oauth/par", self.parameters(challenge or pkce()[1], **changed))

    def address(self, request_uri: str) -> str:
        """The address of the authorization endpoint for a pushed request."""
        return f"/oauth/authorize?client_id={quote(self.client_id)}&request_uri={quote(request_uri)}"

    def ask(
        self, browser: Browser, username: str, password: str, decision: str = "allow", **changed: Any
    ) -> tuple[dict[str, str], str]:
        """Pushes a request and submits the person's decision. Returns the parameters of the redirect, and the
        code_verifier."""
        verifier, challenge = pkce()
        pushed = self.push(challenge, **changed)
        assert pushed.status_code == 201, pushed.text
        page = browser.open(self.address(pushed.json()["request_uri"]), username, password)
        assert page.status_code == 200, page.text
        response = browser.submit(page, "/oauth/authorize", decision=decision)
        assert response.status_code == 303, response.text
        assert response.headers["location"].startswith(self.redirect_uri)
        return query_of(response.headers["location"]), verifier

    def redeem(self, code: str, verifier: str | None, **changed: Any) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": verifier,
            **changed,
        }
        return self.post("/oauth/token", {name: value for name, value in form.items() if value is not None})

    def tokens(self, browser: Browser, username: str, password: str, **changed: Any) -> dict[str, Any]:
        """Pushes a request, lets the person allow it, redeems the code, and returns the token response."""
        parameters, verifier = self.ask(browser, username, password, **changed)
        response = self.redeem(parameters["code"], verifier)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        return body

    def refresh(self, refresh_token: str, **more: str) -> httpx2.Response:
        return self.post("/oauth/token", {"grant_type": "refresh_token", "refresh_token": refresh_token, **more})

    def merchant_token(self, **more: str) -> httpx2.Response:
        return self.post("/oauth/token", {"grant_type": "client_credentials", **more})

    def revoke(self, token: str, **more: str) -> httpx2.Response:
        return self.post("/oauth/revoke", {"token": token, **more})

    def call(self, token: str | None, path: str = "/graphql", method: str = "POST", **options: Any) -> httpx2.Response:
        """Sends a request to the API with this access token."""
        authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.request(
            method, path, **{**options, "headers": {**authorization, **options.get("headers", {})}}
        )
