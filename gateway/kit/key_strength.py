"""Checks of the numbers of public keys, which the libraries below do not make or make only at the first signature.

Sources: RFC 8725 section 3.4 (validate cryptographic inputs), RFC 7518 section 6 and RFC 8037 section 2 (encoding),
RFC 8032 section 5.1.3 (Ed25519 points), NIST SP 800-89 section 5.3.3 (RSA).
"""

import base64
from collections.abc import Mapping
from math import gcd, prod
from typing import Any

from gateway.kit.crypto import base64url

RSA_BITS = (2048, 4096)
LARGEST_EXPONENT = 2**32 - 1

_COORDINATE_BYTES = 32
_P = 2**255 - 19
"""The prime of the field of Ed25519."""

_D = -121665 * pow(121666, -1, _P) % _P
"""The constant of the curve -x^2 + y^2 = 1 + d x^2 y^2."""

_ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
_SMALL_ORDER = frozenset({0, 1, _P - 1, _ORDER_8, _P - _ORDER_8})
"""The y coordinates of the eight points whose order divides 8. Under such a key anybody can make a signature."""

_SMALL_PRIMES = prod(n for n in range(3, 752) if all(n % divisor for divisor in range(2, n)))


class WeakKey(ValueError):
    """The numbers of a public key are not acceptable. The message contains nothing of the key."""


def require_strong_numbers(jwk: Mapping[str, Any]) -> None:
    """Raises WeakKey for a JWK of type EC (P-256), RSA or OKP (Ed25519) with an unusual encoding of its numbers, for an
    RSA modulus or exponent that is not secure, and for an Ed25519 point that is not on the curve, not canonical or of
    small order. Whether an EC point is on its curve is checked by the library that imports it."""
    if jwk["kty"] == "RSA":
        _require_rsa(_read(jwk, "n"), _read(jwk, "e"))
        return
    coordinates = [_read(jwk, name) for name in ("x", "y") if name == "x" or jwk["kty"] == "EC"]
    if any(len(coordinate) != _COORDINATE_BYTES for coordinate in coordinates):
        raise WeakKey(f"A coordinate must have {_COORDINATE_BYTES} bytes.")
    if jwk["kty"] == "OKP":
        _require_ed25519(coordinates[0])


def _read(jwk: Mapping[str, Any], name: str) -> bytes:
    """The bytes of a member. Raises WeakKey unless it is base64url without padding, in its only form (RFC 7515 section
    2): a key with two encodings would have two thumbprints."""
    text = jwk.get(name)
    if not isinstance(text, str) or not text.isascii():
        raise WeakKey(f"The member {name} must be base64url.")
    try:
        value = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise WeakKey(f"The member {name} must be base64url.") from None
    if not value or base64url(value) != text:
        raise WeakKey(f"The member {name} must be base64url.")
    return value


def _require_rsa(modulus_bytes: bytes, exponent_bytes: bytes) -> None:
    if modulus_bytes[0] == 0 or exponent_bytes[0] == 0:
        raise WeakKey("The numbers of an RSA key must not begin with a zero byte.")
    modulus, exponent = int.from_bytes(modulus_bytes), int.from_bytes(exponent_bytes)
    if not RSA_BITS[0] <= modulus.bit_length() <= RSA_BITS[1]:
        raise WeakKey(f"An RSA key must have {RSA_BITS[0]} to {RSA_BITS[1]} bits.")
    if modulus % 2 == 0 or gcd(modulus, _SMALL_PRIMES) != 1:
        raise WeakKey("The modulus of an RSA key must not have small factors.")
    if exponent % 2 == 0 or not 3 <= exponent <= LARGEST_EXPONENT:
        raise WeakKey("The exponent of an RSA key must be odd, from 3 to 4294967295.")


def _require_ed25519(point: bytes) -> None:
    y = int.from_bytes(point, "little") & (1 << 255) - 1  # the last bit is the sign of x
    if y >= _P or y in _SMALL_ORDER:
        raise WeakKey("An Ed25519 key must be a canonical point that is not of small order.")
    # x^2 = u / v has a root if u * v is a square (Euler's criterion).
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    if pow(u * v, (_P - 1) // 2, _P) != 1:
        raise WeakKey("An Ed25519 key must be a point of the curve.")
