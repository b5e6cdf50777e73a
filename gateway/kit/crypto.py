"""Keys and digests: SHA-256 of secrets, AES-256-GCM sealing, Ed25519 signatures, HMAC-derived secrets."""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12


class SealBroken(Exception):
    """A sealed value does not open: another key, another context, or changed bytes."""


def digest(secret: str) -> str:
    """SHA-256 hex: the only form in which tokens, codes and request_uris are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def random_token(prefix: str) -> str:
    """A fresh secret of 256 random bits behind a prefix that secret scanners can find."""
    return f"{prefix}{base64url(secrets.token_bytes(32))}"


def base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def derive(master: bytes, context: str, length: int = 32) -> bytes:
    """`length` bytes (at most 32) that only the master key's holder can name, one value per context."""
    return hmac.new(master, context.encode(), hashlib.sha256).digest()[:length]


class Secrets:
    """Secrets derived from the master key, one for each context."""

    def __init__(self, master: bytes) -> None:
        self._master = master

    def derive(self, context: str, length: int = 32) -> bytes:
        """`length` bytes (at most 32) for this context."""
        return derive(self._master, context, length)


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """AES-256-GCM: nonce, then ciphertext with tag. `context` is authenticated, not stored."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The plain bytes. Raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the sealed value does not open with this key") from error


class SigningKey:
    """An Ed25519 key. `kid` is the RFC 7638 thumbprint of its public half, so it names the key for good."""

    def __init__(self, private: bytes | None = None) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private) if private else Ed25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes_raw()
        self.private = self._key.private_bytes_raw()
        self.kid = thumbprint(self.public)

    def sign(self, message: bytes) -> bytes:
        """64 bytes of signature (RFC 8032)."""
        return self._key.sign(message)


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """True when the signature over the message is by the Ed25519 key with these 32 public bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def thumbprint(public: bytes) -> str:
    """RFC 7638 thumbprint (SHA-256, base64url) of an Ed25519 public key as a JWK."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(public)}"}}'
    return base64url(hashlib.sha256(jwk.encode()).digest())
