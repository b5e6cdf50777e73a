"""Reads `scope` and `authorization_details` of an authorization request (RFC 9396) and completes them."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidRequestError, InvalidScopeError, OAuth2Error

from gateway.domain import scope
from gateway.domain.consents.authorization_detail import AuthorizationDetail, parse_details
from gateway.domain.consents.request import Request
from gateway.domain.errors import InvalidInput
from gateway.domain.scope import TokenKind
from gateway.kit import json
from gateway.oauth.clients.client import Client
from gateway.services.consents.completion import ScopesNotCovered
from gateway.services.consents.service import ConsentService
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork

NAME = "authorization_details"


class InvalidAuthorizationDetailsError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """RFC 9396 section 5."""

    error = "invalid_authorization_details"


def read_request(
    unit: UnitOfWork,
    consents: ConsentService,
    client: Client,
    merchant: MerchantRow,
    data: dict[str, str],
    *,
    at_point_of_sale: bool = False,
) -> Request:
    """The complete request of the parameters in `data`. A decision detail must have a store, a terminal and an amount
    if `at_point_of_sale`, and must not have a store otherwise. Raises InvalidRequestError if both parameters are
    absent, InvalidScopeError, InvalidAuthorizationDetailsError."""
    names = scope.parse(data.get("scope"))
    text = data.get(NAME)
    if not names and text is None:
        raise InvalidRequestError("At least one of scope and authorization_details is required.")
    details = _parse(text) if text is not None else ()
    for index, detail in enumerate(details):
        types = client.row.authorization_details_types
        if types is not None and detail.type not in types:
            raise InvalidAuthorizationDetailsError(f"{index}: the client is not registered for {detail.type} details.")
        if not client.may_hold(detail.scope, TokenKind.USER):
            raise InvalidAuthorizationDetailsError(f"{index}: the client may not ask for {detail.scope}.")
    if at_point_of_sale:
        _require_point_of_sale(names, details)
    elif any(detail.point_of_sale for detail in details):
        raise InvalidAuthorizationDetailsError("store_id and terminal_id are for device authorization requests only.")
    try:
        return consents.complete_request(unit, merchant, names, details)
    except ScopesNotCovered as error:
        raise InvalidScopeError(_ascii(error.message)) from None
    except InvalidInput as error:
        raise _build_error(error) from None


def _require_point_of_sale(names: tuple[str, ...], details: tuple[AuthorizationDetail, ...]) -> None:
    decisions = [(index, detail) for index, detail in enumerate(details) if detail.type == "decision"]
    for index, detail in decisions:
        if detail.point_of_sale is None or detail.maximum_amount is None:
            raise InvalidAuthorizationDetailsError(
                f"{index}: at a point of sale, a decision detail needs store_id, terminal_id and maximum_amount."
            )
    decision_scopes = [name for name in names if name.startswith("decisions:")]
    if decision_scopes and not decisions:
        raise InvalidScopeError(
            f"At a point of sale, {decision_scopes[0]} needs a decision detail in authorization_details with products,"
            " maximum_amount, store_id and terminal_id."
        )


def _parse(text: str) -> tuple[AuthorizationDetail, ...]:
    try:
        value: Any = json.decode_unique(text)
    except ValueError:
        raise InvalidAuthorizationDetailsError("authorization_details is not JSON, or has a member twice.") from None
    try:
        return parse_details(value)
    except InvalidInput as error:
        raise _build_error(error) from None


def _build_error(error: InvalidInput) -> InvalidAuthorizationDetailsError:
    field = ".".join(error.field or ())
    return InvalidAuthorizationDetailsError(_ascii(f"{field}: {error.message}" if field else error.message))


def _ascii(text: str) -> str:
    """The text without the characters that an error_description must not have (RFC 6749 section 5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in text)
