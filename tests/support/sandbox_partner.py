"""A partner of its own at a live sandbox, as a test suite makes one, with calls over HTTP."""

import json
from copy import copy
from typing import Any, Self

import httpx2

from tests.support.merchant_client import REQUEST, order, request_input
from tests.support.oauth import PartnerApp
from tests.support.operators import Gateway
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox
from tests.support.transitions import TRANSITIONS, transition_input

GRANT = """mutation ($persona: String!, $scopes: [String!], $answer: SandboxConsentAnswer) {
  sandboxConsentGrant(persona: $persona, scopes: $scopes, answer: $answer) {
    consent { id status scopes } accessToken userErrors { code field } } }"""
INJECT = """mutation ($fault: SandboxFault!, $count: Int! = 1) {
  sandboxFaultInject(fault: $fault, count: $count) { remaining userErrors { code message field } } }"""
SIMULATE = """mutation ($id: ID!, $event: SandboxDecisionEvent!) {
  sandboxDecisionSimulate(decisionId: $id, event: $event) { decision { status } userErrors { code } } }"""
MOVE = """mutation ($by: Duration!) { sandboxClockMove(move: {advanceBy: $by}) { eventsFired userErrors { code } } }"""
RESET = "mutation { sandboxReset(confirm: true) { userErrors { code } } }"
READ = """query ($id: ID!) { decision(by: {id: $id}) { status settlement { overdue }
  timeline(first: 20) { nodes { topic } } disputes { nodes { id status } } } }"""
USER_SCOPES = ("score:tier", "decisions:request")


class SandboxPartner:
    """A new partner with its credentials. Its calls are those of the merchant with this adapter."""

    def __init__(self, sandbox: Sandbox, adapter: str = "online_shop") -> None:
        issuer = str(sandbox.credentials["issuer"])
        gateway = Gateway(sandbox.database_url, sandbox.folder, GATEWAY_ISSUER=issuer)
        self.credentials: dict[str, Any] = json.loads(gateway.output("sandbox", "partner", "new", "--json"))
        self.merchant = next(each for each in self.credentials["merchants"] if each["adapter"] == adapter)
        self.merchant_token = str(self.merchant["merchant_token"])
        self.http = plain_client(issuer)

    def as_merchant(self, adapter: str) -> Self:
        """The same partner, with calls of the merchant with another adapter."""
        other = copy(self)
        other.merchant = next(each for each in self.credentials["merchants"] if each["adapter"] == adapter)
        other.merchant_token = str(other.merchant["merchant_token"])
        return other

    @property
    def app(self) -> PartnerApp:
        """The baseline client of the merchant."""
        client = next(each for each in self.merchant["clients"] if each["profile"] == "baseline")
        return PartnerApp(self.http, client["client_id"], client["client_secret"], client["redirect_uri"])

    def post(self, document: str, token: str | None = None, **variables: Any) -> httpx2.Response:
        """Sends a document, by default with the merchant token."""
        return self.http.post(
            "/graphql",
            json={"query": document, "variables": variables},
            headers={"Authorization": f"Bearer {token or self.merchant_token}"},
        )

    def data(self, document: str, token: str | None = None, **variables: Any) -> Any:
        """Sends a document with one root field, which must succeed, and returns the field."""
        response = self.post(document, token, **variables)
        assert response.status_code == 200, response.text
        assert "errors" not in response.json(), response.text
        (field,) = response.json()["data"].values()
        return field

    def grant(self, persona: str = "excellent", **variables: Any) -> Any:
        """The payload of a new consent. The default scopes are USER_SCOPES."""
        return self.data(GRANT, **{"persona": persona, "scopes": USER_SCOPES, **variables})

    def token(self, persona: str = "excellent") -> str:
        """A user token of a new consent."""
        return str(self.grant(persona)["accessToken"])

    def inject(self, count: int = 1, **fault: Any) -> None:
        """Injects a fault."""
        assert self.data(INJECT, fault=fault, count=count) == {"remaining": count, "userErrors": []}

    def move(self, by: str) -> None:
        """Moves the business time of the partner forward."""
        assert self.data(MOVE, by=by)["userErrors"] == []

    def reset(self) -> None:
        """Gives the partner a fresh start."""
        assert self.data(RESET)["userErrors"] == []

    def close(self) -> None:
        self.http.close()


class Order:
    """An order about a persona, with the user token under which it was requested."""

    def __init__(self, partner: SandboxPartner, persona: str = "excellent", **fields: Any) -> None:
        self.partner, self.grant = partner, partner.grant(persona)
        command = request_input(order("100.00"), **fields)
        payload = partner.data(REQUEST, self.grant["accessToken"], input=command)
        assert payload["userErrors"] == []
        self.decision = payload["decision"]

    def simulate(self, event: str) -> str:
        """Makes the event happen, and returns the status after it."""
        payload = self.partner.data(SIMULATE, id=self.decision["id"], event=event)
        assert payload["userErrors"] == []
        return str(payload["decision"]["status"])

    def transit(self, name: str, **changed: Any) -> str:
        """Makes the transition, and returns the status after it."""
        command = transition_input(name, self.decision["id"], **changed)
        payload = self.partner.data(TRANSITIONS[name].document, input=command)
        assert payload["userErrors"] == []
        return str(payload["decision"]["status"])

    def read(self) -> Any:
        """The decision as the merchant reads it."""
        return self.partner.data(READ, id=self.decision["id"])

    @property
    def topics(self) -> list[str]:
        """The topics of its events, oldest first."""
        return [each["topic"] for each in self.read()["timeline"]["nodes"]]
