"""Verifies signatures of JWS in the accepted algorithms: ES256, PS256 and Ed25519 (RFC 7518 section 3, RFC 8037)."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PublicKey = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey

_SHA256 = SHA256()
_ECDSA = ECDSA(_SHA256)
_PSS = PSS(mgf=MGF1(_SHA256), salt_length=_SHA256.digest_size)
_NUMBER_BYTES = 32
"""Bytes of each of the two numbers of an ES256 signature."""


def is_signed_by(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message was made with this key: ES256 for a P-256 key, PS256 for an RSA key,
    Ed25519 for an Ed25519 key."""
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(_to_der(signature), message, _ECDSA)
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, message, _PSS, _SHA256)
        else:
            key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _to_der(signature: bytes) -> bytes:
    """Returns the ES256 signature in the form that the library reads. Raises ValueError for another length."""
    if len(signature) != 2 * _NUMBER_BYTES:
        raise ValueError("an ES256 signature has 64 bytes")
    r, s = signature[:_NUMBER_BYTES], signature[_NUMBER_BYTES:]
    return encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
