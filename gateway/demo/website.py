"""The demo of a website: a partner's calls, from the server metadata to a call that fails because the person has
revoked the consent.

It uses the gateway over HTTP only, with its own OAuth client, a browser that posts the HTML forms, and GraphQL. Each
step prints request and response.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from gateway.demo.browser import Browser
from gateway.demo.demo import Demo
from gateway.demo.narrator import Narrator
from gateway.demo.operations import CANCEL, LOG, PREVIEW, REQUEST, TIER
from gateway.domain.identity.client import BASELINE
from gateway.kit.clock import wall_clock


class WebsiteDemo(Demo):
    """The demo car rental waives a deposit."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator, profile: str = BASELINE) -> None:
        super().__init__(credentials, narrator, "car_rental", profile)
        self._reference = f"booking-{secrets.token_hex(4)}"

    def _run_steps(self) -> None:
        with Browser() as browser:
            self._read_metadata()
            verifier, request_uri = self._push_request()
            code = self._get_consent(browser, request_uri)
            token = self._redeem_code(code, verifier)
            self._read_tier(token)
            self._preview_decision(token)
            decision_id = self._request_decision(token)
            merchant_token = self._get_merchant_token()
            self._read_decision_log(merchant_token, decision_id)
            self._revoke_consent(browser)
            self._call_without_consent(token)
            self._cancel_decision(merchant_token, decision_id)

    def _read_metadata(self) -> None:
        self._narrator.begin_step("Read the server metadata: the addresses of the endpoints (RFC 8414)")
        response = self._app.discover()
        shown = ("issuer", "pushed_authorization_request_endpoint", "token_endpoint")
        self._narrator.print_exchange("GET", str(response.url), None, response, only=shown)
        self._expect(
            response.status_code == 200 and response.json()["issuer"] == self._app.issuer, "the metadata", response
        )

    def _push_request(self) -> tuple[str, str]:
        self._narrator.begin_step("Push the authorization request with its details (RFC 9126, 9396)")
        verifier, self._state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": self._app.client_id,
            "redirect_uri": self._app.redirect_uri,
            "authorization_details": _details(),
            "state": self._state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        response = self._post_form("pushed_authorization_request_endpoint", parameters)
        self._expect(response.status_code == 201, "a request_uri", response)
        return verifier, response.json()["request_uri"]

    def _get_consent(self, browser: Browser, request_uri: str) -> str:
        self._narrator.begin_step(f"The person signs in as {self._persona['username']} and reads the consent page")
        parameters = {"client_id": self._app.client_id, "request_uri": request_uri}
        page = browser.open(str(httpx2.URL(self._app.metadata["authorization_endpoint"], params=parameters)))
        page = browser.submit(page, {"username": self._persona["username"], "password": self._persona["password"]})
        self._narrator.print_page(page)
        self._expect(page.status_code == 200, "the consent page", page)
        self._narrator.begin_step("The person allows it; the browser returns to the redirect_uri with a code")
        response = browser.submit(page, {"decision": "allow"}, follow=False)
        location = response.headers.get("location", "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self._narrator.print_redirect(response)
        self._expect(response.status_code == 303 and "code" in query, "a redirect with a code", response)
        matches = query["state"] == self._state and query["iss"] == self._app.issuer
        self._expect(matches, "the state and the issuer", response)
        return query["code"]

    def _redeem_code(self, code: str, verifier: str) -> str:
        self._narrator.begin_step("Redeem the code for tokens, with the PKCE verifier (RFC 7636)")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._app.redirect_uri,
            "code_verifier": verifier,
        }
        response = self._post_form("token_endpoint", form)
        token = response.json()
        self._expect("refresh_token" in token and token["expires_in"] > 0, f"a {token['token_type']} token", response)
        self._consent_id = str(token["grant_id"])
        return str(token["access_token"])

    def _read_tier(self, token: str) -> None:
        self._narrator.begin_step("Query the tier: a band, not the score itself")
        data = self._data(self._query(token, TIER, {}))["consentedUser"]
        self._expect(
            data["scoreTier"]["tier"] == self._persona["tier"] and data["meetsTier"] == "YES",
            "the persona's tier",
            None,
        )

    def _preview_decision(self, token: str) -> None:
        self._narrator.begin_step("Preview the decision; this reserves nothing")
        data = self._data(self._query(token, PREVIEW, {"input": {"ask": _ask()}}))["decisionPreview"]
        self._expect(data["eligible"] and not data["blockers"], "an eligible preview", None)

    def _request_decision(self, token: str) -> str:
        self._narrator.begin_step("Request the decision: waive the deposit for a car")
        variables = {
            "input": {
                "idempotencyKey": secrets.token_hex(16),
                "merchantReference": self._reference,
                "ask": _ask(),
            }
        }
        first = self._data(self._query(token, REQUEST, variables))["decisionRequest"]
        decision = first["decision"]
        self._decision_id = decision and str(decision["id"])
        self._expect(decision is not None and decision["status"] == "APPROVED", "an approved decision", None)
        self._expect(decision["outcome"]["terms"]["depositDue"]["amount"] == "0.00", "the whole deposit waived", None)
        self._narrator.begin_step("Repeat the request, as after a lost response: the same decision is returned")
        second = self._data(self._query(token, REQUEST, variables))["decisionRequest"]
        self._expect(second["replayed"] and not first["replayed"], "replayed: true", None)
        self._expect(second["decision"]["id"] == decision["id"], "the same decision", None)
        return str(decision["id"])

    def _get_merchant_token(self) -> str:
        self._narrator.begin_step("Get a merchant token for the back office (client credentials)")
        form = {"grant_type": "client_credentials", "scope": "decisions:read decisions:write"}
        response = self._post_form("token_endpoint", form)
        self._expect(response.status_code == 200, "a merchant token", response)
        return str(response.json()["access_token"])

    def _read_decision_log(self, token: str, decision_id: str) -> None:
        self._narrator.begin_step("Read the merchant's decision log")
        page = self._data(self._query(token, LOG, {}))["merchant"]["decisions"]
        newest = page["nodes"][0]
        topics = [event["topic"] for event in newest["timeline"]["nodes"]]
        self._expect(
            newest["id"] == decision_id and topics == ["DECISION_APPROVED"], "our decision is the newest", None
        )

    def _revoke_consent(self, browser: Browser) -> None:
        self._narrator.begin_step("The person revokes the consent on the account page")
        page = browser.open(f"{self._app.issuer}/account")
        question = browser.submit(page, {}, action=f"{self._consent_id}/revoke")
        response = browser.submit(question, {}, action=f"{self._consent_id}/revoke")
        self._narrator.print_page(response)
        self._expect(response.status_code == 200, "the account page", response)

    def _call_without_consent(self, token: str) -> None:
        self._narrator.begin_step("The merchant's next call with the same token fails")
        response = self._query(token, TIER, {})
        self._expect(response.status_code == 401, "HTTP 401", response)
        self._consent_id = None

    def _cancel_decision(self, token: str, decision_id: str) -> None:
        self._narrator.begin_step("The booking is called off: the merchant cancels its decision")
        variables = {"input": {"decisionId": decision_id, "idempotencyKey": secrets.token_hex(16)}}
        decision = self._data(self._query(token, CANCEL, variables))["decisionCancel"]["decision"]
        self._expect(decision is not None and decision["status"] == "CANCELLED", "a cancelled decision", None)
        self._decision_id = None

    def _query(self, token: str, document: str, variables: dict[str, Any]) -> httpx2.Response:
        response = self._app.query(self._graphql, token, {"query": document, "variables": variables})
        self._narrator.print_graphql(self._graphql, document, variables, response)
        return response

    def _post_form(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        response = self._app.post(endpoint, form)
        self._narrator.print_exchange(
            "POST", str(response.url), form, response, authentication=self._app.authentication
        )
        return response


def _details() -> str:
    return (
        '[{"type":"score","level":"tier"},'
        '{"type":"decision","products":["DEPOSIT_WAIVER"],"maximum_amount":{"amount":"3000.00","currency":"CNY"}}]'
    )


def _ask() -> dict[str, Any]:
    start = wall_clock().replace(microsecond=0) + timedelta(days=1)
    return {
        "carRental": {
            "deposit": {"amount": "3000.00", "currency": "CNY"},
            "vehicleValue": {"amount": "180000.00", "currency": "CNY"},
            "rental": {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()},
        }
    }
