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
    """A sealed value cannot be opened: the key or the context is wrong, or bytes were changed."""


def digest(secret: str) -> str:
    """Returns SHA-256 hex. Tokens, codes and request_uris are stored in this form only."""
    return hashlib.sha256(secret.encode()).hexdigest()


def random_token(prefix: str) -> str:
    """Returns a new secret of 256 random bits, after a prefix that secret scanners can find."""
    return f"{prefix}{base64url(secrets.token_bytes(32))}"


def base64url(data: bytes) -> str:
    """Returns base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def derive(master: bytes, context: str, length: int = 32) -> bytes:
    """Returns `length` bytes (at most 32) that only a holder of the master key can compute, one value per context."""
    return hmac.digest(master, context.encode(), "sha256")[:length]


class Secrets:
    """Derives secrets from the master key, one per context."""

    def __init__(self, master: bytes) -> None:
        self._master = master

    def derive(self, context: str, length: int = 32) -> bytes:
        """Returns `length` bytes (at most 32) for this context."""
        return derive(self._master, context, length)


def seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Encrypts with AES-256-GCM. Returns nonce, ciphertext and tag. `context` is authenticated but not stored."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Returns the plain bytes. Raises SealBroken."""
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the sealed value cannot be opened with this key") from error


class SigningKey:
    """An Ed25519 key pair. `kid` is the RFC 7638 thumbprint of the public key."""

    def __init__(self, private: bytes | None = None) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(private) if private else Ed25519PrivateKey.generate()
        self.public = self._key.public_key().public_bytes_raw()
        self.private = self._key.private_bytes_raw()
        self.kid = thumbprint(self.public)

    def sign(self, message: bytes) -> bytes:
        """Returns a signature of 64 bytes (RFC 8032)."""
        return self._key.sign(message)


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message was made by the Ed25519 key with these 32 public bytes."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def thumbprint(public: bytes) -> str:
    """Returns the RFC 7638 thumbprint (SHA-256, base64url) of an Ed25519 public key as a JWK."""
    jwk = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url(public)}"}}'
    return base64url(hashlib.sha256(jwk.encode()).digest())
