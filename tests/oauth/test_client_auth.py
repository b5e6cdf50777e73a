"""How clients prove who they are, alike at every endpoint (RFC 6749 section 2.3)."""

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
def test_4_no_credentials(world: OAuthWorld, path: str) -> None:
    answer = world.cars.post(path, GRANT, headers={})
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"
    assert answer.headers["www-authenticate"].startswith("Basic realm=")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_4_a_wrong_secret_and_an_unknown_client_look_alike(world: OAuthWorld, path: str) -> None:
    wrong = world.cars.post(path, GRANT, headers=basic(world.cars.client_id, "wrong"))
    unknown = world.cars.post(path, GRANT, headers=basic("cli_nobody", "wrong"))
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


@pytest.mark.parametrize(
    "header",
    ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Basic /w==", "Bearer x", "Basic Og=="],
)
def test_4_a_header_that_cannot_be_read(world: OAuthWorld, header: str) -> None:
    answer = world.cars.post("/oauth/token", GRANT, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


def test_12_another_clients_id_in_the_body(world: OAuthWorld) -> None:
    answer = world.cars.post("/oauth/token", {**GRANT, "client_id": world.shop.client_id})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("client_secret", 400, "invalid_request"),
        ("client_assertion", 401, "invalid_client"),  # RFC 7521 section 4.2.1
        ("client_assertion_type", 401, "invalid_client"),
    ],
)
def test_12_two_methods_at_once(world: OAuthWorld, name: str, status: int, error: str) -> None:
    answer = world.cars.post("/oauth/token", {**GRANT, name: world.cars.secret})
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_12_a_secret_in_the_body_alone(world: OAuthWorld) -> None:
    data = {**GRANT, "client_id": world.cars.client_id, "client_secret": world.cars.secret}
    assert world.cars.post("/oauth/token", data, headers={}).json()["error"] == "invalid_request"


def test_12_two_authorization_headers(world: OAuthWorld) -> None:
    header = ("Authorization", world.cars.auth["Authorization"])
    answer = world.http().post("/oauth/token", data=GRANT, headers=[header, header])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", PATHS)
def test_42_credentials_in_the_address_are_not_read(world: OAuthWorld, path: str) -> None:
    address = f"{path}?client_id={world.cars.client_id}&client_secret=x"
    answer = world.http().post(address, data=GRANT)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", PATHS)
def test_42_an_assertion_in_the_address_is_not_read(world: OAuthWorld, path: str) -> None:
    for data in (GRANT, {**GRANT, **world.bank.authentication()}):  # nor beside one in the body
        answer = world.http().post(path, params=world.bank.authentication(), data=data)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_42_a_grant_in_the_address_is_not_read(world: OAuthWorld) -> None:
    answer = world.http().post("/oauth/token?grant_type=client_credentials", data={"a": "b"}, headers=world.cars.auth)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_disabled_client(world: OAuthWorld) -> None:
    world.change_client(world.cars, disabled_at=NOON)
    assert world.cars.merchant_token().status_code == 401


def test_a_baseline_client_does_not_exist_in_live(world: OAuthWorld) -> None:
    # The container cannot be changed; this is the database of a sandbox carried into live.
    object.__setattr__(world.container, "environment", LIVE)
    answer = world.cars.merchant_token()
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
