"""The demo of a website: a partner's calls over HTTP, from metadata to a refused call after the person has revoked.

It uses nothing of the gateway but its addresses: a client of its own, a browser that posts the HTML forms, and GraphQL
over HTTP. Each step says what was sent and answered; the first wrong answer ends it.
"""

import base64
import hashlib
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2

from gateway.demo.browser import Browser
from gateway.demo.demo import Demo, find_by
from gateway.demo.narrator import Narrator
from gateway.demo.operations import LOG, PREVIEW, REQUEST, TIER
from gateway.demo.partner_app import APPS, PartnerApp
from gateway.domain.identity.client import BASELINE
from gateway.kit.clock import wall_clock


class WebsiteDemo(Demo):
    """The demo car rental waives a deposit. `credentials` is what `gateway sandbox up --credentials` writes; `profile`
    is that of the client. Raises DemoFailed where the credentials lack what the demo needs."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator, profile: str = BASELINE) -> None:
        super().__init__(narrator)
        self._graphql: str = credentials["graphql"]
        merchant = find_by(credentials["merchants"], "adapter", "car_rental")
        self._app: PartnerApp = APPS[profile](credentials["issuer"], find_by(merchant["clients"], "profile", profile))
        self._persona = find_by(credentials["personas"], "handle", "excellent")
        self._reference = f"booking-{secrets.token_hex(4)}"

    def _run_steps(self) -> None:
        with Browser() as browser:
            self._metadata()
            verifier, request_uri = self._push()
            code = self._consent(browser, request_uri)
            token = self._redeem(code, verifier)
            self._read_tier(token)
            self._preview(token)
            decision_id = self._request(token)
            self._decision_log(self._merchant_token(), decision_id)
            self._revoke(browser)
            self._refused(token)

    def _metadata(self) -> None:
        self._say.step("Ask the gateway where its endpoints are (RFC 8414)")
        answer = self._app.discover()
        shown = ("issuer", "pushed_authorization_request_endpoint", "token_endpoint")
        self._say.exchange("GET", str(answer.url), None, answer, only=shown)
        self._expect(answer.status_code == 200 and answer.json()["issuer"] == self._app.issuer, "the metadata", answer)

    def _push(self) -> tuple[str, str]:
        self._say.step("Push the authorization request: what we want to know, why, and up to how much (RFC 9126, 9396)")
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
        answer = self._posted("pushed_authorization_request_endpoint", parameters)
        self._expect(answer.status_code == 201, "a request_uri", answer)
        return verifier, answer.json()["request_uri"]

    def _consent(self, browser: Browser, request_uri: str) -> str:
        self._say.step(f"The person opens our link, signs in as {self._persona['username']} and reads the consent page")
        asked = {"client_id": self._app.client_id, "request_uri": request_uri}
        page = browser.open(str(httpx2.URL(self._app.metadata["authorization_endpoint"], params=asked)))
        page = browser.submit(page, {"username": self._persona["username"], "password": self._persona["password"]})
        self._expect(page.status_code == 200, "the consent page", page)
        self._say.page(page)
        self._say.step("The person allows it; the browser is sent back to us with a code")
        answer = browser.submit(page, {"decision": "allow"}, follow=False)
        location = answer.headers.get("location", "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self._say.redirect(answer)
        self._expect(answer.status_code == 303 and "code" in query, "a redirect with a code", answer)
        ours = query["state"] == self._state and query["iss"] == self._app.issuer
        self._expect(ours, "our state and the issuer", answer)
        return query["code"]

    def _redeem(self, code: str, verifier: str) -> str:
        self._say.step("Redeem the code for tokens, proving that we are who asked (PKCE)")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._app.redirect_uri,
            "code_verifier": verifier,
        }
        answer = self._posted("token_endpoint", form)
        token = answer.json()
        self._expect("refresh_token" in token and token["expires_in"] > 0, f"a {token['token_type']} token", answer)
        return str(token["access_token"])

    def _read_tier(self, token: str) -> None:
        self._say.step("Ask for the tier: the band, not the number")
        data = self._data(self._post(token, TIER, {}))["consentedUser"]
        self._expect(
            data["scoreTier"]["tier"] == self._persona["tier"] and data["meetsTier"] == "YES",
            "the persona's tier",
            None,
        )

    def _preview(self, token: str) -> None:
        self._say.step("Preview: what would a request probably be answered? Nothing is reserved")
        data = self._data(self._post(token, PREVIEW, {"input": {"ask": _ask()}}))["decisionPreview"]
        self._expect(data["eligible"] and not data["blockers"], "an eligible preview", None)

    def _request(self, token: str) -> str:
        self._say.step("Request the decision: the deposit for a car, waived")
        variables = {
            "input": {
                "idempotencyKey": secrets.token_hex(16),
                "merchantReference": self._reference,
                "ask": _ask(),
            }
        }
        first = self._data(self._post(token, REQUEST, variables))["decisionRequest"]
        decision = first["decision"]
        self._expect(decision is not None and decision["status"] == "APPROVED", "an approved decision", None)
        self._expect(decision["outcome"]["terms"]["depositDue"]["amount"] == "0.00", "the whole deposit waived", None)
        self._say.step("Send the same request again, as after a lost answer: the same decision, replayed")
        again = self._data(self._post(token, REQUEST, variables))["decisionRequest"]
        self._expect(again["replayed"] and not first["replayed"], "a replay", None)
        self._expect(again["decision"]["id"] == decision["id"], "the same decision", None)
        return str(decision["id"])

    def _merchant_token(self) -> str:
        self._say.step("Get a merchant token for our own back office (client credentials)")
        form = {"grant_type": "client_credentials", "scope": "decisions:read decisions:write"}
        answer = self._posted("token_endpoint", form)
        self._expect(answer.status_code == 200, "a merchant token", answer)
        return str(answer.json()["access_token"])

    def _decision_log(self, token: str, decision_id: str) -> None:
        self._say.step("Read our decision log")
        page = self._data(self._post(token, LOG, {}))["merchant"]["decisions"]
        newest = page["nodes"][0]
        topics = [event["topic"] for event in newest["timeline"]["nodes"]]
        self._expect(newest["id"] == decision_id and topics == ["DECISION_APPROVED"], "our decision on top", None)

    def _revoke(self, browser: Browser) -> None:
        self._say.step("The person opens their account page and revokes the consent")
        page = browser.open(f"{self._app.issuer}/account")
        answer = browser.submit(page, {}, action="/revoke")
        self._say.page(answer)
        self._expect(answer.status_code == 200, "the account page", answer)

    def _refused(self, token: str) -> None:
        self._say.step("Our very next call is refused")
        answer = self._post(token, TIER, {})
        self._expect(answer.status_code == 401, "HTTP 401", answer)

    def _post(self, token: str, document: str, variables: dict[str, Any]) -> httpx2.Response:
        answer = self._app.query(self._graphql, token, {"query": document, "variables": variables})
        self._say.graphql(self._graphql, document, variables, answer)
        return answer

    def _posted(self, endpoint: str, form: dict[str, str]) -> httpx2.Response:
        answer = self._app.post(endpoint, form)
        self._say.exchange("POST", str(answer.url), form, answer, authentication=self._app.sends)
        return answer


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
