"""Changes of a grant (merge, replace): pushed requests, the consent page, and the resulting tokens."""

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


def new_grant(world: OAuthWorld, app: PartnerApp, *details: Any) -> dict[str, Any]:
    """Returns the token response of a new grant. The default details are TIER."""
    return app.tokens(world.browser(), "mei", PASSWORD, scope=None, authorization_details=list(details) or [TIER])


def push(app: PartnerApp, action: str, grant_id: str, *details: Any, **changed: Any) -> httpx2.Response:
    parameters = {"scope": None, "authorization_details": list(details), **changed}
    return app.push(grant_management_action=action, grant_id=grant_id, **parameters)


def open_change(
    world: OAuthWorld, app: PartnerApp, action: str, grant_id: str, *details: Any, username: str = "mei"
) -> tuple[Browser, httpx2.Response, str]:
    """Pushes a change of a grant and opens its page. Returns the browser, the page and the code_verifier."""
    verifier, challenge = pkce()
    pushed = push(app, action, grant_id, *details, code_challenge=challenge)
    assert pushed.status_code == 201, pushed.text
    browser = world.browser()
    return browser, browser.open(app.address(pushed.json()["request_uri"]), username, PASSWORD), verifier


def change_grant(
    world: OAuthWorld, app: PartnerApp, action: str, grant_id: str, *details: Any, **fields: str
) -> dict[str, Any]:
    """Returns the token response after the person has allowed the change."""
    browser, page, verifier = open_change(world, app, action, grant_id, *details)
    response = browser.submit(page, "/oauth/authorize", **{"decision": "allow", **fields})
    assert response.status_code == 303, response.text
    token_response = app.redeem(query_of(response.headers["location"])["code"], verifier)
    assert token_response.status_code == 200, token_response.text
    body: dict[str, Any] = token_response.json()
    return body


def detail_kinds(response: dict[str, Any]) -> list[str]:
    """The score level or the first product of each authorization detail of a token or introspection response."""
    return [detail.get("level") or detail["products"][0] for detail in response["authorization_details"]]


def actions(world: OAuthWorld, grant_id: str) -> list[str]:
    with reading(world.database) as unit:
        return [version.action for version in unit.consent_versions.list_of_consent(grant_id)]


def refreshed_token(app: PartnerApp, tokens: dict[str, Any]) -> str:
    return str(app.refresh(tokens["refresh_token"]).json()["access_token"])


def introspect(app: PartnerApp, token: str) -> dict[str, Any]:
    body: dict[str, Any] = app.post("/oauth/introspect", {"token": token}).json()
    return body
