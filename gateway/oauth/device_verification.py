"""The person's side of the device grant without its pages (RFC 8628 section 3.3): finds a till's request by the code
that was typed, carries out a decision."""

from dataclasses import dataclass
from datetime import datetime

from authlib.oauth2.rfc6749.errors import OAuth2Error

from gateway.domain.client import DEVICE_CODE
from gateway.domain.consent_request import Request
from gateway.oauth import user_code
from gateway.oauth.authorization import AuthorizationRefused, Refusal
from gateway.oauth.device_authorization import requested
from gateway.oauth.living import business_now
from gateway.oauth.server import Parts, Server
from gateway.store import device_codes, merchants
from gateway.store.clients import ClientRow
from gateway.store.database import Session
from gateway.store.merchants import MerchantRow
from gateway.store.users import UserRow


@dataclass(frozen=True, slots=True)
class WaitingTill:
    """An undecided request of a till: `user_code` as people read it, who asks, for what. `now` is the partner's
    business time, from which the durations count."""

    digest: str
    user_code: str
    client: ClientRow
    merchant: MerchantRow
    asked: Request
    now: datetime


class DeviceVerification:
    """`open` reads; the decisions work in the caller's writing unit, which rolls back when AuthorizationRefused is
    raised."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def open(self, session: Session, typed: str, user: UserRow, wall: datetime) -> WaitingTill:
        """The request that waits under this code. Raises AuthorizationRefused: UNUSABLE for a code that is unknown,
        expired or answered, whichever it is; OTHER_PARTNER for a person who is not a customer of the merchant's
        partner (a sandbox persona); CHANGED when the merchant may no longer ask for it."""
        code = user_code.typed(typed)
        row = device_codes.by_user_code(session, self._parts.user_codes.stored(code)) if code else None
        if code is None or row is None or row.decided_at is not None or wall >= row.expires_at:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        server = Server(self._parts, session, wall)
        client = server.query_client(row.client_id)
        merchant = merchants.load(session, client.row.merchant_id) if client else None
        if client is None or merchant is None or not client.check_grant_type(DEVICE_CODE):
            raise AuthorizationRefused(Refusal.UNUSABLE)
        if user.partner_id is not None and user.partner_id != merchant.partner_id:
            raise AuthorizationRefused(Refusal.OTHER_PARTNER)
        try:
            asked = requested(server, client, row.parameters)
        except OAuth2Error:
            raise AuthorizationRefused(Refusal.CHANGED) from None
        if asked.document() != row.parameters["complete"]:
            raise AuthorizationRefused(Refusal.CHANGED)
        now = business_now(session, client, wall)
        return WaitingTill(row.digest, user_code.shown(code), client.row, merchant, asked, now)

    def allow(self, session: Session, till: WaitingTill, user: UserRow, granted: Request, wall: datetime) -> None:
        """Records the consent to `granted`, what the person left of the request: short, and good for one decision.
        Raises AuthorizationRefused when another decision was faster."""
        self._decide(session, till, wall)
        consent = self._parts.consents.grant(
            session,
            till.client,
            user.id,
            granted,
            wall,
            single_use=True,
            life=self._parts.settings.till_consent_life,
            asked=till.asked,
        )
        device_codes.attach(session, till.digest, consent.id)

    def deny(self, session: Session, till: WaitingTill, wall: datetime) -> None:
        """The till hears access_denied. Raises AuthorizationRefused when another decision was faster."""
        self._decide(session, till, wall)

    def _decide(self, session: Session, till: WaitingTill, wall: datetime) -> None:
        if not device_codes.decide(session, till.digest, wall):
            raise AuthorizationRefused(Refusal.UNUSABLE)
