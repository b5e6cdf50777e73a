"""Client authentication at all endpoints (RFC 6749 section 2.3)."""

import base64
import binascii
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidRequestError

from gateway.domain.environment import Environment
from gateway.domain.identity.client import BASELINE, FAPI2
from gateway.kit.crypto import digest
from gateway.oauth.clients import private_key_jwt
from gateway.oauth.clients.private_key_jwt import Assertion
from gateway.oauth.request_parsing import ParsedRequest, split_authorization

METHODS: Mapping[str, tuple[str, ...]] = {BASELINE: ("client_secret_basic",), FAPI2: (private_key_jwt.METHOD,)}
"""The methods of each client profile."""


def supported(environment: Environment) -> list[str]:
    """The methods of the environment's client profiles, for the metadata (RFC 8414 section 2)."""
    profiles = [profile for profile in METHODS if profile in environment.profiles]
    return list(dict.fromkeys(method for profile in profiles for method in METHODS[profile]))


def require_one_method(request: ParsedRequest) -> None:
    """Raises InvalidClientError if an assertion comes with another method (RFC 6749 section 2.3, RFC 7521 section
    4.2.1), InvalidRequestError for a secret in the body, which no profile allows."""
    asserted = any(name.startswith("client_assertion") for name in request.form)
    if asserted and (request.authorization is not None or "client_secret" in request.form):
        raise InvalidClientError("There is more than one client authentication.")
    if "client_secret" in request.form:
        raise InvalidRequestError("Send the client secret in the Authorization header, not in the body.")


def client_secret_basic(query_client: Callable[[str], Any], request: Any) -> Any:
    """The client whose id and secret are in the Authorization header, None if they are missing or wrong. Clients
    form-encode both before they join them (RFC 6749 section 2.3.1)."""
    credentials = _basic(request.parsed.authorization)
    if credentials is None:
        return None
    client_id, secret = credentials
    client = query_client(client_id)
    expected = client.row.secret_digest if client else None
    # The comparison also runs for an unknown client, so that its time shows no difference.
    right = hmac.compare_digest(digest(secret), expected or digest(client_id))
    return client if expected and right else None


def require_same_client(client: Any, request: Any) -> None:
    """Raises InvalidClientError if the client_id in the body is not that of the authenticated client."""
    named = request.form.get("client_id")
    if named is not None and named != client.id:
        raise InvalidClientError("The client_id is not that of the authenticated client.")


def methods(assertion: Assertion | None) -> dict[str, Callable[[Callable[[str], Any], Any], Any]]:
    """All methods by their registered names (RFC 7591 section 2), for a request with this assertion."""

    def by_assertion(query_client: Callable[[str], Any], _: Any) -> Any:
        """The client that signed the assertion. None without an assertion, or if its keys have changed since. Raises
        ClientChanged."""
        client = query_client(assertion.client.id) if assertion else None
        return client if assertion and assertion.is_of(client and client.row) else None

    return {"client_secret_basic": client_secret_basic, private_key_jwt.METHOD: by_assertion}


def _basic(header: str | None) -> tuple[str, str] | None:
    scheme, encoded = split_authorization(header or "")
    if scheme != "basic":
        return None
    try:
        text = base64.b64decode(encoded, validate=True).decode("utf-8")
        client_id, colon, secret = text.partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        return None
    usable = colon and client_id and secret and (client_id + secret).isprintable()
    return (client_id, secret) if usable else None
