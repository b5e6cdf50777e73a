"""Proofs of possession at the token endpoint and in pushed requests (RFC 9449 sections 4, 5, 8 and 10)."""

import base64
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from joserfc.jwk import ECKey

from gateway.kit import json
from gateway.settings import Settings
from gateway.store.database import Database
from tests.support.clock import NOON, MovableClock
from tests.support.fapi import NULL, FapiApp, new_key, public
from tests.support.oauth import pkce, query_of
from tests.support.oauth_world import PASSWORD, World, build_world
from tests.support.race import race

TOKEN = "/oauth/token"
NOW = int(NOON.timestamp())
HS256 = {"alg": "HS256"}


@pytest.fixture
def bank(world: World) -> FapiApp:
    """A fapi2 client that has a nonce already."""
    return ready(world)


def ready(world: World) -> FapiApp:
    world.bank.nonce = world.parts.proofs.nonces.current(world.parts.clock())
    return world.bank


def sent(app: FapiApp, *proofs: str, data: dict[str, str] | None = None) -> httpx2.Response:
    """The token endpoint's answer to a request with these DPoP headers, for a merchant token unless `data` says
    other."""
    form = {**app.authentication(), **(data or {"grant_type": "client_credentials"})}
    return app.http.post(TOKEN, data=form, headers=[("DPoP", proof) for proof in proofs])


def bent(app: FapiApp, **changed: Any) -> httpx2.Response:
    return sent(app, app.proof(TOKEN, **changed))


def refused(answer: httpx2.Response, error: str = "invalid_dpop_proof") -> None:
    assert (answer.status_code, answer.json()["error"]) == (400, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


def granted(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    whole: dict[str, Any] = answer.json()
    assert whole["token_type"] == "DPoP"
    return whole


def code_form(world: World, **changed: Any) -> dict[str, str]:
    """What redeems a fresh code of the bank's."""
    back, verifier = world.bank.ask(world.browser(), "mei", PASSWORD, **changed)
    callback = world.bank.redirect_uri
    whole = {"code": back["code"], "code_verifier": verifier, "redirect_uri": callback}
    return {"grant_type": "authorization_code", **whole}


def test_43_the_token_answer(world: World) -> None:
    answer = sent(ready(world), world.bank.proof(TOKEN), data=code_form(world))
    body = granted(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert body["expires_in"] == 300
    assert set(body) == {
        *("access_token", "token_type", "expires_in", "scope", "refresh_token", "grant_id"),
        "authorization_details",
    }
    assert body["scope"] == "score:tier decisions:request"
    assert {detail["type"] for detail in body["authorization_details"]} == {"score", "decision"}


def test_43_a_baseline_client_may_bind_its_tokens(world: World) -> None:
    # It may, and then the token is bound: nobody can use it as a bearer token.
    proof = {"DPoP": ready(world).proof(TOKEN)}
    answer = world.cars.post(TOKEN, {"grant_type": "client_credentials"}, headers={**world.cars.auth, **proof})
    token = granted(answer)["access_token"]
    assert world.cars.call(token).status_code == 401
    assert world.bank.call(token).status_code == 200


@pytest.mark.parametrize("grant", ["authorization_code", "refresh_token", "client_credentials"])
def test_44_no_proof_no_token_and_nothing_used_up(each_world: World, grant: str) -> None:
    bank = ready(each_world)
    data = {"grant_type": grant}
    if grant != "client_credentials":
        data = code_form(each_world)
    if grant == "refresh_token":
        tokens = granted(sent(bank, bank.proof(TOKEN), data=data))
        data = {"grant_type": grant, "refresh_token": tokens["refresh_token"]}
    refused(sent(bank, data=data))
    granted(sent(bank, bank.proof(TOKEN), data=data))


@pytest.mark.parametrize("nonce", [None, NULL, "", "x", 5, [], "old", "far ahead", "é"])
def test_45_a_nonce_is_asked_for_and_nothing_is_used_up(each_world: World, nonce: Any) -> None:
    bank, nonces = each_world.bank, each_world.parts.proofs.nonces
    moments = {"old": NOON - timedelta(minutes=6), "far ahead": NOON + timedelta(minutes=3)}
    if nonce in list(moments):
        nonce = nonces.current(moments[nonce])
    form = {**code_form(each_world), **bank.authentication()}  # one assertion for both tries
    jti = "the proof's"
    first = bank.http.post(TOKEN, data=form, headers={"DPoP": bank.proof(TOKEN, nonce=nonce, jti=jti)})
    refused(first, "use_dpop_nonce")
    told = first.headers["dpop-nonce"]
    second = bank.http.post(TOKEN, data=form, headers={"DPoP": bank.proof(TOKEN, nonce=told, jti=jti)})
    granted(second)
    assert second.headers["dpop-nonce"] == told


def test_45_nonces_change_and_a_new_one_comes_with_success(bank: FapiApp, clock: MovableClock) -> None:
    clock.advance(minutes=4)
    answer = bent(bank)
    granted(answer)
    assert answer.headers["dpop-nonce"] != bank.nonce
    clock.advance(minutes=2)
    refused(bent(bank), "use_dpop_nonce")
    granted(bent(bank, nonce=answer.headers["dpop-nonce"]))


def test_45_the_nonce_is_asked_for_before_the_client_is_looked_at(bank: FapiApp) -> None:
    data = {"grant_type": "client_credentials"}
    for nonce, status, error in ((None, 400, "use_dpop_nonce"), (bank.nonce, 401, "invalid_client")):
        answer = bank.http.post(TOKEN, data=data, headers={"DPoP": bank.proof(TOKEN, nonce=nonce)})
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.headers["dpop-nonce"] == bank.nonce


def test_45_without_a_proof_no_nonce(bank: FapiApp) -> None:
    assert "dpop-nonce" not in sent(bank).headers


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "é", "x" * 20_000, "..", "eyJ9.e30.AA", "[].[].[]"])
def test_46_no_jwt(bank: FapiApp, text: str) -> None:
    headers = [(b"DPoP", text.encode())]
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    refused(bank.http.post(TOKEN, data=form, headers=headers))


def test_46_two_headers(bank: FapiApp) -> None:
    refused(sent(bank, bank.proof(TOKEN), bank.proof(TOKEN)))
    once = bank.proof(TOKEN)
    refused(sent(bank, once, once))
    refused(sent(bank, f"{once}, {bank.proof(TOKEN)}"))
    granted(sent(bank, once))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": None},
        {"typ": NULL},
        {"typ": 5},
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"typ": "DPOP+JWT"},
        {"typ": "application/dpop+jwt"},
        {"jwk": None},
        {"jwk": NULL},
        {"jwk": {}},
        {"jwk": []},
        {"jwk": "x"},
        {"jwk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"crit": ["foo"], "foo": 1},
    ],
    ids=str,
)
def test_46_a_header_member_is_wrong(bank: FapiApp, header: dict[str, Any]) -> None:
    refused(bent(bank, header=header))
    granted(bent(bank))


