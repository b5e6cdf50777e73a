"""The header, key and claims of a proof of possession (RFC 9449 section 4)."""

import base64
from typing import Any

import pytest
from joserfc.jwk import ECKey

from gateway.kit import json
from tests.support.dpop import (
    NOW,
    TOKEN,
    assert_granted,
    assert_refused,
    bank_with_nonce,
    request_token,
    request_with_proof,
)
from tests.support.fapi import NULL, FapiApp, new_key, public
from tests.support.oauth_world import OAuthWorld

HS256 = {"alg": "HS256"}


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "e30.e30.e30", "é", "x" * 20_000, "..", "eyJ9.e30.AA", "[].[].[]"])
def test_46_invalid_jwt_is_rejected(bank: FapiApp, text: str) -> None:
    headers = [(b"DPoP", text.encode())]
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    assert_refused(bank.http.post(TOKEN, data=form, headers=headers))


def test_46_two_headers_are_rejected(bank: FapiApp) -> None:
    assert_refused(request_token(bank, bank.proof(TOKEN), bank.proof(TOKEN)))
    once = bank.proof(TOKEN)
    assert_refused(request_token(bank, once, once))
    assert_refused(request_token(bank, f"{once}, {bank.proof(TOKEN)}"))
    assert_granted(request_token(bank, once))


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
def test_46_wrong_header_member_is_rejected(bank: FapiApp, header: dict[str, Any]) -> None:
    assert_refused(request_with_proof(bank, header=header))
    assert_granted(request_with_proof(bank))


def test_46_private_key_is_rejected(bank: FapiApp) -> None:
    for alg in ("ES256", "PS256", "Ed25519"):
        key = new_key(alg, kid=None)
        assert_refused(request_with_proof(bank, key=key, header={"alg": alg, "jwk": key.as_dict(private=True)}))
        assert_granted(request_with_proof(bank, key=key, header={"alg": alg, "jwk": public(key)}))


@pytest.mark.parametrize("alg", ["RS256", "RS512", "PS384", "PS512"])
def test_46_unsupported_algorithm_is_rejected(bank: FapiApp, alg: str) -> None:
    key = new_key("PS256", kid=None)
    response = request_with_proof(bank, header={"alg": alg}, key=key)
    assert_refused(response)
    assert "ES256, PS256, Ed25519, EdDSA" in response.json()["error_description"]


def test_46_algorithm_must_fit_key(bank: FapiApp) -> None:
    jwk = public(new_key("PS256", kid=None))
    response = request_with_proof(bank, header={"alg": "ES256", "jwk": jwk})
    assert_refused(response)
    assert "alg is not accepted for this key" in response.json()["error_description"]


def test_46_unsupported_curves_are_rejected(bank: FapiApp) -> None:
    for curve, alg in (("P-384", "ES384"), ("P-521", "ES512"), ("secp256k1", "ES256K")):
        assert_refused(request_with_proof(bank, header={"alg": alg}, key=ECKey.generate_key(curve)))


def test_46_unsigned_proof_and_mac_are_rejected(bank: FapiApp) -> None:
    claims = bank.proof(TOKEN).split(".")[1]
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": public(bank.dpop_key)}
    assert_refused(
        request_token(bank, f"{base64.urlsafe_b64encode(json.encode(header)).rstrip(b'=').decode()}.{claims}.")
    )
    jwk = public(bank.dpop_key)
    assert_refused(request_with_proof(bank, header={**HS256, "jwk": jwk}, key=bank.dpop_key.as_pem(private=False)))
    octets = {"kty": "oct", "k": "AAAA"}
    assert_refused(request_with_proof(bank, header={**HS256, "jwk": octets}, key=b"\0\0\0"))


def test_46_wrong_signature_is_rejected(bank: FapiApp) -> None:
    assert_refused(request_with_proof(bank, header={"jwk": public(new_key(kid=None))}))
    head, claims, signature = bank.proof(TOKEN).split(".")
    assert_refused(request_token(bank, f"{head}.{claims}.{signature[:-4]}AAAA"))
    assert_refused(request_token(bank, f"{head}.{claims}."))
    other = bank.proof(TOKEN).split(".")[1]
    assert_refused(request_token(bank, f"{head}.{other}.{signature}"))


WRONG: dict[str, list[Any]] = {
    "jti": [None, NULL, "", 5, [], "x" * 257],
    "htm": [None, NULL, "GET", "post", "", 5, ["POST"]],
    "iat": [None, NULL, "now", str(NOW), [], True, 1e300, NOW - 61, NOW + 61, 0],
    "htu": [None, NULL, "", "/oauth/token", 5, [], "http://[", "http://127.0.0.1:x/oauth/token"],
}


