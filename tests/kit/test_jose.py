"""Compact JWS and JWK of other parties."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64decode

from gateway.kit import jose, json
from gateway.kit.crypto import base64url
from gateway.kit.jose import JoseRefused
from tests.support.fapi import new_key, public, signed

KEY = new_key()
HEADER = {"alg": "ES256"}


def verified(token: str, jwk: dict[str, Any] | None = None) -> Any:
    return jose.verify(jose.read_unverified(token), jose.public_key(jwk or public(KEY))).claims


def test_claims_of_signed_token_are_returned() -> None:
    assert [verified(signed(HEADER, {"jti": jti}, KEY)) for jti in ("a", "b")] == [{"jti": "a"}, {"jti": "b"}]


def test_signature_of_another_token_with_the_same_header_is_refused() -> None:
    header, _, signature = signed(HEADER, {"jti": "a"}, KEY).split(".")
    token = ".".join((header, base64url(b'{"jti":"b"}'), signature))
    with pytest.raises(JoseRefused, match="signature"):
        verified(token)


def test_signature_of_another_key_is_refused() -> None:
    token = signed(HEADER, {}, KEY)
    assert verified(token) == {}
    with pytest.raises(JoseRefused, match="signature"):
        verified(token, public(new_key()))


@pytest.mark.parametrize("alg", jose.ALGORITHMS)
def test_each_accepted_algorithm_is_verified(alg: str) -> None:
    key = new_key(alg)
    header, claims, signature = signed({"alg": alg}, {"jti": "a"}, key).split(".")
    assert verified(".".join((header, claims, signature)), public(key)) == {"jti": "a"}
    wrong = base64url(urlsafe_b64decode(signature.encode())[::-1])
    with pytest.raises(JoseRefused, match="signature"):
        verified(".".join((header, claims, wrong)), public(key))


@pytest.mark.parametrize(
    "changed",
    [lambda text: text + b"\0", lambda text: text[:-1], lambda text: text[:32] + b"\0" + text[32:]],
    ids=["longer", "shorter", "longer-second-number"],
)
def test_signature_of_another_length_is_refused(changed: Callable[[bytes], bytes]) -> None:
    header, claims, signature = signed(HEADER, {}, KEY).split(".")
    with pytest.raises(JoseRefused, match="signature"):
        verified(".".join((header, claims, base64url(changed(urlsafe_b64decode(signature.encode()))))))


def test_ps256_with_another_length_of_salt_is_refused() -> None:
    key = new_key("PS256")
    assert isinstance(key, RSAKey)
    assert key.private_key is not None
    text = ".".join(base64url(json.encode(part)) for part in ({"alg": "PS256"}, {}))
    for length, is_accepted in ((32, True), (20, False)):
        signature = key.private_key.sign(text.encode(), PSS(MGF1(SHA256()), length), SHA256())
        token = f"{text}.{base64url(signature)}"
        if is_accepted:
            assert verified(token, public(key)) == {}
        else:
            with pytest.raises(JoseRefused, match="signature"):
                verified(token, public(key))


def test_algorithm_other_than_that_of_the_key_is_refused() -> None:
    key = new_key("EdDSA")
    for alg in ("Ed25519", "EdDSA"):
        jwk = {**public(key), "alg": alg}
        assert verified(signed({"alg": alg}, {}, key), jwk) == {}
        other = {"Ed25519": "EdDSA", "EdDSA": "Ed25519"}[alg]
        with pytest.raises(JoseRefused, match="signature"):
            verified(signed({"alg": other}, {}, key), jwk)


@pytest.mark.parametrize("size", [100, 5_000])
def test_header_of_any_accepted_size_is_read(size: int) -> None:
    header = {**HEADER, "note": "a" * size}
    assert jose.read_unverified(signed(header, {}, KEY)).header == header
    assert verified(signed(header, {}, KEY)) == {}


@pytest.mark.parametrize(
    "changed", [{"b64": False}, {"kid": 5}, {"crit": ["b64"]}, {"crit": ["b64"], "b64": False}, {"note": "a" * 9_000}]
)
def test_unacceptable_header_is_refused(changed: dict[str, Any]) -> None:
    for _ in range(2):  # also if the same header was read before
        with pytest.raises(JoseRefused):
            verified(signed({**HEADER, **changed}, {}, KEY))


@pytest.mark.parametrize("extra", ["a", "a" * 5_000, 2**70, "\ud800", {"deep": [1.5]}])
def test_other_members_of_a_key_make_no_difference(extra: object) -> None:
    keys = [jose.public_key(jwk) for jwk in (public(KEY), {**public(KEY), "note": extra})]
    assert keys[0].thumbprint == keys[1].thumbprint == KEY.thumbprint()


def test_changed_key_is_checked_again() -> None:
    jwk = public(KEY)
    first = jose.public_key(jwk)
    jwk["alg"] = "PS256"
    with pytest.raises(JoseRefused):
        jose.public_key(jwk)
    assert jose.public_key(public(KEY)).thumbprint == first.thumbprint
