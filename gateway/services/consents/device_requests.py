"""The decision of a person about the request of a point of sale (RFC 8628 section 3.3)."""

from datetime import timedelta

from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.services.consents.service import ConsentService
from gateway.store.identity.clients import ClientRow
from gateway.store.unit import UnitOfWork


def allow_device_request(
    unit: UnitOfWork,
    consents: ConsentService,
    digest: str,
    client: ClientRow,
    user_id: str,
    *,
    granted: Request,
    asked: Request,
    life: timedelta,
) -> Consent | None:
    """Records the consent to `granted`, the part of the request that the person allows. It is valid for one decision,
    and for `life` at most. Returns None if the request has been decided or has expired meanwhile, or its client or user
    is disabled: then the unit of work must be rolled back."""
    if not mark_decided(unit, digest, client.id, user_id):
        return None
    consent = consents.grant(unit, client, user_id, granted, single_use=True, max_duration=life, asked=asked)
    unit.device_codes.attach_consent(digest, consent.id)
    return consent


def mark_decided(unit: UnitOfWork, digest: str, client_id: str, user_id: str) -> bool:
    """Records that the user has decided. Without a consent this denies the request. Returns False as
    `allow_device_request` returns None."""
    # The client and the user are locked: then neither can be disabled between the check and the consent.
    return (
        unit.clients.hold(client_id)
        and unit.device_codes.decide(digest, unit.wall, user_id)
        and unit.users.hold(user_id)
    )
