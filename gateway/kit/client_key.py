"""Private ES256 keys of clients as JWK (RFC 7517, RFC 7518 section 6.2), random or derived from a seed."""

import secrets
from typing import Any

from joserfc.jwk import ECKey, KeyParameters

ALGORITHM = "ES256"


def private_jwk(seed: bytes | None = None) -> dict[str, Any]:
    """Returns a private P-256 key with `alg`, and its RFC 7638 thumbprint as `kid`. The same seed of 32 bytes returns
    the same key; without a seed the key is random."""
    parameters: KeyParameters = {"use": "sig", "alg": ALGORITHM}
    key = ECKey.derive_key(seed or secrets.token_bytes(32), "P-256", parameters=parameters, auto_kid=True)
    return dict(key.as_dict(private=True))


def public_jwks(jwk: dict[str, Any]) -> dict[str, Any]:
    """Returns the JWK Set with the public key of this private JWK, as a client registers it."""
    return {"keys": [{name: value for name, value in jwk.items() if name != "d"}]}
