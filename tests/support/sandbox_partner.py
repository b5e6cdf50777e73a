"""A partner of its own at a live sandbox, as a test suite makes one, with calls over HTTP."""

import json
from typing import Any

import httpx2

from tests.support.operators import Gateway
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox

GRANT = """mutation ($persona: String!, $scopes: [String!], $answer: SandboxConsentAnswer) {
  sandboxConsentGrant(persona: $persona, scopes: $scopes, answer: $answer) {
    consent { id status scopes } accessToken userErrors { code field } } }"""
INJECT = """mutation ($fault: SandboxFault!, $count: Int! = 1) {
  sandboxFaultInject(fault: $fault, count: $count) { remaining userErrors { code message field } } }"""
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

    def close(self) -> None:
        self.http.close()