def test_46_a_private_key_is_not_taken(bank: FapiApp) -> None:
    for alg in ("ES256", "PS256", "Ed25519"):
        key = new_key(alg, kid=None)
        refused(bent(bank, key=key, header={"alg": alg, "jwk": key.as_dict(private=True)}))
        granted(bent(bank, key=key, header={"alg": alg, "jwk": public(key)}))


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS384", "PS512"])
def test_46_another_algorithm(bank: FapiApp, alg: str) -> None:
    key = new_key("PS256", kid=None)
    answer = bent(bank, header={"alg": alg}, key=key)
    refused(answer)
    assert "ES256, PS256, Ed25519, EdDSA" in answer.json()["error_description"]


def test_46_an_algorithm_that_does_not_fit_the_key(bank: FapiApp) -> None:
    jwk = public(new_key("PS256", kid=None))
    answer = bent(bank, header={"alg": "ES256", "jwk": jwk})
    refused(answer)
    assert "alg is not accepted for this key" in answer.json()["error_description"]


def test_46_curves_that_are_not_ours(bank: FapiApp) -> None:
    for curve, alg in (("P-384", "ES384"), ("P-521", "ES512"), ("secp256k1", "ES256K")):
        refused(bent(bank, header={"alg": alg}, key=ECKey.generate_key(curve)))


