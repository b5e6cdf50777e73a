"""401 responses of the OAuth endpoints: each has a challenge (RFC 6749 section 5.2, RFC 9110 section 15.5.2)."""

import base64

import pytest

from gateway.domain.environment import LIVE
from tests.support.assertions import PATHS, send
from tests.support.fapi import FapiApp
from tests.support.key_host import KeyHost
from tests.support.oauth_world import OAuthWorld

BASIC = 'Basic realm="{issuer}", charset="UTF-8"'
ASSERTION = 'private_key_jwt realm="{issuer}", error="invalid_client"'


@pytest.fixture
def live_world(world: OAuthWorld) -> OAuthWorld:
    """A live deployment over the database of a sandbox."""
    object.__setattr__(world.container, "environment", LIVE)
    return world


def challenge(world: OAuthWorld, path: str, form: dict[str, str], headers: dict[str, str] | None = None) -> str:
    response = send(world, path, form, headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    (value,) = response.headers.get_list("www-authenticate")
    return str(value).replace(world.bank.issuer, "{issuer}")


@pytest.mark.parametrize("path", [pytest.param(path, id=f"D12-{path}") for path in PATHS])
def test_bad_assertion_gets_a_challenge(world: OAuthWorld, path: str) -> None:
    assert challenge(world, path, world.bank.authentication(aud="https://other.example")) == ASSERTION


@pytest.mark.parametrize("path", [pytest.param(path, id=f"D12-{path}") for path in PATHS])
def test_request_without_credentials_gets_the_challenge_of_its_environment(world: OAuthWorld, path: str) -> None:
    assert challenge(world, path, {}) == BASIC
    object.__setattr__(world.container, "environment", LIVE)
    assert challenge(world, path, {}) == ASSERTION


@pytest.mark.parametrize("path", [pytest.param(path, id=f"D12-{path}") for path in PATHS])
def test_client_that_used_basic_gets_basic(live_world: OAuthWorld, path: str) -> None:
    header = {"Authorization": "Basic " + base64.b64encode(b"cli_nobody:x").decode()}
    assert challenge(live_world, path, {}, header) == BASIC
    assert challenge(live_world, path, live_world.bank.authentication(), header) == BASIC


def test_d12_unreachable_keys_get_a_challenge(remote_app: FapiApp, host: KeyHost) -> None:
    host.fail()
    response = remote_app.merchant_token()
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == ASSERTION.format(issuer=remote_app.issuer)


SPACES = ("\u00a0", "\t", "\x0b", "\x0c", "\x85", "\x1c", "\x1f")
"""White space of Python's str methods that fits into a header."""


@pytest.mark.parametrize("space", [pytest.param(space, id=f"D10-{space!r}") for space in SPACES])
def test_only_a_space_separates_scheme_and_credentials(world: OAuthWorld, space: str) -> None:
    token = str(world.cars.merchant_token().json()["access_token"])
    credentials = world.cars.auth["Authorization"].removeprefix("Basic ")
    http = world.http()

    def status(header: str) -> tuple[int, int]:
        sent = [(b"Authorization", header.encode("latin-1"))]
        grant = http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=sent)
        return http.post("/graphql", headers=sent).status_code, grant.status_code

    assert status(f"Bearer {token}")[0] == status(f"Bearer   {token}")[0] == 200
    assert status(f"Basic {credentials}")[1] == status(f"BASIC  {credentials}")[1] == 200
    for between in (space, f" {space}", f"{space} "):
        assert status(f"Bearer{between}{token}")[0] == 401
        assert status(f"Basic{between}{credentials}")[1] == 401
    for after in (space, f" {space}", " x", ", Bearer x"):
        assert status(f"Bearer {token}{after}")[0] == 401
        assert status(f"Basic {credentials}{after}")[1] == 401


@pytest.mark.parametrize("space", [pytest.param(space, id=f"D10-{space!r}") for space in SPACES])
def test_white_space_in_a_proof_or_assertion_is_refused(world: OAuthWorld, space: str) -> None:
    world.bank.nonce = world.nonces.current(world.container.clock())
    http, form = world.http(), {"grant_type": "client_credentials"}
    for place in (0, 10, -10):
        proof, assertion = world.bank.proof("/oauth/token"), world.bank.assertion()
        spaced = f"{proof[:place]}{space}{proof[place:]}".encode("latin-1")
        sent = http.post("/oauth/token", data={**form, **world.bank.authentication()}, headers=[(b"DPoP", spaced)])
        assert (sent.status_code, sent.json()["error"]) == (400, "invalid_dpop_proof")
        changed = {**world.bank.authentication(), "client_assertion": f"{assertion[:place]}{space}{assertion[place:]}"}
        assert send(world, "/oauth/introspect", changed).status_code in {400, 401}
