"""Public keys with weak numbers or unusual encodings (RFC 8725 section 3.4)."""

import base64
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

from gateway.kit.crypto import base64url
from gateway.kit.jose import JoseRefused, public_key, usable_key
from tests.support.fapi import new_key, public
from tests.support.weak_keys import SMALL_ORDER, WEAK, rsa_jwk


@pytest.mark.parametrize("jwk", [pytest.param(jwk, id=f"D6-{name}") for name, jwk in WEAK.items()])
def test_weak_key_is_refused(jwk: dict[str, Any]) -> None:
    with pytest.raises(JoseRefused):
        public_key(jwk)


@pytest.mark.parametrize("alg", ["ES256", "PS256", "Ed25519"])
def test_d6_strong_key_is_accepted(alg: str) -> None:
    assert all(usable_key(public(new_key(alg))) is not None for _ in range(3))


@pytest.mark.parametrize("exponent", [3, 17, 65537, 2**32 - 1])
def test_d6_usual_exponents_are_accepted(exponent: int) -> None:
    jwk = rsa_jwk(exponent=exponent)
    assert RSAPublicNumbers(exponent, int.from_bytes(_decode(jwk["n"]))).public_key().key_size == 2048
    assert usable_key(jwk) is not None


def test_d6_every_seed_makes_an_accepted_ed25519_key() -> None:
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32).public_key().public_bytes_raw() for n in range(256)]
    jwks = [{"kty": "OKP", "crv": "Ed25519", "x": base64url(key)} for key in keys]
    assert all(usable_key(jwk) is not None for jwk in jwks)


def test_d6_small_order_keys_verify_what_nobody_signed() -> None:
    """The reason for the refusal: for some of these keys the same 64 bytes are a signature of many messages."""
    forged = (1).to_bytes(32, "little") + bytes(32)
    verified = 0
    for jwk in SMALL_ORDER.values():
        try:
            Ed25519PublicKey.from_public_bytes(_decode(jwk["x"])).verify(forged, b"a message")
        except (InvalidSignature, ValueError):
            continue
        verified += 1
    assert verified > 0


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
