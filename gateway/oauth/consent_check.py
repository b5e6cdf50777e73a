"""The consent that a token belongs to: it must be active, and its person not disabled."""

from authlib.oauth2.rfc6749.errors import InvalidGrantError

from gateway.domain.consents.consent import Consent, ConsentStatus
from gateway.kit.clock import WallTime
from gateway.store.unit import UnitOfWork


def lock_active_consent(unit: UnitOfWork, consent_id: str) -> Consent:
    """The consent, which cannot end before the unit of work does. Raises InvalidGrantError when it is revoked or
    expired in business time, or its person is disabled."""
    consent = unit.consents.lock(consent_id)
    if consent is None or consent.status(unit.business_time(consent.merchant_id)) is not ConsentStatus.ACTIVE:
        raise InvalidGrantError("The consent is no longer in force. Ask the person again.")
    user = unit.users.load(consent.user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidGrantError("The consent is no longer in force. Ask the person again.")
    return consent


def end_with_consent(unit: UnitOfWork, expires_at: WallTime, consent: Consent) -> WallTime:
    """`expires_at`, or the end of the consent in wall time where that is earlier. A consent expires in business time;
    the partner's clock may reach that moment sooner."""
    left = consent.expires_at - unit.business_time(consent.merchant_id)
    return min(expires_at, WallTime(unit.wall + left))
