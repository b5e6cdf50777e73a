"""Management of a registration (RFC 7592): with its own token only; removal takes effect at once."""

from typing import Any

import pytest
from sqlalchemy import update

from gateway.store.identity.clients import CLIENTS
from tests.support.fapi import new_key, public
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld
from tests.support.registration import PATH, Registrar, metadata
from tests.support.units import writing


@pytest.fixture
def registrar(world: OAuthWorld) -> Registrar:
    return Registrar(world)


def test_72_client_reads_its_registration(registrar: Registrar) -> None:
    made = registrar.register(token_endpoint_auth_signing_alg="ES256")
    response = registrar.manage("GET", made)
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert response.json() == made


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_72_other_tokens_are_rejected(registrar: Registrar, world: OAuthWorld, method: str) -> None:
    made, other = registrar.register(), registrar.register(client_name="Other")
    body: dict[str, Any] = {}
    if method == "PUT":
        body["json"] = metadata(client_id=made["client_id"], client_name="Changed")
    for token in (other["registration_access_token"], registrar.invite(), "sgw_test_ra_unknown", "x" * 600):
        response = registrar.manage(method, made, token, **body)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
        assert 'error="invalid_token"' in response.headers["www-authenticate"]
    assert world.http().request(method, f"{PATH}/{made['client_id']}", **body).status_code == 401
    assert registrar.manage("GET", made).json() == made


def test_72_unknown_client_gets_same_response(each_world: OAuthWorld) -> None:
    registrar = Registrar(each_world)
    made = registrar.register()
    for method in ("GET", "PUT", "DELETE"):
        unlike = [
            registrar.manage(method, {"client_id": client_id}, made["registration_access_token"], json={})
            for client_id in ("cli_test_none", each_world.cars.client_id, "%00", "cli_test_%00", "%ED%A0%80")
        ]
        assert {(response.status_code, response.text) for response in unlike} == {(401, unlike[0].text)}


def test_72_update_replaces_all_metadata(registrar: Registrar, world: OAuthWorld) -> None:
    made, key = registrar.register(), new_key("Ed25519", kid="k2")
    sent = {
        "client_id": made["client_id"],
        "client_name": "New name",
        "redirect_uris": ["https://new.example/cb"],
        "grant_types": ["authorization_code"],
        "jwks": {"keys": [public(key)]},
        "scope": "score:tier",
        "authorization_details_types": ["score"],
    }
    response = registrar.manage("PUT", made, json=sent)
    assert response.status_code == 200
    assert {name: response.json()[name] for name in sent} == sent
    assert registrar.manage("GET", made).json() == response.json()
    assert registrar.app(made).push().status_code == 401  # with the previous key


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"client_id": "cli_test_other"}, id="other client_id"),
        pytest.param({"client_id": None}, id="no client_id"),
        pytest.param({"client_secret": "s"}, id="client_secret"),
        pytest.param({"registration_access_token": "t"}, id="registration_access_token"),
        pytest.param({"registration_client_uri": "u"}, id="registration_client_uri"),
        pytest.param({"client_id_issued_at": 1}, id="client_id_issued_at"),
        pytest.param({"client_name": 5}, id="wrong type"),
        pytest.param({"jwks": None}, id="without keys"),
    ],
)
def test_72_invalid_update_has_no_effect(registrar: Registrar, changed: dict[str, Any]) -> None:
    made = registrar.register()
    response = registrar.manage("PUT", made, json=metadata(**{"client_id": made["client_id"], **changed}))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")
    assert registrar.manage("GET", made).json() == made


def test_72_removal_ends_all_tokens(registrar: Registrar, world: OAuthWorld) -> None:
    made = registrar.register()
    app = registrar.app(made)
    tokens = app.tokens(world.browser(), "mei", PASSWORD, scope="score:tier")
    merchant = app.merchant_token().json()["access_token"]
    assert app.call(tokens["access_token"]).status_code == 200

    response = registrar.manage("DELETE", made)
    assert (response.status_code, response.content) == (204, b"")
    assert app.call(tokens["access_token"]).status_code == app.call(merchant).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 401
    assert app.push().status_code == 401
    page = world.browser().open("/account", "mei", PASSWORD)
    assert "No merchant can ask about you now." in page.text
    assert "the merchant ended it." in page.text
    for method in ("GET", "DELETE"):
        assert registrar.manage(method, made).status_code == 401

    # Even if the operator enables the client again.
    with writing(world.database) as unit:
        unit.connection.execute(update(CLIENTS).where(CLIENTS.c.id == app.client_id).values(disabled_at=None))
    assert app.call(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_other_methods_are_rejected(registrar: Registrar) -> None:
    made = registrar.register()
    assert registrar.manage("PATCH", made).status_code == 405
    assert registrar.world.http().get(PATH).status_code == 405
    assert made["redirect_uris"] == [CALLBACK]