def test_46_unsigned_and_keyed_with_the_public_key(bank: FapiApp) -> None:
    claims = bank.proof(TOKEN).split(".")[1]
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": public(bank.dpop_key)}
    refused(sent(bank, f"{base64.urlsafe_b64encode(json.encode(header)).rstrip(b'=').decode()}.{claims}."))
    jwk = public(bank.dpop_key)
    refused(bent(bank, header={**HS256, "jwk": jwk}, key=bank.dpop_key.as_pem(private=False)))
    octets = {"kty": "oct", "k": "AAAA"}
    refused(bent(bank, header={**HS256, "jwk": octets}, key=b"\0\0\0"))


def test_46_a_bad_signature(bank: FapiApp) -> None:
    refused(bent(bank, header={"jwk": public(new_key(kid=None))}))
    head, claims, signature = bank.proof(TOKEN).split(".")
    refused(sent(bank, f"{head}.{claims}.{signature[:-4]}AAAA"))
    refused(sent(bank, f"{head}.{claims}."))
    other = bank.proof(TOKEN).split(".")[1]
    refused(sent(bank, f"{head}.{other}.{signature}"))


WRONG: dict[str, list[Any]] = {
    "jti": [None, NULL, "", 5, [], "x" * 257],
    "htm": [None, NULL, "GET", "post", "", 5, ["POST"]],
    "iat": [None, NULL, "now", str(NOW), [], True, 1e300, NOW - 61, NOW + 61, 0],
    "htu": [None, NULL, "", "/oauth/token", 5, [], "http://[", "http://127.0.0.1:x/oauth/token"],
}


@pytest.mark.parametrize("claims", [{name: value} for name, values in WRONG.items() for value in values], ids=str)
def test_47_a_claim_is_absent_or_wrong(bank: FapiApp, claims: dict[str, Any]) -> None:
    refused(bent(bank, **claims))


@pytest.mark.parametrize(
    "htu",
    [
        "{issuer}/oauth/par",
        "{issuer}/oauth/token/",
        "{issuer}/OAUTH/token",
        "{issuer}/oauth/%74oken",
        "{issuer}/x/../oauth/token",
        "{issuer}",
        "{issuer}@evil.example/oauth/token",
        "https://evil.example/oauth/token",
        "{issuer}1/oauth/token",
    ],
)
def test_47_another_address(bank: FapiApp, htu: str) -> None:
    refused(bent(bank, htu=htu.replace("{issuer}", bank.issuer)))


def test_47_another_scheme_or_user(bank: FapiApp) -> None:
    host = bank.issuer.split("://")[1]
    for htu in (f"https://{host}{TOKEN}", f"http://user@{host}{TOKEN}", f"ftp://{host}{TOKEN}"):
        refused(bent(bank, htu=htu))


@pytest.mark.parametrize("more", ["?a=b", "#f", "?a=b#f", "?"])
def test_48_query_and_fragment_do_not_count(bank: FapiApp, more: str) -> None:
    granted(bent(bank, htu=bank.issuer + TOKEN + more))


@pytest.mark.parametrize("seconds", [-59, -10, 10])
def test_48_clocks_differ_a_little(bank: FapiApp, seconds: int) -> None:
    granted(bent(bank, iat=NOW + seconds))


def test_48_exp_and_nbf_count_where_they_are_given(bank: FapiApp) -> None:
    granted(bent(bank, exp=NOW + 1, nbf=NOW + 10))
    wrong: list[dict[str, Any]] = [{"exp": NOW}, {"exp": NOW - 300}, {"nbf": NOW + 61}, {"exp": "x"}, {"nbf": []}]
    for claims in wrong:
        refused(bent(bank, **claims))


@pytest.fixture
def https_world(sqlite_url: str, settings: Settings, clock: MovableClock) -> Iterator[World]:
    public_address = settings.model_copy(update={"issuer": "https://gateway.example"})
    with closing(Database(sqlite_url)) as database:
        yield build_world(database, public_address, clock)


def test_48_case_of_scheme_and_host_and_the_default_port_do_not_count(https_world: World) -> None:
    bank = ready(https_world)
    for base in ("HTTPS://Gateway.EXAMPLE", "https://gateway.example:443", "https://gateway.example:"):
        granted(bent(bank, htu=base + TOKEN))
    for base in ("https://gateway.example:80", "http://gateway.example", "https://gateway.example:8443"):
        refused(bent(bank, htu=base + TOKEN))


