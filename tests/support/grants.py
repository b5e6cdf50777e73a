"""Grants that a client asks to merge into or to replace: the requests, what the person sees, and what comes of it."""

from typing import Any

import httpx2

from tests.support.oauth import Browser, PartnerApp, pkce, query_of
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.units import reading

TIER = {"type": "score", "level": "tier", "duration": "P30D"}
WAIVER = {
    "type": "decision",
    "products": ["DEPOSIT_WAIVER"],
    "maximum_amount": {"amount": "3000.00", "currency": "CNY"},
    "duration": "P60D",
}
EXACT = {"type": "score", "level": "exact", "optional": True}


def new_grant(world: OAuthWorld, app: PartnerApp, *asked: Any) -> dict[str, Any]:
    """The token answer of a new grant."""
    return app.tokens(world.browser(), "mei", PASSWORD, scope=None, authorization_details=list(asked) or [TIER])


def push(app: PartnerApp, action: str, grant_id: str, *asked: Any, **changed: Any) -> httpx2.Response:
    whole = {"scope": None, "authorization_details": list(asked), **changed}
    return app.push(grant_management_action=action, grant_id=grant_id, **whole)


def open_change(
    world: OAuthWorld, app: PartnerApp, action: str, grant_id: str, *asked: Any, who: str = "mei"
) -> tuple[Browser, httpx2.Response, str]:
    """A browser, the page that it shows, and the code_verifier."""
    verifier, challenge = pkce()
    pushed = push(app, action, grant_id, *asked, code_challenge=challenge)
    assert pushed.status_code == 201, pushed.text
    browser = world.browser()
    return browser, browser.open(app.address(pushed.json()["request_uri"]), who, PASSWORD), verifier


def change_grant(
    world: OAuthWorld, app: PartnerApp, action: str, grant_id: str, *asked: Any, **fields: str
) -> dict[str, Any]:
    """The token answer after the person has allowed the change."""
    browser, page, verifier = open_change(world, app, action, grant_id, *asked)
    answer = browser.submit(page, "/oauth/authorize", **{"decision": "allow", **fields})
    assert answer.status_code == 303, answer.text
    token = app.redeem(query_of(answer.headers["location"])["code"], verifier)
    assert token.status_code == 200, token.text
    whole: dict[str, Any] = token.json()
    return whole


def detail_kinds(answer: dict[str, Any]) -> list[str]:
    return [one.get("level") or one["products"][0] for one in answer["authorization_details"]]


def actions(world: OAuthWorld, grant_id: str) -> list[str]:
    with reading(world.database) as unit:
        return [version.action for version in unit.consent_versions.list_of_consent(grant_id)]


def refreshed_token(app: PartnerApp, tokens: dict[str, Any]) -> str:
    return str(app.refresh(tokens["refresh_token"]).json()["access_token"])


def introspect(app: PartnerApp, token: str) -> dict[str, Any]:
    whole: dict[str, Any] = app.post("/oauth/introspect", {"token": token}).json()
    return whole
