"""Access tokens that are bound to a key, at the API (RFC 9449 section 7, FAPI 2.0 section 5.3.4)."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from gateway.domain.environment import LIVE
from gateway.kit.replay import Replays, make_replays
from gateway.oauth.token_check import TokenCheck
from gateway.store.identity.clients import CLIENTS
from gateway.store.identity.users import USERS
from gateway.store.oauth.tokens import ACCESS_TOKENS
from tests.support.bound_calls import API, NOW, assert_refused, call_api, headers
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import NULL, ath, new_key, public
from tests.support.oauth_world import PASSWORD, OAuthWorld, probe
from tests.support.race import race
from tests.support.units import reading


@pytest.mark.parametrize("scheme", ["DPoP", "dpop", "DPOP", "dPoP"])
def test_61_scheme_is_case_insensitive(world: OAuthWorld, token: str, scheme: str) -> None:
    response = call_api(world, headers(world.bank, token, scheme))
    assert (response.status_code, response.json()["kind"]) == (200, "merchant")
    assert response.headers["dpop-nonce"] == world.bank.nonce


def test_61_get_and_post_need_their_own_proofs(world: OAuthWorld, token: str) -> None:
    response = world.http().get(API, headers=headers(world.bank, token, method="GET"))
    assert response.status_code == 200
    assert_refused(world.http().get(API, headers=headers(world.bank, token)))


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_62_bound_token_is_rejected_as_bearer(world: OAuthWorld, token: str, scheme: str) -> None:
    assert_refused(call_api(world, headers(world.bank, token, scheme)), "invalid_token", "Bearer")
    assert_refused(call_api(world, {"Authorization": f"{scheme} {token}"}), "invalid_token", "Bearer")


def test_62_missing_proof_is_rejected(world: OAuthWorld, token: str) -> None:
    assert_refused(call_api(world, {"Authorization": f"DPoP {token}"}))


def test_62_bearer_token_is_rejected_with_dpop_scheme(world: OAuthWorld, token: str) -> None:
    unbound = world.cars.merchant_token().json()["access_token"]
    assert_refused(call_api(world, headers(world.bank, unbound)), "invalid_token")
    assert world.cars.call(unbound).status_code == 200


def test_62_token_outside_header_is_ignored(world: OAuthWorld, token: str) -> None:
    http = world.http()
    http.cookies.set("access_token", token)
    proof = {"DPoP": world.bank.proof(API, ath=ath(token))}
    response = http.post(f"{API}?access_token={token}", data={"access_token": token}, headers=proof)
    assert response.status_code == 401
    assert all("error=" not in challenge for challenge in response.headers.get_list("www-authenticate"))


def test_62_two_authorization_headers_are_rejected(world: OAuthWorld, token: str) -> None:
    pairs = list(headers(world.bank, token).items())
    assert_refused(call_api(world, [pairs[0], *pairs]), "invalid_token")


@pytest.mark.parametrize("value", [None, NULL, "", "x", 5, [], "of another token"])
def test_63_ath_must_match_token(world: OAuthWorld, token: str, value: Any) -> None:
    value = ath("another") if value == "of another token" else value
    assert_refused(call_api(world, headers(world.bank, token, ath=value)))
    assert call_api(world, headers(world.bank, token)).status_code == 200


def test_63_different_key_is_rejected(world: OAuthWorld, token: str) -> None:
    assert_refused(call_api(world, headers(world.bank, token, key=new_key(kid=None))), "invalid_token")
    assert_refused(call_api(world, headers(world.bank, token, header={"jwk": public(new_key(kid=None))})))


@pytest.mark.parametrize(
    "claims",
    [
        *({name: None} for name in ("jti", "htm", "htu", "iat")),
        {"method": "GET"},
        {"method": "post"},
        {"htu": "https://evil.example/graphql"},
        {"htu": "http://127.0.0.1:8000/graphql/x"},
        {"htu": "http://127.0.0.1:8000/oauth/token"},
        {"iat": NOW - 61},
        {"iat": NOW + 61},
        {"exp": NOW - 15},
        {"nbf": NOW + 61},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": None}},
        {"header": {"crit": ["x"], "x": 1}},
    ],
    ids=str,
)
def test_63_proof_of_other_request_is_rejected(world: OAuthWorld, token: str, claims: dict[str, Any]) -> None:
    assert world.container.settings.issuer == "http://127.0.0.1:8000"
    assert_refused(call_api(world, headers(world.bank, token, **claims)))


def test_63_two_proofs_are_rejected(world: OAuthWorld, token: str) -> None:
    pairs = list(headers(world.bank, token).items())
    assert_refused(call_api(world, [*pairs, ("DPoP", world.bank.proof(API, ath=ath(token)))]))


def test_63_replayed_proof_is_rejected(world: OAuthWorld, token: str, clock: MovableClock) -> None:
    sent = headers(world.bank, token)
    assert call_api(world, sent).status_code == 200
    for _ in range(3):
        assert_refused(call_api(world, sent))
        clock.advance(seconds=19)
    same = headers(world.bank, token, jti="once")
    assert call_api(world, same).status_code == 200
    assert_refused(call_api(world, headers(world.bank, token, jti="once", iat=NOW + 5)))


def test_63_proof_of_token_endpoint_is_rejected(world: OAuthWorld, token: str) -> None:
    assert_refused(call_api(world, {"Authorization": f"DPoP {token}", "DPoP": world.bank.proof("/oauth/token")}))


def test_63_one_of_eight_replays_is_accepted(world: OAuthWorld, token: str) -> None:
    sent = headers(world.bank, token)
    responses = race(lambda _: call_api(world, sent))
    assert sorted(response.status_code for response in responses) == [200] + [401] * 7


def test_63_rejected_request_does_not_use_up_proof(world: OAuthWorld, token: str) -> None:
    # Otherwise proofs with invalid tokens could fill the memory.
    proof = world.bank.proof(API, ath=ath("sgw_test_at_none"))
    for _ in range(2):
        assert_refused(call_api(world, {"Authorization": "DPoP sgw_test_at_none", "DPoP": proof}), "invalid_token")


@pytest.fixture
def two_processes(world: OAuthWorld, valkey_url: str) -> Iterator[list[TestClient]]:
    """The token check of two processes that share a Valkey."""
    made: list[Replays] = [make_replays(valkey_url), make_replays(valkey_url)]
    yield [
        TestClient(TokenCheck(probe, replace(world.container, replays=one)), "http://127.0.0.1:8000") for one in made
    ]
    for one in made:
        one.close()


def test_63_replay_at_other_process_is_rejected(world: OAuthWorld, token: str, two_processes: list[TestClient]) -> None:
    first, second = two_processes
    refused = first.post(API, headers=headers(world.bank, token))  # its nonce is of the world's own epoch
    assert_refused(refused, "use_dpop_nonce")
    world.bank.nonce = refused.headers["dpop-nonce"]
    for here, there in ((first, second), (second, first)):
        sent = headers(world.bank, token)
        assert here.post(API, headers=sent).status_code == 200
        assert_refused(there.post(API, headers=sent))
        assert there.post(API, headers=headers(world.bank, token)).status_code == 200


def test_64_missing_credential_gets_both_challenges(world: OAuthWorld) -> None:
    response = world.http().post(API)
    issuer = world.container.settings.issuer
    about = f'realm="{issuer}", resource_metadata="{issuer}/.well-known/oauth-protected-resource/graphql"'
    assert response.status_code == 401
    assert response.headers.get_list("www-authenticate") == [
        f'DPoP {about}, algs="ES256 PS256 Ed25519 EdDSA"',
        f"Bearer {about}",
    ]
    assert "dpop-nonce" not in response.headers


def test_64_live_environment_offers_dpop_only(world: OAuthWorld) -> None:
    http = TestClient(TokenCheck(probe, replace(world.container, environment=LIVE)))
    (challenge,) = http.post(API).headers.get_list("www-authenticate")
    assert challenge.startswith("DPoP ")
    assert "error" not in challenge
    assert_refused(http.post(API, headers={"Authorization": "Bearer sgw_at_x"}), "invalid_token")


@pytest.mark.parametrize("nonce", [None, NULL, "x", 5, "old"])
def test_64_nonce_is_required(world: OAuthWorld, token: str, nonce: Any) -> None:
    nonces = world.nonces
    nonce = nonces.current(NOON - timedelta(minutes=6)) if nonce == "old" else nonce
    response = call_api(world, headers(world.bank, token, nonce=nonce))
    assert_refused(response, "use_dpop_nonce")
    again = headers(world.bank, token, nonce=response.headers["dpop-nonce"])
    assert call_api(world, again).status_code == 200


def test_64_api_and_token_endpoint_share_nonces(world: OAuthWorld, clock: MovableClock) -> None:
    token = world.bank.merchant_token().json()["access_token"]
    assert call_api(world, headers(world.bank, token)).status_code == 200
    clock.advance(minutes=2)
    response = call_api(world, headers(world.bank, token))
    assert response.headers["dpop-nonce"] != world.bank.nonce
    proof = world.bank.proof("/oauth/token", nonce=response.headers["dpop-nonce"])
    form = {**world.bank.authentication(), "grant_type": "client_credentials"}
    assert world.bank.http.post("/oauth/token", data=form, headers={"DPoP": proof}).status_code == 200


def test_row_has_key_of_token(world: OAuthWorld, token: str) -> None:
    with reading(world.database) as unit:
        assert unit.connection.execute(select(ACCESS_TOKENS)).one().jkt == world.bank.dpop_key.thumbprint()


def test_66_merchant_token_has_no_person(world: OAuthWorld, token: str) -> None:
    caller = call_api(world, headers(world.bank, token)).json()
    assert (caller["kind"], caller["subject"], caller["consent"]) == ("merchant", None, None)


def test_66_client_id_never_equals_subject(world: OAuthWorld) -> None:
    apps = (world.bank, world.rival, world.cars, world.shop)
    subjects, users = set(), set()
    for app in apps:
        token = app.tokens(world.browser(), "mei", PASSWORD)["access_token"]
        subjects.add(str(app.call(token).json()["subject"]))
    with reading(world.database) as unit:
        users = {row.id for row in unit.connection.execute(select(USERS))}
        client_ids = {row.id for row in unit.connection.execute(select(CLIENTS))}
    assert len(client_ids) >= 5
    assert all(subject.startswith("usr_") for subject in subjects | users)
    assert all(client_id.startswith("cli_") for client_id in client_ids)
    assert not client_ids & (subjects | users)


def test_67_proof_for_other_deployment_is_rejected(world: OAuthWorld, token: str) -> None:
    # A request that was stolen there cannot be replayed here.
    assert_refused(call_api(world, headers(world.bank, token, htu="https://live.example/graphql")))
