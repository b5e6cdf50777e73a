"""Public keys that must be refused wherever a key enters: weak numbers, unusual encodings, and private members."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey

from gateway.kit.crypto import base64url
from tests.support.fapi import new_key, public

P = 2**255 - 19
ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_GOOD_EC, _GOOD_RSA, _GOOD_OKP = (public(new_key(alg, kid=None)) for alg in ("ES256", "PS256", "Ed25519"))
_MODULUS = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
_SHORT = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n  # noqa: S505


def ed25519(y: int, sign: int = 0) -> dict[str, Any]:
    """The JWK of the point with this y coordinate, and with this sign of x."""
    return {"kty": "OKP", "crv": "Ed25519", "x": base64url((y | sign << 255).to_bytes(32, "little"))}


def rsa_jwk(modulus: int = _MODULUS, exponent: int = 65537) -> dict[str, Any]:
    """The JWK of an RSA key with these numbers."""
    return {"kty": "RSA", "n": _unsigned(modulus), "e": _unsigned(exponent)}


def _unsigned(number: int) -> str:
    return base64url(number.to_bytes(max(1, (number.bit_length() + 7) // 8)))


def _with_spare_bits(text: str) -> str:
    """The same bytes in another base64url text: the last character has bits that no byte uses."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return text[:-1] + alphabet[alphabet.index(text[-1]) + 1]


SMALL_ORDER = {
    f"ed25519-{name}-{sign}": ed25519(y, sign)
    for name, y in {"one": 1, "zero": 0, "minus-one": P - 1, "order-8": ORDER_8, "minus-order-8": P - ORDER_8}.items()
    for sign in (0, 1)
}
"""Every encoding of the eight points of small order of Ed25519."""

WEAK: dict[str, dict[str, Any]] = {
    **SMALL_ORDER,
    **{f"ed25519-above-p-{offset}-{sign}": ed25519(P + offset, sign) for offset in (0, 1, 3, 18) for sign in (0, 1)},
    "ed25519-off-curve": ed25519(2),
    "ed25519-short": {"kty": "OKP", "crv": "Ed25519", "x": base64url(bytes(31))},
    "ed25519-padded": {**_GOOD_OKP, "x": _GOOD_OKP["x"] + "="},
    "ed25519-spare-bits": {**_GOOD_OKP, "x": _with_spare_bits(_GOOD_OKP["x"])},
    "ed25519-no-x": {"kty": "OKP", "crv": "Ed25519"},
    "x25519": {**_GOOD_OKP, "crv": "X25519"},
    "ec-off-curve": {**_GOOD_EC, "y": _GOOD_EC["x"]},
    "ec-zero": {**_GOOD_EC, "x": base64url(bytes(32)), "y": base64url(bytes(32))},
    "ec-above-p": {**_GOOD_EC, "x": base64url(b"\xff" * 32)},
    "ec-long-coordinate": {**_GOOD_EC, "x": "AAAA" + _GOOD_EC["x"]},
    "ec-spare-bits": {**_GOOD_EC, "y": _with_spare_bits(_GOOD_EC["y"])},
    "ec-wrong-type": {**_GOOD_EC, "x": 5},
    "p-384": public(ECKey.generate_key("P-384")),
    "p-521": public(ECKey.generate_key("P-521")),
    "secp256k1": public(ECKey.generate_key("secp256k1")),
    "rsa-1024": rsa_jwk(_SHORT),
    "rsa-2047": rsa_jwk(2**2047 - 1),
    "rsa-4097": rsa_jwk(2**4096 + 1),
    "rsa-even-modulus": rsa_jwk(_MODULUS + 1),
    "rsa-small-factor": rsa_jwk(_SHORT * _SHORT * 751),
    "rsa-leading-zero": {**_GOOD_RSA, "n": base64url(b"\0" + _MODULUS.to_bytes(256))},
    **{f"rsa-exponent-{e}": rsa_jwk(exponent=e) for e in (0, 1, 2, 65536, 2**32 + 1)},
    "rsa-multiprime": {**_GOOD_RSA, "oth": []},
    **{f"ec-with-{name}": {**_GOOD_EC, name: "AA"} for name in ("d", "k", "p", "qi")},
    "symmetric": {"kty": "oct", "k": "AAAA"},
    "ec-for-encryption": {**_GOOD_EC, "use": "enc"},
    "ec-key-ops": {**_GOOD_EC, "key_ops": ["deriveBits"]},
}
"""One JWK for each way in which a key can be unacceptable."""

SAMPLES = ("ed25519-one-0", "ed25519-above-p-1-0", "ec-off-curve", "rsa-even-modulus", "rsa-exponent-1", "p-384")
"""Names of one key of each kind, for the tests of the places where keys enter."""
