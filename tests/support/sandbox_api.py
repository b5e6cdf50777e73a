"""The application of a sandbox in the test's process, with the merchants, clients and personas of a new partner."""

from contextlib import ExitStack
from copy import copy
from typing import Any, Self

import httpx2
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.bootstrap import build
from gateway.cli.credentials import describe_credentials
from gateway.kit.clock import WallClock, wall_clock
from gateway.settings import Settings
from gateway.sources.contract import ScoreSource
from tests.support.passwords import FAST_HASH

PARTNER = "own"
GRANT = """mutation ($persona: String!) {
  sandboxConsentGrant(persona: $persona) { accessToken userErrors { code message } }
}"""


class SandboxApi:
    """The API, with calls of one partner."""

    def __init__(self, settings: Settings, clock: WallClock = wall_clock) -> None:
        self._clock, self._opened = clock, ExitStack()
        self._open(settings)
        seed = self.container.seeding.seed_new(PARTNER)
        credentials = describe_credentials(self.container, settings.issuer, PARTNER, seed)
        self._tokens = {each["adapter"]: each["merchant_token"] for each in credentials["merchants"]}

    def variant(self, source: ScoreSource | None = None, **changed: Any) -> Self:
        """The same partner at a deployment with other settings, or with another score source. It is closed together
        with this one."""
        other = copy(self)
        other._open(self.container.settings.model_copy(update=changed), source)
        return other

    def close(self) -> None:
        self._opened.close()

    def merchant_token(self, adapter: str = "online_shop") -> str:
        """The merchant token of the merchant with this adapter."""
        return str(self._tokens[adapter])

    def post(self, token: str, document: str, **variables: Any) -> httpx2.Response:
        """Sends a document."""
        headers = {"Authorization": f"Bearer {token}"}
        return self._http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)

    def data(self, token: str, document: str, **variables: Any) -> Any:
        """Sends a document with one root field, which must succeed, and returns the field."""
        response = self.post(token, document, **variables)
        assert "errors" not in response.json(), response.text
        (field,) = response.json()["data"].values()
        return field

    def user_token(self, adapter: str = "online_shop", persona: str = "excellent") -> str:
        """A user token of a new consent of the persona to the merchant with this adapter."""
        granted = self.data(self.merchant_token(adapter), GRANT, persona=persona)
        assert granted["userErrors"] == []
        return str(granted["accessToken"])

    def _open(self, settings: Settings, source: ScoreSource | None = None) -> None:
        self.container = build(settings, clock=self._clock, hasher=FAST_HASH, source=source)
        self._opened.callback(self.container.close)
        self._http = TestClient(create_app(self.container), raise_server_exceptions=False)
