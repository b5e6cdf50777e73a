"""What a client says about itself when it is registered (RFC 7591 section 2), once it has been checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """Of a client of the profile fapi2. `jwks` holds its public keys, all of which fit `signing_alg` if there is one;
    or else `jwks_uri` is where they are. `scopes` and `types`, of authorization details, are None where it asked for
    none in particular."""

    name: str | None
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    signing_alg: str | None
    scopes: tuple[str, ...] | None
    types: tuple[str, ...] | None
