"""Grant management: a client queries and revokes its grants."""

from typing import Any

import pytest

from tests.support.oauth import PartnerApp
from tests.support.oauth_world import PASSWORD, OAuthWorld

BOTH = "grant_management_query grant_management_revoke"


def ask(app: PartnerApp, method: str, grant_id: str, scope: str = BOTH) -> Any:
    token = app.merchant_token(scope=scope).json()["access_token"]
    return app.call(token, f"/oauth/grants/{grant_id}", method)


@pytest.fixture
def tokens(world: OAuthWorld) -> Any:
    return world.bank.tokens(world.browser(), "mei", PASSWORD)


def test_60_client_queries_its_grant(world: OAuthWorld, tokens: Any) -> None:
    response = ask(world.bank, "GET", tokens["grant_id"])
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "scopes": [{"scope": tokens["scope"]}],
        "claims": [],
        "authorization_details": tokens["authorization_details"],
    }


def test_d8_grant_is_shown_as_the_person_gave_it(world: OAuthWorld, tokens: Any) -> None:
    given = ask(world.bank, "GET", tokens["grant_id"]).json()
    world.change_client(world.bank, scopes=["score:tier", *BOTH.split()])
    assert ask(world.bank, "GET", tokens["grant_id"]).json() == given
    assert world.bank.refresh(tokens["refresh_token"]).json()["scope"] == "score:tier"


def test_60_client_revokes_its_grant(world: OAuthWorld, tokens: Any) -> None:
    assert world.bank.call(tokens["access_token"]).status_code == 200
    assert ask(world.bank, "DELETE", tokens["grant_id"]).status_code == 204
    assert world.bank.call(tokens["access_token"]).status_code == 401
    assert world.bank.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    for method in ("GET", "DELETE"):
        assert ask(world.bank, method, tokens["grant_id"]).status_code == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_60_foreign_grant_is_unknown(world: OAuthWorld, tokens: Any, method: str) -> None:
    for app in (world.rival, world.cars):  # a client of another merchant, and another client of the same one
        response = ask(app, method, tokens["grant_id"])
        assert (response.status_code, response.json()) == (404, ask(app, method, "con_test_none").json())
    assert ask(world.bank, "GET", tokens["grant_id"]).status_code == 200


@pytest.mark.parametrize(
    ("method", "scope"), [("GET", "grant_management_revoke"), ("DELETE", "grant_management_query")]
)
def test_60_scope_is_required(world: OAuthWorld, tokens: Any, method: str, scope: str) -> None:
    response = ask(world.bank, method, tokens["grant_id"], scope)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    assert response.headers["www-authenticate"].startswith('DPoP error="insufficient_scope"')
    assert ask(world.bank, "GET", tokens["grant_id"]).status_code == 200


def test_60_user_token_is_rejected(world: OAuthWorld, tokens: Any) -> None:
    response = world.bank.call(tokens["access_token"], f"/oauth/grants/{tokens['grant_id']}", "DELETE")
    assert response.status_code == 403


def test_60_missing_token_is_rejected(world: OAuthWorld, tokens: Any) -> None:
    response = world.http().get(f"/oauth/grants/{tokens['grant_id']}")
    assert response.status_code == 401
    assert set(response.json()) == {"error", "error_description"}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_60_other_methods_are_rejected(world: OAuthWorld, tokens: Any, method: str) -> None:
    response = ask(world.bank, method, tokens["grant_id"])
    assert (response.status_code, response.headers["allow"]) == (405, "GET, DELETE")


@pytest.mark.parametrize("grant_id", ["%00", "%ff%fe", "a%2Fb", "é", "x" * 3000])
def test_60_junk_grant_id_is_unknown(world: OAuthWorld, grant_id: str) -> None:
    token = world.cars.merchant_token(scope=BOTH).json()["access_token"]
    assert world.cars.call(token, f"/oauth/grants/{grant_id}", "GET").status_code == 404
