"""Client authentication (RFC 6749 section 2.3): the one place where a client proves who it is, at every endpoint."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError

from gateway.domain.realm import Realm
from gateway.kit.crypto import digest

METHODS: Mapping[str, tuple[str, ...]] = {"baseline": ("client_secret_basic",)}
"""The methods of each client profile."""

_IN_BODY = ("client_secret", "client_assertion", "client_assertion_type")


def supported(realm: Realm) -> list[str]:
    """The methods of the realm's client profiles, for the metadata (RFC 8414 section 2)."""
    profiles = [profile for profile in METHODS if profile in realm.profiles]
    return list(dict.fromkeys(method for profile in profiles for method in METHODS[profile]))


def require_one_method(request: Any) -> None:
    """Raises InvalidRequestError for credentials in the body: no profile takes them there, and beside a header they
    would be a second method (RFC 6749 section 2.3)."""
    if any(name in request.form for name in _IN_BODY):
        raise InvalidRequestError("Client credentials belong in the Authorization header, and nowhere else.")


def client_secret_basic(query_client: Callable[[str], Any], request: Any) -> Any:
    """The client whose id and secret stand in the Authorization header, None if they are wrong. Both are
    form-encoded before they are joined (RFC 6749 section 2.3.1)."""
    credentials = _basic(request.frozen.authorization)
    if credentials is None:
        return None
    client_id, secret = credentials
    client = query_client(client_id)
    expected = client.row.secret_digest if client else None
    # An unknown client costs the same comparison as a wrong secret.
    right = hmac.compare_digest(digest(secret), expected or digest(client_id))
    return client if expected and right else None


def require_same_client(client: Any, request: Any) -> None:
    """Raises InvalidClientError when the body names another client than the one that authenticated."""
    named = request.form.get("client_id")
    if named is not None and named != client.id:
        raise InvalidClientError("The client_id is not that of the authenticated client.")


REGISTERED: Mapping[str, Callable[[Callable[[str], Any], Any], Any]] = {"client_secret_basic": client_secret_basic}
"""Every method by its registered name (RFC 7591 section 2)."""


def _basic(header: str | None) -> tuple[str, str] | None:
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        return None
    usable = colon and client_id and secret and (client_id + secret).isprintable()
    return (client_id, secret) if usable else None
