"""Token revocation (RFC 7009)."""

import pytest

from tests.support.oauth_world import PASSWORD, OAuthWorld


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "odd", "é"])
def test_57_access_token_is_revoked(world: OAuthWorld, hint: str | None, profile: str) -> None:
    app = world.own_app(profile)
    tokens = app.tokens(world.browser(), "mei", PASSWORD)
    more = {} if hint is None else {"token_type_hint": hint}
    assert app.revoke(tokens["access_token"], **more).status_code == 200
    assert app.call(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "é", "sgw_test_at_" + "x" * 3000])
def test_57_unknown_token_is_accepted(world: OAuthWorld, token: str, profile: str) -> None:
    app = world.own_app(profile)
    assert app.revoke(token, token_type_hint="odd").status_code == 200


def test_57_missing_token_is_rejected(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    response = app.revoke("")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_57_foreign_token_stays_valid(each_world: OAuthWorld, name: str, profile: str) -> None:
    world, app = each_world, each_world.own_app(profile)
    tokens = app.tokens(world.browser(), "mei", PASSWORD)
    for other in (world.shop, world.rival, world.cars if app is world.bank else world.bank):
        response = other.revoke(tokens[name])
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")
    assert app.call(tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_58_refresh_token_is_revoked_with_its_family(each_world: OAuthWorld, profile: str) -> None:
    world, app = each_world, each_world.own_app(profile)
    first = app.tokens(world.browser(), "mei", PASSWORD)
    second = app.refresh(first["refresh_token"]).json()
    newest = second.get("refresh_token", first["refresh_token"])
    assert app.revoke(newest).status_code == 200
    for token in (first["access_token"], second["access_token"]):
        assert app.call(token).status_code == 401
    assert app.refresh(newest).status_code == 400


def test_58_tokens_of_other_consents_stay_valid(world: OAuthWorld, profile: str) -> None:
    app = world.own_app(profile)
    first, second = (app.tokens(world.browser(), "mei", PASSWORD) for _ in range(2))
    app.revoke(first["refresh_token"])
    assert app.call(second["access_token"]).status_code == 200