@pytest.mark.parametrize("claims", [{name: value} for name, values in WRONG.items() for value in values], ids=str)
def test_47_missing_or_wrong_claim_is_rejected(bank: FapiApp, claims: dict[str, Any]) -> None:
    assert_refused(request_with_proof(bank, **claims))


@pytest.mark.parametrize(
    "htu",
    [
        "{issuer}/oauth/par",
        "{issuer}/oauth/token/",
        "{issuer}/OAUTH/token",
        "{issuer}/oauth/%74oken%2f",
        "{issuer}/oauth%2Ftoken",
        "{issuer}/x/../oauth/token/..",
        "{issuer}//oauth/token",
        "{issuer}/oauth//token",
        "{issuer}/oauth/to ken",
        "{issuer}/oauth/token\n",
        "{issuer}/oauth/to\tken",
        " {issuer}/oauth/token",
        "{issuer}/oauth/token\u00a0",
        "{issuer}/oauth/token%",
        "{issuer}\\oauth/token",
        "{issuer}",
        "{issuer}@evil.example/oauth/token",
        "https://evil.example/oauth/token",
        "{issuer}1/oauth/token",
    ],
)
def test_47_different_url_is_rejected(bank: FapiApp, htu: str) -> None:
    assert_refused(request_with_proof(bank, htu=htu.replace("{issuer}", bank.issuer)))


def test_47_different_scheme_or_user_is_rejected(bank: FapiApp) -> None:
    host = bank.issuer.split("://")[1]
    for htu in (f"https://{host}{TOKEN}", f"http://user@{host}{TOKEN}", f"ftp://{host}{TOKEN}"):
        assert_refused(request_with_proof(bank, htu=htu))


@pytest.mark.parametrize("more", ["?a=b", "#f", "?a=b#f", "?"])
def test_48_query_and_fragment_are_ignored(bank: FapiApp, more: str) -> None:
    assert_granted(request_with_proof(bank, htu=bank.issuer + TOKEN + more))


@pytest.mark.parametrize("seconds", [-59, -10, 10])
def test_48_small_clock_difference_is_tolerated(bank: FapiApp, seconds: int) -> None:
    assert_granted(request_with_proof(bank, iat=NOW + seconds))


def test_48_exp_and_nbf_are_checked_if_present(bank: FapiApp) -> None:
    assert_granted(request_with_proof(bank, exp=NOW + 1, nbf=NOW + 10))
    wrong: list[dict[str, Any]] = [{"exp": NOW - 15}, {"exp": NOW - 300}, {"nbf": NOW + 61}, {"exp": "x"}, {"nbf": []}]
    for claims in wrong:
        assert_refused(request_with_proof(bank, **claims))


def test_d12_expiry_of_a_proof_has_the_allowance_of_iat_and_nbf(bank: FapiApp) -> None:
    assert_granted(request_with_proof(bank, exp=NOW - 14, iat=NOW + 15, nbf=NOW + 15))
    assert_refused(request_with_proof(bank, exp=NOW - 15))


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=f"D12-{path}")
        for path in (
            "/oauth/%74oken",
            "/%6f%61uth/t%6fken",
            "/x/../oauth/token",
            "/./oauth/token",
            "/oauth/a/b/../../token",
        )
    ],
)
def test_equivalent_path_is_accepted(bank: FapiApp, path: str) -> None:
    assert_granted(request_with_proof(bank, htu=bank.issuer + path))


def test_48_url_is_compared_after_normalization(https_world: OAuthWorld) -> None:
    bank = bank_with_nonce(https_world)
    for base in ("HTTPS://Gateway.EXAMPLE", "https://gateway.example:443", "https://gateway.example:"):
        assert_granted(request_with_proof(bank, htu=base + TOKEN))
    for base in ("https://gateway.example:80", "http://gateway.example", "https://gateway.example:8443"):
        assert_refused(request_with_proof(bank, htu=base + TOKEN))


def test_48_host_header_is_ignored(https_world: OAuthWorld) -> None:
    bank = bank_with_nonce(https_world)
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}
    assert_granted(bank.http.post(TOKEN, data=form, headers={**headers, "DPoP": bank.proof(TOKEN)}))
    form = {**bank.authentication(), "grant_type": "client_credentials"}
    proof = bank.proof(TOKEN, htu=f"https://evil.example{TOKEN}")
    assert_refused(bank.http.post(TOKEN, data=form, headers={**headers, "DPoP": proof}))


def test_49_unknown_members_are_ignored(bank: FapiApp) -> None:
    assert_granted(
        request_with_proof(bank, header={"foo": "bar", "kid": "x", "x5t": "y"}, foo=["bar"], ath="unused", sub=5)
    )


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_49_supported_algorithms_are_accepted(bank: FapiApp, alg: str) -> None:
    assert_granted(request_with_proof(bank, header={"alg": alg}, key=new_key(alg, kid=None)))
