"""Two processes with one PostgreSQL, one Valkey and one key: each can continue what the other began (RFC 9449 section
8, FAPI 2.0 section 5.3.2.1)."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from tests.fixtures.database import temporary_database
from tests.support.backend import connected_app, customer_browser, persona
from tests.support.fapi import FapiApp, ath
from tests.support.oauth import pkce, query_of
from tests.support.server import Sandbox, free_port
from tests.support.valkey import ValkeyServer

Pair = tuple[FapiApp, FapiApp]


@pytest.fixture(scope="module")
def processes(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: Callable[[str], str], shared_valkey: ValkeyServer
) -> Iterator[tuple[Sandbox, Sandbox, int]]:
    """Two processes of one deployment, and the port of the second. The issuer is the address of the first."""
    name, folder, ports = f"sesame_{token_hex(4)}", tmp_path_factory.mktemp("deployment"), (free_port(), free_port())
    shared = {"valkey_url": shared_valkey.url, "issuer": f"http://127.0.0.1:{ports[0]}"}
    with temporary_database(postgresql_server, name):
        url = postgresql_server(name)
        with Sandbox(url, folder, ports[0], **shared) as first:
            other = folder / "second"
            other.mkdir()
            (other / "secret.key").write_bytes((folder / "secret.key").read_bytes())
            with Sandbox(url, other, ports[1], **shared) as second:
                yield first, second, ports[1]


@pytest.fixture
def pair(processes: tuple[Sandbox, Sandbox, int]) -> Iterator[Pair]:
    """One client, connected to each of the two processes."""
    first, _, port = processes
    with connected_app(first) as here, connected_app(first, f"http://127.0.0.1:{port}") as there:
        yield here, replace(there, dpop_key=here.dpop_key)


@pytest.fixture
def person(processes: tuple[Sandbox, Sandbox, int]) -> dict[str, Any]:
    return persona(processes[0])


def allow(app: FapiApp, request_uri: str, person: dict[str, Any]) -> str:
    """Returns the code after a person has allowed the request at this process."""
    with customer_browser(app) as browser:
        page = browser.open(app.address(request_uri), person["username"], person["password"])
        response = browser.submit(page, "/oauth/authorize", decision="allow")
        assert response.status_code == 303, response.text
        return query_of(response.headers["location"])["code"]


@pytest.mark.slow
def test_77_each_step_can_use_the_other_process(pair: Pair, person: dict[str, Any]) -> None:
    first, second = pair
    verifier, challenge = pkce()
    uri = first.push(challenge).json()["request_uri"]
    code = allow(second, uri, person)
    tokens = first.redeem(code, verifier).json()
    second.nonce = first.nonce
    query = {"query": "{ consentedUser { scoreTier { tier } } }"}
    response = second.call(tokens["access_token"], json=query)
    assert response.json()["data"]["consentedUser"]["scoreTier"]["tier"] == "EXCELLENT"
    again = second.refresh(tokens["refresh_token"]).json()["access_token"]
    assert first.call(again, json=query).status_code == 200
    assert second.redeem(code, verifier).json()["error"] == "invalid_grant"  # and revokes all tokens of the code
    assert first.call(again, json=query).status_code == 401


def test_77_nonce_of_one_process_is_valid_at_the_other(pair: Pair) -> None:
    for here, there in (pair, pair[::-1]):
        challenge = here.http.post(
            "/oauth/token",
            data={**here.authentication(), "grant_type": "client_credentials"},
            headers={"DPoP": here.proof("/oauth/token", nonce=None)},
        )
        assert challenge.json()["error"] == "use_dpop_nonce"
        there.nonce = challenge.headers["dpop-nonce"]
        response = there.http.post(
            "/oauth/token",
            data={**there.authentication(), "grant_type": "client_credentials"},
            headers={"DPoP": there.proof("/oauth/token")},
        )
        assert response.status_code == 200, response.text


def test_77_8_assertion_can_be_used_once_per_deployment(pair: Pair) -> None:
    for here, there in (pair, pair[::-1]):
        form = {**here.authentication(), "token": "x"}
        assert here.http.post("/oauth/introspect", data=form).status_code == 200
        for path in ("/oauth/introspect", "/oauth/revoke"):
            response = there.http.post(path, data=form)
            assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_77_49_63_proof_can_be_used_once_per_deployment(pair: Pair) -> None:
    first, second = pair
    assert first.merchant_token().status_code == 200  # the client has a nonce now
    proof = first.proof("/oauth/token")
    form = {"grant_type": "client_credentials"}
    token = first.http.post("/oauth/token", data={**first.authentication(), **form}, headers={"DPoP": proof})
    assert token.status_code == 200
    response = second.http.post("/oauth/token", data={**first.authentication(), **form}, headers={"DPoP": proof})
    assert response.json()["error"] == "invalid_dpop_proof"
    bearer = token.json()["access_token"]
    headers = {"Authorization": f"DPoP {bearer}", "DPoP": first.proof("/graphql", ath=ath(bearer))}
    query = {"query": "{ viewer { appName } }"}
    assert first.http.post("/graphql", json=query, headers=headers).status_code == 200
    response = second.http.post("/graphql", json=query, headers=headers)
    assert response.status_code == 401
    assert 'error="invalid_dpop_proof"' in response.headers["www-authenticate"]


def test_77_both_processes_have_the_same_metadata(pair: Pair) -> None:
    first, second = pair
    for path in ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/oauth/jwks"):
        assert first.http.get(path).json() == second.http.get(path).json()


@pytest.mark.slow
def test_77_restart_between_push_and_decision(empty_database_url: str, tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    verifier, challenge = pkce()
    with Sandbox(empty_database_url, folder, free_port()) as sandbox, connected_app(sandbox) as app:
        uri = app.push(challenge).json()["request_uri"]
        assert app.merchant_token().status_code == 200
        used, nonce = app.authentication(), app.nonce
        assert app.http.post("/oauth/introspect", data={**used, "token": "x"}).status_code == 200
        sandbox.kill()
        sandbox.start()
        assert app.http.post("/oauth/introspect", data={**used, "token": "x"}).status_code == 401
        code = allow(app, uri, persona(sandbox))
        sandbox.kill()
        sandbox.start()
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app.redirect_uri}
        proof = {"DPoP": app.proof("/oauth/token", nonce=nonce)}
        form_with_verifier = {**app.authentication(), **form, "code_verifier": verifier}
        response = app.http.post("/oauth/token", data=form_with_verifier, headers=proof)
        assert response.status_code == 200, response.text
        query = {"query": "{ viewer { appName } }"}
        assert app.call(response.json()["access_token"], json=query).status_code == 200
