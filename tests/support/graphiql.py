"""A partner's browser on the GraphiQL page."""

import json
import re
from html import unescape
from typing import Any

import httpx2

from tests.support.oauth_world import OAuthWorld

PAGE, TOKENS, SIGN_IN = "/partners/graphiql", "/partners/graphiql/token", "/partners/graphiql/sign-in"
_CONFIGURATION = re.compile(r'<script type="application/json" id="configuration">(.*?)</script>', re.DOTALL)


class GraphiqlPage:
    """The page, opened for a merchant or an entry of the request log, by default for the merchant of the demo."""

    def __init__(self, http: httpx2.Client, merchant_id: str | None = None, *, entry: str | None = None) -> None:
        self._http = http
        named = {"merchant": merchant_id, "entry": entry}
        self.response = http.get(PAGE, params={name: value for name, value in named.items() if value})
        assert self.response.status_code == 200, self.response.text
        found = _CONFIGURATION.search(self.response.text)
        assert found is not None, self.response.text
        self.configuration: dict[str, Any] = json.loads(unescape(found[1]))

    @property
    def operations(self) -> dict[str, dict[str, Any]]:
        """The prepared operations by name."""
        return {each["name"]: each for each in self.configuration["operations"]}

    def post(self, kind: str, **changed: str) -> httpx2.Response:
        """Asks for a token as the script of the page does. `changed` replaces fields."""
        fields = {
            "csrf_token": self.configuration["csrf"],
            "merchant": self.configuration["merchant"],
            "kind": kind,
            "persona": "excellent",
        }
        return self._http.post(TOKENS, data={**fields, **changed})

    def token(self, kind: str, **changed: str) -> dict[str, Any]:
        """A token with what the page learns about it."""
        response = self.post(kind, **changed)
        assert response.status_code == 200, response.text
        content: dict[str, Any] = response.json()
        return content


def principal_of(world: OAuthWorld, token: str) -> dict[str, Any]:
    """What the API learns from a valid token."""
    response = world.cars.call(token)
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()
    return content
