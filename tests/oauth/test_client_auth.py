"""Client authentication by secret, at every endpoint (RFC 6749 section 2.3)."""

import base64

import pytest

from gateway.domain.environment import LIVE
from tests.support.clock import NOON
from tests.support.oauth_world import OAuthWorld

PATHS = ["/oauth/par", "/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/device_authorization"]
GRANT = {"grant_type": "client_credentials", "token": "x"}


def basic(client_id: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


@pytest.mark.parametrize("path", PATHS)
def test_4_missing_credentials_are_rejected(world: OAuthWorld, path: str) -> None:
    response = world.cars.post(path, GRANT, headers={})
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_client"
    assert response.headers["www-authenticate"].startswith("Basic realm=")
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_4_wrong_secret_and_unknown_client_get_same_response(world: OAuthWorld, path: str) -> None:
    wrong = world.cars.post(path, GRANT, headers=basic(world.cars.client_id, "wrong"))
    unknown = world.cars.post(path, GRANT, headers=basic("cli_nobody", "wrong"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Basic /w==", "Bearer x", "Basic Og=="],
)
def test_4_unreadable_header_is_rejected(world: OAuthWorld, header: str) -> None:
    response = world.cars.post("/oauth/token", GRANT, headers={"Authorization": header})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_12_foreign_client_id_in_body_is_rejected(world: OAuthWorld) -> None:
    response = world.cars.post("/oauth/token", {**GRANT, "client_id": world.shop.client_id})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("client_secret", 400, "invalid_request"),
        ("client_assertion", 401, "invalid_client"),  # RFC 7521 section 4.2.1
        ("client_assertion_type", 401, "invalid_client"),
    ],
)
def test_12_two_methods_are_rejected(world: OAuthWorld, name: str, status: int, error: str) -> None:
    response = world.cars.post("/oauth/token", {**GRANT, name: world.cars.secret})
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_12_secret_in_body_is_rejected(world: OAuthWorld) -> None:
    data = {**GRANT, "client_id": world.cars.client_id, "client_secret": world.cars.secret}
    assert world.cars.post("/oauth/token", data, headers={}).json()["error"] == "invalid_request"


def test_12_two_authorization_headers_are_rejected(world: OAuthWorld) -> None:
    header = ("Authorization", world.cars.auth["Authorization"])
    response = world.http().post("/oauth/token", data=GRANT, headers=[header, header])
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", PATHS)
def test_42_credentials_in_query_are_rejected(world: OAuthWorld, path: str) -> None:
    address = f"{path}?client_id={world.cars.client_id}&client_secret=x"
    response = world.http().post(address, data=GRANT)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", PATHS)
def test_42_assertion_in_query_is_rejected(world: OAuthWorld, path: str) -> None:
    for data in (GRANT, {**GRANT, **world.bank.authentication()}):  # also with a valid one in the body
        response = world.http().post(path, params=world.bank.authentication(), data=data)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_42_grant_in_query_is_rejected(world: OAuthWorld) -> None:
    response = world.http().post("/oauth/token?grant_type=client_credentials", data={"a": "b"}, headers=world.cars.auth)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_disabled_client_is_rejected(world: OAuthWorld) -> None:
    world.change_client(world.cars, disabled_at=NOON)
    assert world.cars.merchant_token().status_code == 401


def test_live_environment_has_no_baseline_clients(world: OAuthWorld) -> None:
    # A live deployment over the database of a sandbox.
    object.__setattr__(world.container, "environment", LIVE)
    response = world.cars.merchant_token()
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
