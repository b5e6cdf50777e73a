"""API calls with a sender-constrained access token and a proof of possession, and checks of the responses."""

from typing import Any

import httpx2

from tests.support.clock import NOON
from tests.support.fapi import FapiApp, ath
from tests.support.oauth_world import OAuthWorld

API = "/graphql"
NOW = int(NOON.timestamp())


def headers(app: FapiApp, token: str, scheme: str = "DPoP", **changed: Any) -> dict[str, str]:
    """The headers of a valid request. `changed` replaces claims, header or key of the proof."""
    return {"Authorization": f"{scheme} {token}", "DPoP": app.proof(API, **{"ath": ath(token), **changed})}


def call_api(world: OAuthWorld, headers: Any) -> httpx2.Response:
    return world.http().post(API, headers=headers)


def assert_refused(response: httpx2.Response, error: str | None = "invalid_dpop_proof", scheme: str = "DPoP") -> None:
    """The response is 401, with a challenge of this scheme that has the error, and a GraphQL error."""
    (challenge,) = response.headers.get_list("www-authenticate")
    assert response.status_code == 401, response.text
    assert challenge.startswith(f"{scheme} ")
    assert f'error="{error}"' in challenge
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
