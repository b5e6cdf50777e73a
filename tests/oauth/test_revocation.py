"""Token revocation (RFC 7009)."""

from typing import Any

import pytest

from tests.support.oauth_world import World


@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "odd", "é"])
def test_57_an_access_token(world: World, hint: str | None) -> None:
    tokens: Any = world.tokens()
    more = {} if hint is None else {"token_type_hint": hint}
    assert world.cars.revoke(tokens["access_token"], **more).status_code == 200
    assert world.cars.call(tokens["access_token"]).status_code == 401
    assert world.cars.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "é", "sgw_test_at_" + "x" * 3000])
def test_57_an_unknown_token(world: World, token: str) -> None:
    assert world.cars.revoke(token, token_type_hint="odd").status_code == 200


def test_57_no_token(world: World) -> None:
    answer = world.cars.revoke("")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
def test_57_another_clients_token_still_works(world: World, name: str) -> None:
    tokens: Any = world.tokens()
    answer = world.shop.revoke(tokens[name])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert world.cars.call(tokens["access_token"]).status_code == 200
    assert world.cars.refresh(tokens["refresh_token"]).status_code == 200


def test_58_a_refresh_token_takes_its_family_along(world: World) -> None:
    first: Any = world.tokens()
    second = world.cars.refresh(first["refresh_token"]).json()
    assert world.cars.revoke(second["refresh_token"]).status_code == 200
    for token in (first["access_token"], second["access_token"]):
        assert world.cars.call(token).status_code == 401
    assert world.cars.refresh(second["refresh_token"]).status_code == 400


def test_58_other_consents_are_untouched(world: World) -> None:
    first: Any = world.tokens()
    second: Any = world.tokens()
    world.cars.revoke(first["refresh_token"])
    assert world.cars.call(second["access_token"]).status_code == 200
