"""Reads `grant_management_action` and `grant_id` of an authorization request (Grant Management for OAuth 2.0)."""

from collections.abc import Mapping

from authlib.oauth2.rfc6749.errors import InvalidRequestError, OAuth2Error

from gateway.domain.consents.change import Change, GrantAction
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.consents.request import Request
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime
from gateway.oauth.clients.client import Client
from gateway.store.unit import UnitOfWork

ACTION, GRANT_ID = "grant_management_action", "grant_id"
CREATE = "create"
ACTIONS = (CREATE, *GrantAction)


class InvalidGrantIdError(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """The grant_id is unknown, of another client, or of a grant that cannot be changed. It does not say which."""

    error = "invalid_grant_id"


def require_new(data: Mapping[str, str]) -> None:
    """Raises InvalidRequestError if the request asks to change a grant. For endpoints that only make new grants."""
    if data.get(ACTION, CREATE) != CREATE or GRANT_ID in data:
        raise InvalidRequestError("Only a pushed authorization request can change a grant.")


def load_change(
    unit: UnitOfWork, client: Client, data: Mapping[str, str], asked: Request, now: BusinessTime
) -> Change | None:
    """The change of a grant that the request asks for, None if it asks for a new grant. Raises InvalidRequestError,
    InvalidGrantIdError."""
    action, grant_id = data.get(ACTION, CREATE), data.get(GRANT_ID)
    if action not in ACTIONS:
        raise InvalidRequestError(f"grant_management_action must be one of: {' '.join(ACTIONS)}.")
    if (action == CREATE) != (grant_id is None):
        raise InvalidRequestError("The actions merge and replace need a grant_id. No other action takes one.")
    if grant_id is None:
        return None
    consent = unit.consents.load(grant_id) if grant_id.isprintable() else None
    own = consent is not None and consent.client_id == client.id and not consent.single_use
    if consent is None or not own or consent.status(now) is not ConsentStatus.ACTIVE:
        raise InvalidGrantIdError("The client has no such grant.")
    change = Change(GrantAction(action), consent, unit.consent_versions.load_latest_number(consent.id))
    try:
        change.require_possible(asked, now)
    except InvalidInput as error:
        raise InvalidRequestError(error.message) from None
    return change
