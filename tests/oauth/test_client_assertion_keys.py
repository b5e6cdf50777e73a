"""The key, algorithm and header of a client assertion (FAPI 2.0 section 5.4)."""

import base64
import warnings
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from gateway.kit import json
from tests.support.assertions import (
    PATHS,
    assert_accepted,
    assert_refused,
    assert_refused_everywhere,
    replace_keys,
    send,
)
from tests.support.fapi import ASSERTION_TYPE, NULL, new_key, public
from tests.support.oauth_world import OAuthWorld


def test_9_unsigned_assertion_is_rejected(world: OAuthWorld) -> None:
    claims = world.bank.assertion().split(".")[1]
    for alg in ("none", "None", "NONE", ""):
        header = base64.urlsafe_b64encode(json.encode({"alg": alg})).rstrip(b"=").decode()
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": f"{header}.{claims}."}
        for path in PATHS:
            assert_refused(send(world, path, form))


def test_9_mac_with_public_key_is_rejected(world: OAuthWorld) -> None:
    public_key = world.bank.key.as_pem(private=False)
    for secret in (public_key, public_key.strip(), json.encode(public(world.bank.key))):
        assert_refused_everywhere(world, header={"alg": "HS256", "kid": "k1"}, key=secret)


@pytest.mark.parametrize("alg", ["RS256", "RS384", "PS384", "PS512"])
def test_9_unsupported_rsa_algorithms_are_rejected(world: OAuthWorld, alg: str) -> None:
    key = new_key("PS256")
    replace_keys(world, public(key))
    assert_accepted(world, header={"alg": "PS256"}, key=key)
    assert_refused_everywhere(world, header={"alg": alg}, key=key)


def test_9_algorithm_must_fit_key(world: OAuthWorld) -> None:
    rsa, okp = new_key("PS256", "rsa"), new_key("Ed25519", "okp")
    replace_keys(world, public(rsa), public(okp))
    assert_refused_everywhere(world, header={"alg": "ES256", "kid": "rsa"}, key=world.bank.key)
    assert_refused_everywhere(world, header={"alg": "PS256", "kid": "okp"}, key=rsa)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_9_supported_algorithms_are_accepted(world: OAuthWorld, alg: str) -> None:
    key = new_key(alg)
    replace_keys(world, public(key))
    for path in PATHS:
        assert_accepted(world, path, header={"alg": alg}, key=key)


def test_10_foreign_key_and_unknown_kid_are_rejected(world: OAuthWorld) -> None:
    assert_refused_everywhere(world, key=world.rival.key)
    assert_refused_everywhere(world, key=new_key())  # with the same kid
    kids: list[Any] = ["unknown", "", "x" * 300, 5, {}, ["k1"]]
    for kid in kids:
        assert_refused_everywhere(world, header={"kid": kid})
    assert_accepted(world, header={"kid": None})  # all keys are tried


def test_10_replaced_key_is_rejected(world: OAuthWorld) -> None:
    old, new = world.bank.key, new_key(kid="k2")
    replace_keys(world, public(old), public(new))
    assert_accepted(world, key=old)
    assert_accepted(world, key=new)
    assert_accepted(world, key=new, header={"kid": None})
    replace_keys(world, public(new))
    assert_refused_everywhere(world, key=old)


def test_11_unknown_header_members_are_ignored_except_crit(world: OAuthWorld) -> None:
    certificate = base64.b64encode(b"\x30\x82" * 400).decode()
    kinds = [{"typ": "JWT"}, {"typ": "client-authentication+jwt"}]
    for header in (*kinds, {"foo": "bar"}, {"x5c": [certificate]}):
        for path in PATHS:
            assert_accepted(world, path, header=header)
    critical: list[Any] = [{"crit": ["foo"], "foo": 1}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": NULL}]
    for header in critical:
        assert_refused_everywhere(world, header=header)


def test_11_key_in_header_is_ignored(world: OAuthWorld) -> None:
    key = new_key()
    assert_refused_everywhere(world, key=key, header={"jwk": public(key)})
    assert_refused_everywhere(
        world, key=key, header={"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"}
    )


def test_13_stored_short_key_is_rejected(world: OAuthWorld) -> None:
    # Registration refuses such a key, so this test stores it directly.
    with warnings.catch_warnings(action="ignore"):
        short = RSAKey.generate_key(1024, {"kid": "k1"})
    replace_keys(world, public(short))
    assert_refused_everywhere(world, header={"alg": "PS256"}, key=short)
