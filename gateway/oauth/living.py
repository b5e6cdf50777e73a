"""What a token may still hang from: a consent in force, of a person who is not locked out, in business time."""

from datetime import datetime

from authlib.oauth2.rfc6749.errors import InvalidGrantError

from gateway.domain.consent import Consent, ConsentStatus
from gateway.kit.clock import business_time
from gateway.oauth.client import Client
from gateway.store import consents, merchants, partners, users
from gateway.store.database import Session


def business_now(session: Session, client: Client, wall: datetime) -> datetime:
    """The business time of the client's partner."""
    merchant = merchants.load(session, client.row.merchant_id)
    partner = partners.load(session, merchant.partner_id) if merchant else None
    return business_time(wall, partner.clock_offset_seconds if partner else 0)


def living_consent(session: Session, consent_id: str, now: datetime) -> Consent:
    """The consent, which then cannot end before the unit of work does. Raises InvalidGrantError when it is revoked or
    expired, or its person is locked out."""
    consent = consents.load(session, consent_id, lock=True)
    if consent is None or consent.status(now) is not ConsentStatus.ACTIVE:
        raise InvalidGrantError("The consent is no longer in force. Ask the person again.")
    user = users.load(session, consent.user_id)
    if user is None or user.disabled_at is not None:
        raise InvalidGrantError("The consent is no longer in force. Ask the person again.")
    return consent
