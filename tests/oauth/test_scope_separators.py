"""Only U+0020 separates scopes (RFC 6749 section 3.3), at each endpoint that reads a scope."""

import pytest

from tests.support.assertions import send
from tests.support.oauth_world import PASSWORD, OAuthWorld
from tests.support.registration import Registrar, metadata

SPACES = [pytest.param(space, id=f"D10-{space!r}") for space in ("\u00a0", "\u2003", "\u3000", ",", "\u2028")]


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/device_authorization", "/oauth/token"])
def test_other_separators_make_one_unknown_scope(world: OAuthWorld, path: str, space: str) -> None:
    first, second = (
        ("decisions:read", "decisions:write") if path == "/oauth/token" else ("score:tier", "score:threshold")
    )
    refused = send(world, path, {**world.bank.authentication(), "scope": f"{first}{space}{second}"})
    assert refused.status_code == 400
    assert refused.json()["error"] in {"invalid_scope", "invalid_request"}
    assert send(world, path, {**world.bank.authentication(), "scope": f"{first} {second}"}).status_code in {200, 201}


@pytest.mark.parametrize("space", SPACES)
def test_refresh_takes_no_other_separator(world: OAuthWorld, space: str) -> None:
    tokens = world.bank.tokens(world.browser(), "mei", PASSWORD)
    refused = world.bank.refresh(tokens["refresh_token"], scope=f"score:tier{space}score:threshold")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("space", [*SPACES, pytest.param("\n", id="D10-line"), pytest.param("\t", id="D10-tab")])
def test_registration_takes_no_other_separator(world: OAuthWorld, space: str) -> None:
    response = Registrar(world).post(metadata(scope=f"score:tier{space}decisions:request"))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize("parameter", ["prompt", "acr_values", "claims", "ui_locales", "resource", "display"])
def test_d10_parameters_that_are_not_supported_are_ignored(world: OAuthWorld, parameter: str) -> None:
    assert world.bank.push(**{parameter: "login consent"}).status_code == 201


@pytest.mark.parametrize(
    "value",
    [pytest.param(value, id=f"D10-{value!r}") for value in ("code ", " code", "code code", "code,code", "code\u00a0")],
)
def test_response_type_is_exact(world: OAuthWorld, value: str) -> None:
    refused = world.bank.push(response_type=value)
    assert refused.status_code == 400
    assert refused.json()["error"] in {"unsupported_response_type", "invalid_request"}
