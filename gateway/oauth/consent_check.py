"""The check of the consent that a token belongs to: it must be active, and its user must not be disabled."""

from authlib.oauth2.rfc6749.errors import InvalidGrantError

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.kit.clock import WallTime
from gateway.store.unit import UnitOfWork


def lock_active_consent(unit: UnitOfWork, consent_id: str) -> Consent:
    """The consent, locked until the unit of work ends. Raises InvalidGrantError if it is revoked, expired (in business
    time), or its user is disabled."""
    consent = unit.consents.lock(consent_id)
    if consent is None or consent.status(unit.business_time(consent.merchant_id)) is not ConsentStatus.ACTIVE:
        raise InvalidGrantError("The consent is no longer active. Ask the person again.")
    user = unit.users.load(consent.user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidGrantError("The consent is no longer active. Ask the person again.")
    return consent


def end_with_consent(unit: UnitOfWork, expires_at: WallTime, consent: Consent) -> WallTime:
    """The earlier of `expires_at` and the end of the consent, in wall time. A consent expires in business time, so a
    change of the partner's clock can end it sooner."""
    remaining = consent.expires_at - unit.business_time(consent.merchant_id)
    return min(expires_at, WallTime(unit.wall + remaining))
