"""By which key and algorithm a client assertion is signed, and what its header may say (FAPI 2.0 section 5.4)."""

import base64
import warnings
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from gateway.kit import json
from tests.support.assertions import PATHS, accepted, other_keys, refused, refused_everywhere, send
from tests.support.fapi import ASSERTION_TYPE, NULL, new_key, public
from tests.support.oauth_world import OAuthWorld


def test_9_unsigned(world: OAuthWorld) -> None:
    claims = world.bank.assertion().split(".")[1]
    for alg in ("none", "None", "NONE", ""):
        header = base64.urlsafe_b64encode(json.encode({"alg": alg})).rstrip(b"=").decode()
        form = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": f"{header}.{claims}."}
        for path in PATHS:
            refused(send(world, path, form))


def test_9_keyed_with_the_public_key(world: OAuthWorld) -> None:
    public_key = world.bank.key.as_pem(private=False)
    for secret in (public_key, public_key.strip(), json.encode(public(world.bank.key))):
        refused_everywhere(world, header={"alg": "HS256", "kid": "k1"}, key=secret)


@pytest.mark.parametrize("alg", ["RS256", "RS384", "PS384", "PS512"])
def test_9_another_algorithm_of_an_rsa_key(world: OAuthWorld, alg: str) -> None:
    key = new_key("PS256")
    other_keys(world, public(key))
    accepted(world, header={"alg": "PS256"}, key=key)
    refused_everywhere(world, header={"alg": alg}, key=key)


def test_9_an_algorithm_that_does_not_fit_the_key(world: OAuthWorld) -> None:
    rsa, okp = new_key("PS256", "rsa"), new_key("Ed25519", "okp")
    other_keys(world, public(rsa), public(okp))
    refused_everywhere(world, header={"alg": "ES256", "kid": "rsa"}, key=world.bank.key)
    refused_everywhere(world, header={"alg": "PS256", "kid": "okp"}, key=rsa)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519", "EdDSA"])
def test_9_what_is_accepted(world: OAuthWorld, alg: str) -> None:
    key = new_key(alg)
    other_keys(world, public(key))
    for path in PATHS:
        accepted(world, path, header={"alg": alg}, key=key)


def test_10_anothers_key_and_an_unknown_kid(world: OAuthWorld) -> None:
    refused_everywhere(world, key=world.rival.key)
    refused_everywhere(world, key=new_key())  # of the same kid
    kids: list[Any] = ["unknown", "", "x" * 300, 5, {}, ["k1"]]
    for kid in kids:
        refused_everywhere(world, header={"kid": kid})
    accepted(world, header={"kid": None})  # all keys are tried


def test_10_a_key_that_was_replaced(world: OAuthWorld) -> None:
    old, new = world.bank.key, new_key(kid="k2")
    other_keys(world, public(old), public(new))
    accepted(world, key=old)
    accepted(world, key=new)
    accepted(world, key=new, header={"kid": None})
    other_keys(world, public(new))
    refused_everywhere(world, key=old)


def test_11_header_members_that_are_not_known(world: OAuthWorld) -> None:
    certificate = base64.b64encode(b"\x30\x82" * 400).decode()
    kinds = [{"typ": "JWT"}, {"typ": "client-authentication+jwt"}]
    for header in (*kinds, {"foo": "bar"}, {"x5c": [certificate]}):
        for path in PATHS:
            accepted(world, path, header=header)
    critical: list[Any] = [{"crit": ["foo"], "foo": 1}, {"crit": ["b64"], "b64": False}, {"crit": []}, {"crit": NULL}]
    for header in critical:
        refused_everywhere(world, header=header)


def test_11_a_key_in_the_header_is_not_believed(world: OAuthWorld) -> None:
    key = new_key()
    refused_everywhere(world, key=key, header={"jwk": public(key)})
    refused_everywhere(world, key=key, header={"jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"})


def test_13_a_key_that_grew_too_short_is_not_used(world: OAuthWorld) -> None:
    # Registration refuses it; here it stands in the database all the same.
    with warnings.catch_warnings(action="ignore"):
        short = RSAKey.generate_key(1024, {"kid": "k1"})
    other_keys(world, public(short))
    refused_everywhere(world, header={"alg": "PS256"}, key=short)