def test_48_the_host_header_is_not_asked(https_world: World) -> None:
    bank = ready(https_world)
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    granted(bank.http.post(TOKEN, data=form, headers={**headers, "DPoP": bank.proof(TOKEN)}))
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    proof = bank.proof(TOKEN, htu=f"https://evil.example{TOKEN}")
    refused(bank.http.post(TOKEN, data=form, headers={**headers, "DPoP": proof}))


def test_49_the_same_proof_twice(each_world: World, clock: MovableClock) -> None:
    bank = ready(each_world)
    proof = bank.proof(TOKEN, iat=NOW + 14)
    granted(sent(bank, proof))
    for seconds in (0, 30, 43):  # as long as its age would do
        clock.advance(seconds=seconds)
        refused(sent(bank, proof))
        granted(sent(bank, bank.proof(TOKEN)))
    clock.advance(seconds=3)
    refused(sent(bank, proof))


def test_49_by_whoever_holds_the_key(each_world: World) -> None:
    bank, rival = ready(each_world), each_world.rival
    proof = bank.proof(TOKEN, jti="once")
    granted(sent(bank, proof))
    refused(sent(rival, proof))
    refused(sent(bank, bank.proof(TOKEN, jti="once", iat=NOW - 5)))  # another proof, but the same jti
    rival.nonce = bank.nonce
    granted(sent(rival, rival.proof(TOKEN, jti="once")))  # of another key


def test_49_eight_at_once(racing_world: World) -> None:
    bank = ready(racing_world)
    proof = bank.proof(TOKEN)
    forms = [{**bank.authentication(), "grant_type": "client_credentials"} for _ in range(8)]
    answers = race(lambda n: racing_world.http().post(TOKEN, data=forms[n], headers={"DPoP": proof}))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7


def test_49_members_that_are_not_known(bank: FapiApp) -> None:
    granted(bent(bank, header={"foo": "bar", "kid": "x", "x5t": "y"}, foo=["bar"], ath="unused", sub=5))


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_49_each_algorithm(bank: FapiApp, alg: str) -> None:
    granted(bent(bank, header={"alg": alg}, key=new_key(alg, kid=None)))


def pushed_with(world: World, how: str) -> dict[str, str]:
    """What redeems a code that was bound to the bank's key, by the parameter, by a proof or by both."""
    bank = ready(world)
    verifier, challenge = pkce()
    named = {} if how == "proof" else {"dpop_jkt": bank.dpop_key.thumbprint()}
    headers = {} if how == "parameter" else {"DPoP": bank.proof("/oauth/par", nonce=None)}
    uri = bank.post("/oauth/par", {**bank.parameters(challenge), **named}, headers=headers).json()["request_uri"]
    browser = world.browser()
    page = browser.open(bank.address(uri), "mei", PASSWORD)
    location = browser.submit(page, "/oauth/authorize", decision="allow").headers["location"]
    whole = {"code": query_of(location)["code"], "code_verifier": verifier, "redirect_uri": bank.redirect_uri}
    bank.nonce = world.parts.proofs.nonces.current(NOON)
    return {"grant_type": "authorization_code", **whole}


@pytest.mark.parametrize("how", ["parameter", "proof", "both"])
def test_50_a_bound_code_is_redeemed_by_its_key_alone(each_world: World, how: str) -> None:
    data, bank = pushed_with(each_world, how), each_world.bank
    refused(sent(bank, bank.proof(TOKEN, key=new_key(kid=None)), data=data), "invalid_grant")
    granted(sent(bank, bank.proof(TOKEN), data=data))


def test_50_a_code_without_a_key_takes_the_first(world: World) -> None:
    data = code_form(world)
    body = granted(sent(ready(world), world.bank.proof(TOKEN, key=new_key(kid=None)), data=data))
    assert world.bank.call(body["access_token"]).status_code == 401


def test_50_a_bad_proof_in_a_pushed_request(world: World) -> None:
    bank = ready(world)
    for changed in ({"htm": "GET"}, {"htu": bank.issuer + TOKEN}, {"iat": None}, {"header": {"typ": "JWT"}}):
        proof: Any = bank.proof("/oauth/par", **changed)
        refused(bank.post("/oauth/par", bank.parameters(pkce()[1]), headers={"DPoP": proof}))
    refused(bank.post("/oauth/par", bank.parameters(pkce()[1]), headers={"DPoP": "x"}))
