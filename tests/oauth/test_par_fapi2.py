"""Pushed authorization requests of a fapi2 client (RFC 9126, FAPI 2.0 section 5.3.2.2): all rules of pushed requests,
and the binding of the code to a key."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.support.fapi import FapiApp, new_key
from tests.support.oauth import pkce
from tests.support.oauth_world import CALLBACK, PASSWORD, OAuthWorld

PAR = "/oauth/par"
SCORE = {"type": "score", "level": "tier"}


@pytest.fixture
def bank(world: OAuthWorld) -> FapiApp:
    """A fapi2 client without a nonce, which a pushed request does not need."""
    return world.bank


def assert_refused(response: httpx2.Response, error: str = "invalid_request", status: int = 400) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error), response.text
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert "location" not in response.headers
    assert "request_uri" not in response.json()


def test_14_valid_request(each_world: OAuthWorld) -> None:
    responses = [each_world.bank.push() for _ in range(3)]
    uris = {response.json()["request_uri"].removeprefix("urn:ietf:params:oauth:request_uri:") for response in responses}
    for response in responses:
        assert response.status_code == 201
        assert set(response.json()) == {"request_uri", "expires_in"}
        assert 0 < response.json()["expires_in"] < 600
        assert response.headers["cache-control"] == "no-store"
    assert len(uris) == 3
    assert {len(uri) for uri in uris} == {43}  # 256 bits in base64url


def test_15_only_posted_forms_are_accepted(bank: FapiApp) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        response = bank.http.request(method, PAR)
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
    whole = {**bank.parameters(pkce()[1]), **bank.authentication()}
    assert_refused(bank.http.post(PAR, json=whole), status=415)
    assert_refused(bank.http.post(PAR, content=urlencode(whole)), status=415)


def test_16_request_and_request_uri_are_rejected(bank: FapiApp) -> None:
    for name in ("request", "request_uri"):
        for value in ("x", "urn:ietf:params:oauth:request_uri:x", "https://evil.example/r", bank.assertion()):
            assert_refused(bank.push(**{name: value}))


def test_17_s256_is_required(bank: FapiApp) -> None:
    for changed in (
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": "x" * 42},
        {"code_challenge": "+" * 43},
    ):
        assert_refused(bank.push(**changed))


def test_18_redirect_uri_is_compared_exactly(bank: FapiApp) -> None:
    for uri in (
        None,
        "https://evil.example/",
        *(CALLBACK + more for more in ("?a=b", "#f", "/", "%20", "/..", "/../callback", " ")),
        CALLBACK.upper(),
        CALLBACK.replace("callback", "Callback"),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace(".example", ".example:443"),
        CALLBACK.replace(".example", ".example.evil.example"),
        CALLBACK.replace("client.", "user@client."),
        CALLBACK.replace("/callback", "/x/../callback"),
        CALLBACK.replace("/callback", "//callback"),
        CALLBACK.replace("callback", "%63allback"),
        CALLBACK[:-1],
    ):
        assert_refused(bank.push(redirect_uri=uri))


def test_19_only_response_type_code_is_accepted(bank: FapiApp) -> None:
    for value in (None, "token", "id_token", "code id_token", "code token", "none", "CODE", "code code", 'j"unk'):
        response = bank.push(response_type=value)
        assert_refused(response, response.json()["error"])
        assert response.json()["error"] in {"invalid_request", "unsupported_response_type"}
    for value in ("fragment", "form_post", "query.jwt", "jwt"):
        assert_refused(bank.push(response_mode=value))


def test_20_scope_is_checked_and_state_is_optional(bank: FapiApp) -> None:
    for scope in ("score:palm", "score:tier openid", "decisions:read", "score:tier consents:read", "SCORE:TIER"):
        assert_refused(bank.push(scope=scope), "invalid_scope")
    assert bank.push(scope="decisions:request score:tier", state=None).status_code == 201


@pytest.mark.parametrize("state", ["s" * 3000, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~ \"\\", None])
def test_20_state_is_returned_unchanged(world: OAuthWorld, state: str | None) -> None:
    back, _ = world.bank.ask(world.browser(), "mei", PASSWORD, state=state)
    assert back.get("state") == state


def test_21_repeated_parameters_are_rejected(bank: FapiApp) -> None:
    whole = bank.parameters(pkce()[1])
    for name in (*whole, "client_assertion", "client_assertion_type", "authorization_details", "unknown"):
        fields = [*whole.items(), *bank.authentication().items()]
        twice = [(name, dict(fields).get(name, "x"))] * (1 if name in dict(fields) else 2)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        assert_refused(bank.http.post(PAR, content=urlencode([*fields, *twice]), headers=headers))


@pytest.mark.parametrize("junk", ['"', "é", "信用", "\x00", "\x1f", "\r\n", "\x7f", "\U0001f600", "\u202e"])
def test_21_junk_characters_are_rejected(bank: FapiApp, junk: str) -> None:
    for name in (*bank.parameters(""), "dpop_jkt", "authorization_details", "client_assertion_type", "unknown"):
        response = bank.push(**{name: f"x{junk}"})
        if junk == '"' and name in {"state", "unknown"}:  # allowed in these parameters
            assert response.status_code == 201
            continue
        assert response.status_code in {400, 401}, (name, response.text)
        assert response.json()["error"]


def test_22_dpop_jkt_must_match_proof(bank: FapiApp) -> None:
    own, other = bank.dpop_key.thumbprint(), new_key(kid=None).thumbprint()

    def pushed(jkt: str) -> httpx2.Response:
        form = {**bank.parameters(pkce()[1]), "dpop_jkt": jkt}
        return bank.post(PAR, form, headers={"DPoP": bank.proof(PAR)})

    assert pushed(own).status_code == 201
    assert_refused(pushed(other))
    for jkt in ("x", own + "x", own[:-1], own.replace(own[0], "+"), f"{own} "):
        assert_refused(pushed(jkt))
        assert_refused(bank.push(dpop_jkt=jkt))


def test_22_proof_of_pushed_request_is_verified(bank: FapiApp) -> None:
    once = bank.proof(PAR, nonce=None)
    first = bank.post(PAR, bank.parameters(pkce()[1]), headers={"DPoP": once})
    assert first.status_code == 201
    assert first.headers["dpop-nonce"]
    assert_refused(bank.post(PAR, bank.parameters(pkce()[1]), headers={"DPoP": once}), "invalid_dpop_proof")
    wrong: Any = bank.proof(PAR, nonce="not ours")
    assert_refused(bank.post(PAR, bank.parameters(pkce()[1]), headers={"DPoP": wrong}), "use_dpop_nonce")


@pytest.mark.parametrize(
    "details",
    [
        "no json",
        "[",
        "{}",
        "[]",
        "null",
        "5",
        [1],
        [[SCORE]],
        [{"type": "payment_initiation"}],
        [{"type": None}],
        [{**SCORE, "locations": ["https://gateway.example"]}],
        [{**SCORE, "level": 5}],
        [{**SCORE, "level": None}],
        [SCORE] * 9,
        "[" * 5000,
        '[{"type":"score","level":"threshold","level":"exact"}]',
        '[{"type":"score","level":"tier","purpose":"' + "x" * 20_000 + '"}]',
    ],
    ids=lambda details: str(details)[:40],
)
def test_23_invalid_details_are_rejected(bank: FapiApp, details: Any) -> None:
    assert_refused(bank.push(authorization_details=details), "invalid_authorization_details")
    assert_refused(bank.push(authorization_details=details, scope=None), "invalid_authorization_details")


def test_23_unregistered_type_is_rejected(world: OAuthWorld) -> None:
    decision = {"type": "decision", "products": ["DEPOSIT_WAIVER"]}
    world.change_client(world.bank, authorization_details_types=["score"])
    assert world.bank.push(scope=None, authorization_details=[SCORE]).status_code == 201
    response = world.bank.push(scope=None, authorization_details=[SCORE, decision])
    assert_refused(response, "invalid_authorization_details")
    assert "1: the client is not registered for decision details" in response.json()["error_description"]
    world.change_client(world.bank, authorization_details_types=[])
    assert_refused(world.bank.push(scope=None, authorization_details=[SCORE]), "invalid_authorization_details")
