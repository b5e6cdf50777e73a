"""Reads `scope` and `authorization_details` of an authorization request (RFC 9396) and completes them."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, OAuth2Error

from gateway.domain import scope
from gateway.domain.authorization_detail import AuthorizationDetail, parse_details
from gateway.domain.errors import InvalidInput
from gateway.domain.scope import TokenKind
from gateway.kit import json
from gateway.oauth.client import Client
from gateway.services.consents import ConsentService, Request
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow

NAME = "authorization_details"


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 9396 section 5."""

    error = "invalid_authorization_details"


def requested(
    session: Session, consents: ConsentService, client: Client, merchant: MerchantRow, data: dict[str, str]
) -> Request:
    """The complete request behind the parameters in `data`. Raises InvalidRequestError when both are absent,
    InvalidScopeError, InvalidAuthorizationDetailsError."""
    names = scope.parse(data.get("scope"))
    text = data.get(NAME)
    if not names and text is None:
        raise InvalidRequestError("At least one of scope and authorization_details is required.")
    details = _parsed(text) if text is not None else ()
    for index, detail in enumerate(details):
        if not client.may_hold(detail.scope, TokenKind.USER):
            raise InvalidAuthorizationDetailsError(f"Detail {index}: the client may not ask for {detail.scope}.")
    try:
        consents.complete(session, merchant, (), details)
    except InvalidInput as error:
        raise _refused(error) from None
    try:
        return consents.complete(session, merchant, names, details)
    except InvalidInput as error:  # the details alone were right, so it is what the scopes stand for
        raise InvalidScopeError(_ascii(error.message)) from None


def _parsed(text: str) -> tuple[AuthorizationDetail, ...]:
    try:
        value: Any = json.decode(text)
    except ValueError:
        raise InvalidAuthorizationDetailsError("authorization_details is not JSON.") from None
    try:
        return parse_details(value)
    except InvalidInput as error:
        raise _refused(error) from None


def _refused(error: InvalidInput) -> InvalidAuthorizationDetailsError:
    place = ".".join(error.field or ())
    return InvalidAuthorizationDetailsError(_ascii(f"{place}: {error.message}" if place else error.message))


def _ascii(text: str) -> str:
    """The text in the characters that an error_description may have (RFC 6749 section 5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in text)
