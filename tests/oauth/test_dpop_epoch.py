"""A used proof is never accepted again, also if the record of its use was lost (RFC 9449 sections 8 and 11.1)."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import httpx2
import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from gateway.bootstrap import build
from gateway.settings import Settings
from tests.support.clock import MovableClock
from tests.support.fapi import FapiApp, ath
from tests.support.oauth_world import OAuthWorld, app_of
from tests.support.valkey import ValkeyServer


@pytest.fixture
def shared(sqlite_url: str, own_valkey: ValkeyServer, settings: Settings, clock: MovableClock) -> Iterator[OAuthWorld]:
    settings = settings.model_copy(update={"valkey_url": SecretStr(own_valkey.url)})
    with closing(OAuthWorld(sqlite_url, settings, clock)) as opened:
        yield opened


def send(app: FapiApp, token: str, proof: str) -> httpx2.Response:
    return app.http.post("/graphql", json={}, headers={"Authorization": f"DPoP {token}", "DPoP": proof})


def error_of(response: httpx2.Response) -> str | None:
    challenge = response.headers.get("www-authenticate", "")
    return challenge.partition('error="')[2].partition('"')[0] if response.status_code == 401 else None


def used_proof(app: FapiApp) -> tuple[str, str]:
    """A token, and a proof that was accepted once."""
    token = app.merchant_token().json()["access_token"]
    assert app.call(token, json={}).status_code == 200  # which may get a nonce of this epoch first
    proof = app.proof("/graphql", ath=ath(token))
    assert send(app, token, proof).status_code == 200
    assert error_of(send(app, token, proof)) == "invalid_dpop_proof"
    return token, proof


@contextmanager
def other_process(world: OAuthWorld) -> Iterator[FapiApp]:
    """The bank, connected to another process of the deployment."""
    with closing(build(world.container.settings, clock=world.clock)) as container:
        http = TestClient(app_of(container), base_url=container.settings.issuer)
        yield replace(world.bank, http=http)


def forget(valkey: ValkeyServer) -> None:
    valkey.kill()
    valkey.start()


def test_63_h1_used_proof_is_refused_after_valkey_restarted_empty(shared: OAuthWorld, own_valkey: ValkeyServer) -> None:
    token, proof = used_proof(shared.bank)
    forget(own_valkey)
    refused = send(shared.bank, token, proof)
    assert error_of(refused) == "use_dpop_nonce"
    shared.bank.nonce = refused.headers["dpop-nonce"]
    assert send(shared.bank, token, shared.bank.proof("/graphql", ath=ath(token))).status_code == 200, "it recovers"
    assert error_of(send(shared.bank, token, proof)) == "use_dpop_nonce"


def test_63_h1_other_process_refuses_it_too(shared: OAuthWorld, own_valkey: ValkeyServer) -> None:
    token, proof = used_proof(shared.bank)
    with other_process(shared) as there:
        forget(own_valkey)
        assert error_of(send(there, token, proof)) == "use_dpop_nonce"


def test_63_h1_used_proof_is_refused_after_the_process_restarted(
    database_url: str, settings: Settings, clock: MovableClock
) -> None:
    """Without Valkey, used proofs are kept in memory."""
    with closing(OAuthWorld(database_url, settings, clock)) as world:
        token, proof = used_proof(world.bank)
        with other_process(world) as restarted:
            assert error_of(send(restarted, token, proof)) == "use_dpop_nonce"


@pytest.mark.parametrize("kind", ["assertion", "proof"])
def test_8_49_h1_token_endpoint_remembers_in_the_database(
    shared: OAuthWorld, own_valkey: ValkeyServer, kind: str
) -> None:
    bank = shared.bank
    bank.merchant_token()
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    proof = {"DPoP": bank.proof("/oauth/token")}
    assert bank.http.post("/oauth/token", data=form, headers=proof).status_code == 200
    forget(own_valkey)
    if kind == "assertion":
        response = bank.http.post("/oauth/token", data=form, headers={"DPoP": bank.proof("/oauth/token")})
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    else:
        response = bank.http.post("/oauth/token", data={**form, **bank.authentication()}, headers=proof)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_dpop_proof")


def test_63_h1_proof_is_refused_while_valkey_is_down(shared: OAuthWorld, own_valkey: ValkeyServer) -> None:
    token, proof = used_proof(shared.bank)
    own_valkey.kill()
    assert send(shared.bank, token, proof).status_code == 503


Nonce = Callable[[str], str]
CHANGES: dict[str, Nonce] = {
    "without-epoch": lambda nonce: nonce.partition(".")[0],
    "empty-epoch": lambda nonce: nonce.partition(".")[0] + ".",
    "other-epoch": lambda nonce: nonce.partition(".")[0] + "." + "A" * 16,
    "more-after-it": lambda nonce: nonce + ".x",
    "no-minute": lambda nonce: "." + nonce.partition(".")[2],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_45_h1_changed_nonce_is_refused(each_world: OAuthWorld, change: Nonce) -> None:
    token, _ = used_proof(each_world.bank)
    assert each_world.bank.nonce is not None
    proof = each_world.bank.proof("/graphql", ath=ath(token), nonce=change(each_world.bank.nonce))
    assert error_of(send(each_world.bank, token, proof)) == "use_dpop_nonce"
