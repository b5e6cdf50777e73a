"""The check of the consent that a token belongs to: it must be active, and its user must not be disabled. And what of
it a token can use."""

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidScopeError

from gateway.domain import scope
from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.kit.clock import WallTime
from gateway.oauth.clients.client import Client
from gateway.store.unit import UnitOfWork

_NOT_ACTIVE = "The consent is no longer active. Ask the person again."


def lock_active_consent(unit: UnitOfWork, consent_id: str) -> Consent:
    """The consent, locked until the unit of work ends. Raises InvalidGrantError as `require_active` does."""
    consent = unit.consents.lock(consent_id)
    user = unit.users.load(consent.user_id) if consent is not None else None
    if consent is None or user is None:
        raise InvalidGrantError(_NOT_ACTIVE)
    require_active(unit, consent, user.disabled_at)
    return consent


def require_active(unit: UnitOfWork, consent: Consent, user_disabled_at: WallTime | None) -> None:
    """Raises InvalidGrantError if the consent is revoked, expired (in business time), or its user is disabled."""
    has_ended = consent.status(unit.business_time(consent.merchant_id)) is not ConsentStatus.ACTIVE
    if has_ended or user_disabled_at is not None:
        raise InvalidGrantError(_NOT_ACTIVE)


def usable_scopes(unit: UnitOfWork, client: Client, consent: Consent) -> tuple[str, ...]:
    """The scopes of the consent that a token of this client can use now: those of details in force, limited to the
    present rights of the client. They may be fewer than the person granted (RFC 6749 section 5.1). Raises
    InvalidScopeError if there are none."""
    now = unit.business_time(consent.merchant_id)
    scopes = scope.restrict(consent.scopes_in_force(now), client.allowed)
    if not scopes:
        raise InvalidScopeError("The client may no longer use any scope of the consent.")
    return scopes
