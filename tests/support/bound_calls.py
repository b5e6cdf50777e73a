"""Calls of the API with an access token and a proof of possession, of which anything can be bent."""

from typing import Any

import httpx2

from tests.support.clock import NOON
from tests.support.fapi import FapiApp, ath
from tests.support.oauth_world import OAuthWorld

API = "/graphql"
NOW = int(NOON.timestamp())


def headers(app: FapiApp, token: str, scheme: str = "DPoP", **bent: Any) -> dict[str, str]:
    """What a right request carries, with this of the proof changed."""
    return {"Authorization": f"{scheme} {token}", "DPoP": app.proof(API, **{"ath": ath(token), **bent})}


def call_api(world: OAuthWorld, sent: Any) -> httpx2.Response:
    return world.http().post(API, headers=sent)


def assert_refused(answer: httpx2.Response, error: str | None = "invalid_dpop_proof", scheme: str = "DPoP") -> None:
    """401, with the error in the challenge of this scheme, as GraphQL answers and without a word of the token."""
    (challenge,) = answer.headers.get_list("www-authenticate")
    assert answer.status_code == 401, answer.text
    assert challenge.startswith(f"{scheme} ")
    assert f'error="{error}"' in challenge
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
