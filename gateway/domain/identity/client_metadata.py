"""The checked metadata of a client registration (RFC 7591 section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ClientMetadata:
    """The metadata of a fapi2 client. Either `jwks` holds its public keys, which all fit `signing_alg` if that is set,
    or `jwks_uri` is their address. `scopes` and `types` (of authorization details) are None if the client did not
    request specific ones."""

    name: str | None
    redirect_uris: tuple[str, ...]
    grant_types: tuple[str, ...]
    jwks: Mapping[str, Any] | None
    jwks_uri: str | None
    signing_alg: str | None
    scopes: tuple[str, ...] | None
    types: tuple[str, ...] | None
