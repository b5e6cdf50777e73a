"""Private ES256 keys of clients as JWK (RFC 7517, RFC 7518 section 6.2): made fresh, or derived from a seed."""

import secrets
from typing import Any

from joserfc.jwk import ECKey, KeyParameters

ALGORITHM = "ES256"


def private_jwk(seed: bytes | None = None) -> dict[str, Any]:
    """A private P-256 key with its `alg` and, as `kid`, its RFC 7638 thumbprint. The same seed of 32 bytes gives the
    same key each time; without a seed it is a fresh one."""
    named: KeyParameters = {"use": "sig", "alg": ALGORITHM}
    key = ECKey.derive_key(seed or secrets.token_bytes(32), "P-256", parameters=named, auto_kid=True)
    return dict(key.as_dict(private=True))


def public_half(jwk: dict[str, Any]) -> dict[str, Any]:
    """The key set that holds the public half of this private JWK, as a client registers it."""
    return {"keys": [{name: value for name, value in jwk.items() if name != "d"}]}
