"""One partner's journey over HTTP, from metadata to a refused call after the person has revoked.

It uses nothing of the gateway but its addresses: an OAuth client of its own (Authlib's), a browser that posts the
HTML forms, and GraphQL over HTTP. Each step says what was sent and answered; the first wrong answer ends it.
"""

import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client

from gateway.cli.browser import Browser
from gateway.cli.narrator import Narrator
from gateway.cli.operations import LOG, PREVIEW, REQUEST, TIER
from gateway.kit.clock import wall_clock

BASIC = "client_secret_basic"


class JourneyFailed(Exception):
    """A step was answered otherwise than it should be."""


class Journey:
    """`credentials` is what `gateway sandbox up --credentials` writes. Raises JourneyFailed where it lacks what the
    journey needs."""

    def __init__(self, credentials: dict[str, Any], narrator: Narrator) -> None:
        self._issuer: str = credentials["issuer"]
        self._graphql: str = credentials["graphql"]
        merchant = _one(credentials["merchants"], "adapter", "car_rental")
        self._client = _one(merchant["clients"], "profile", "baseline")
        self._persona = _one(credentials["personas"], "handle", "excellent")
        self._say = narrator
        self._reference = f"booking-{secrets.token_hex(4)}"

    def walk(self) -> None:
        """Walks all steps. Raises JourneyFailed at the first wrong answer."""
        try:
            self._walk()
        except (AuthlibBaseError, httpx2.HTTPError, LookupError, TypeError, ValueError) as error:
            # An answer of another form than the step reads is a wrong answer too.
            wrong = f"Step {self._say.steps} was answered wrongly: {type(error).__name__}: {error}"
            raise JourneyFailed(wrong) from error

    def _walk(self) -> None:
        with self._oauth() as oauth, Browser() as browser:
            metadata = self._metadata(oauth)
            verifier, request_uri = self._push(oauth, metadata)
            code = self._consent(browser, metadata, request_uri)
            token = self._redeem(oauth, metadata, code, verifier)
            self._read_tier(token)
            self._preview(token)
            decision_id = self._request(token)
            merchant_token = self._merchant_token(metadata)
            self._decision_log(merchant_token, decision_id)
            self._revoke(browser)
            self._refused(token)

    def _oauth(self) -> OAuth2Client:
        return OAuth2Client(
            client_id=self._client["client_id"],
            client_secret=self._client["client_secret"],
            token_endpoint_auth_method=BASIC,
            code_challenge_method="S256",
            redirect_uri=self._client["redirect_uri"],
            timeout=20,
        )

    def _metadata(self, oauth: OAuth2Client) -> dict[str, Any]:
        self._say.step("Ask the gateway where its endpoints are (RFC 8414)")
        url = f"{self._issuer}/.well-known/oauth-authorization-server"
        answer = oauth.request("GET", url, withhold_token=True)
        self._say.exchange(
            "GET", url, None, answer, only=("issuer", "pushed_authorization_request_endpoint", "token_endpoint")
        )
        self._expect(answer.status_code == 200 and answer.json()["issuer"] == self._issuer, "the metadata", answer)
        document: dict[str, Any] = answer.json()
        return document

    def _push(self, oauth: OAuth2Client, metadata: dict[str, Any]) -> tuple[str, str]:
        self._say.step("Push the authorization request: what we want to know, why, and up to how much (RFC 9126, 9396)")
        verifier = secrets.token_urlsafe(48)
        address, self._state = oauth.create_authorization_url(
            metadata["authorization_endpoint"],
            code_verifier=verifier,
            authorization_details=_details(),
        )
        parameters = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        url = metadata["pushed_authorization_request_endpoint"]
        answer = oauth.request("POST", url, data=parameters, auth=oauth.client_auth(BASIC), withhold_token=True)
        self._say.exchange("POST", url, parameters, answer)
        self._expect(answer.status_code == 201, "a request_uri", answer)
        return verifier, answer.json()["request_uri"]

    def _consent(self, browser: Browser, metadata: dict[str, Any], request_uri: str) -> str:
        self._say.step(f"The person opens our link, signs in as {self._persona['username']} and reads the consent page")
        address = str(
            httpx2.URL(
                metadata["authorization_endpoint"],
                params={"client_id": self._client["client_id"], "request_uri": request_uri},
            )
        )
        page = browser.open(address)
        page = browser.submit(page, {"username": self._persona["username"], "password": self._persona["password"]})
        self._expect(page.status_code == 200, "the consent page", page)
        self._say.page(page)
        self._say.step("The person allows it; the browser is sent back to us with a code")
        answer = browser.submit(page, {"decision": "allow"}, follow=False)
        location = answer.headers.get("location", "")
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        self._say.redirect(answer)
        self._expect(answer.status_code == 303 and "code" in query, "a redirect with a code", answer)
        self._expect(query["state"] == self._state and query["iss"] == self._issuer, "our state and the issuer", answer)
        return query["code"]

    def _redeem(self, oauth: OAuth2Client, metadata: dict[str, Any], code: str, verifier: str) -> str:
        self._say.step("Redeem the code for tokens, proving that we are who asked (PKCE)")
        token: dict[str, Any] = oauth.fetch_token(
            metadata["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier
        )
        sent = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        self._say.sent("POST", metadata["token_endpoint"], sent)
        self._say.answered(200, _as_sent(token))
        self._expect("refresh_token" in token and token["expires_in"] > 0, "tokens", None)
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

    def _merchant_token(self, metadata: dict[str, Any]) -> str:
        self._say.step("Get a merchant token for our own back office (client credentials)")
        with self._oauth() as client:
            token = client.fetch_token(
                metadata["token_endpoint"], grant_type="client_credentials", scope="decisions:read decisions:write"
            )
        self._say.sent(
            "POST", metadata["token_endpoint"], {"grant_type": "client_credentials", "scope": token["scope"]}
        )
        self._say.answered(200, _as_sent(token))
        return str(token["access_token"])

    def _decision_log(self, token: str, decision_id: str) -> None:
        self._say.step("Read our decision log")
        page = self._data(self._post(token, LOG, {}))["merchant"]["decisions"]
        newest = page["nodes"][0]
        topics = [event["topic"] for event in newest["timeline"]["nodes"]]
        self._expect(newest["id"] == decision_id and topics == ["DECISION_APPROVED"], "our decision on top", None)

    def _revoke(self, browser: Browser) -> None:
        self._say.step("The person opens their account page and revokes the consent")
        page = browser.open(f"{self._issuer}/account")
        answer = browser.submit(page, {}, action="/revoke")
        self._say.page(answer)
        self._expect(answer.status_code == 200, "the account page", answer)

    def _refused(self, token: str) -> None:
        self._say.step("Our very next call is refused")
        answer = self._post(token, TIER, {})
        self._expect(answer.status_code == 401, "HTTP 401", answer)

    def _post(self, token: str, document: str, variables: dict[str, Any]) -> httpx2.Response:
        answer = httpx2.post(
            self._graphql,
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {token}", "Accept": "application/graphql-response+json"},
            timeout=20,
        )
        self._say.graphql(self._graphql, document, variables, answer)
        return answer

    def _data(self, answer: httpx2.Response) -> dict[str, Any]:
        body = answer.json()
        if answer.status_code != 200 or "errors" in body:
            raise JourneyFailed(f"Step {self._say.steps} should have answered data without errors.")
        data: dict[str, Any] = body["data"]
        return data

    def _expect(self, held: bool, what: str, answer: httpx2.Response | None) -> None:
        if not held:
            seen = f" The answer was HTTP {answer.status_code}." if answer is not None else ""
            raise JourneyFailed(f"Step {self._say.steps} should have answered {what}.{seen}")
        self._say.right(what)


def _one(values: list[dict[str, Any]], name: str, wanted: str) -> dict[str, Any]:
    for value in values:
        if value[name] == wanted:
            return value
    raise JourneyFailed(f"The sandbox has nothing whose {name} is {wanted}; the journey needs it.")


def _as_sent(token: dict[str, Any]) -> dict[str, Any]:
    """The token answer without what the client library adds for itself."""
    return {name: value for name, value in token.items() if name != "expires_at"}


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
