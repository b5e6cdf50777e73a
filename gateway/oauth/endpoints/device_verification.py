"""The verification endpoint of the device grant without its pages (RFC 8628 section 3.3): finds the request of a point
of sale by its user code and records the decision."""

from dataclasses import dataclass

from authlib.oauth2.rfc6749.errors import OAuth2Error

from gateway.domain.consents.request import Request
from gateway.domain.identity.client import DEVICE_CODE
from gateway.kit.clock import BusinessTime
from gateway.oauth.endpoints.authorization import AuthorizationRefused, Refusal
from gateway.oauth.endpoints.device_authorization import read_device_request
from gateway.oauth.server import Server
from gateway.services.consents.device_requests import allow_device_request, mark_decided
from gateway.services.container import Container
from gateway.services.identity import user_codes
from gateway.store.identity.clients import ClientRow
from gateway.store.identity.users import UserRow
from gateway.store.merchants.merchants import MerchantRow
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """An undecided request of a point of sale. `user_code` is in the form for persons. Durations count from `now`."""

    digest: str
    user_code: str
    client: ClientRow
    merchant: MerchantRow
    asked: Request
    now: BusinessTime


class DeviceVerification:
    """Opens, allows and denies requests in the caller's unit of work. AuthorizationRefused rolls it back. `open` only
    reads."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def open(self, unit: UnitOfWork, typed: str, user: UserRow) -> DeviceRequest:
        """The undecided request with this code. Raises AuthorizationRefused: UNUSABLE if the code is unknown, expired
        or already decided; OTHER_PARTNER for a sandbox persona of another partner; CHANGED if the merchant may no
        longer ask for this."""
        code = user_codes.parse_code(typed)
        row = unit.device_codes.load_by_user_code(self._container.user_codes.mac(code)) if code else None
        if code is None or row is None or row.decided_at is not None or unit.wall >= row.expires_at:
            raise AuthorizationRefused(Refusal.UNUSABLE)
        server = Server(self._container, unit)
        client = server.query_client(row.client_id)
        merchant = unit.merchants.load(client.row.merchant_id) if client else None
        if client is None or merchant is None or not client.check_grant_type(DEVICE_CODE):
            raise AuthorizationRefused(Refusal.UNUSABLE)
        if user.partner_id is not None and user.partner_id != merchant.partner_id:
            raise AuthorizationRefused(Refusal.OTHER_PARTNER)
        try:
            asked = read_device_request(server, client, row.parameters)
        except OAuth2Error:
            raise AuthorizationRefused(Refusal.CHANGED) from None
        if asked.document() != row.parameters["complete"]:
            raise AuthorizationRefused(Refusal.CHANGED)
        now = unit.business_time(merchant.id)
        return DeviceRequest(row.digest, user_codes.format_code(code), client.row, merchant, asked, now)

    def find_answer(self, unit: UnitOfWork, typed: str, user_id: str, *, lock: bool = False) -> bool | None:
        """Whether this user has allowed the request with this code; None if they have not decided it. With `lock` the
        request is locked, so that of several answers at once the first stands."""
        code, codes = user_codes.parse_code(typed), unit.device_codes
        if code is None:
            return None
        mac = self._container.user_codes.mac(code)
        row = codes.lock_by_user_code(mac) if lock else codes.load_by_user_code(mac)
        if row is None or row.decided_at is None or row.decided_by != user_id:
            return None
        return row.consent_id is not None

    def allow(self, unit: UnitOfWork, opened: DeviceRequest, user: UserRow, granted: Request) -> None:
        """Records the consent to `granted`, the part of the request that the person allows. It is short and valid for
        one decision. Raises AuthorizationRefused if the request has been decided meanwhile."""
        consent = allow_device_request(
            unit,
            self._container.consents,
            opened.digest,
            opened.client,
            user.id,
            granted=granted,
            asked=opened.asked,
            life=self._container.settings.till_consent_life,
        )
        if consent is None:
            raise AuthorizationRefused(Refusal.UNUSABLE)

    def deny(self, unit: UnitOfWork, opened: DeviceRequest, user: UserRow) -> None:
        """Denies the request: the point of sale gets access_denied. Raises AuthorizationRefused if the request has been
        decided meanwhile."""
        if not mark_decided(unit, opened.digest, opened.client.id, user.id):
            raise AuthorizationRefused(Refusal.UNUSABLE)
