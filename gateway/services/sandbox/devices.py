"""What a persona decides about the request of a point of sale, without its device page."""

from enum import StrEnum

from gateway.domain.consents.authorization_detail import parse_details
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.request import Request
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.identity.client import DEVICE_CODE
from gateway.domain.identity.principal import Principal
from gateway.domain.scope import parse
from gateway.kit import json
from gateway.services.consents.completion import ScopesNotCovered
from gateway.services.consents.device_requests import allow_device_request, mark_decided
from gateway.services.consents.service import ConsentService
from gateway.services.identity.user_codes import UserCodes, parse_code
from gateway.services.sandbox.consents import find_persona
from gateway.settings import Settings
from gateway.store.database import Database
from gateway.store.identity.clients import ClientRow
from gateway.store.oauth.device_codes import DeviceCodeRow
from gateway.store.unit import UnitOfWork

_CHANGED = "Your app may no longer ask for this. Request a new code."
_DECIDED = "The request has been decided, or has expired."


class DeviceEvent(StrEnum):
    """What happens to the request: a person allows all of it, denies it, or lets its time pass."""

    APPROVE = "APPROVE"
    DENY = "DENY"
    EXPIRE = "EXPIRE"


class SandboxDeviceService:
    """Decides requests of points of sale of the caller's partner as its personas."""

    def __init__(self, database: Database, consents: ConsentService, user_codes: UserCodes, settings: Settings) -> None:
        self._database, self._consents = database, consents
        self._user_codes, self._settings = user_codes, settings

    def simulate(self, principal: Principal, typed: str, event: DeviceEvent, handle: str | None) -> Consent | None:
        """Makes the event happen to the request with this user code, as the persona. Returns the consent if there is
        one. Raises NotFound with the field userCode for a code of no app of the partner, or persona for an unknown
        persona; and InvalidInput with the field persona if it is missing, or userCode if the request has been decided,
        has expired, or is no longer allowed."""
        if event is not DeviceEvent.EXPIRE and handle is None:
            raise InvalidInput("INVALID", "Name the test user who decides.", ("persona",))
        code = parse_code(typed)
        mac = self._user_codes.mac(code) if code else ""
        return self._database.write(lambda unit: self._simulate(unit, principal.partner_id, mac, event, handle))

    def _simulate(
        self, unit: UnitOfWork, partner_id: str, mac: str, event: DeviceEvent, handle: str | None
    ) -> Consent | None:
        row = unit.device_codes.lock_by_user_code(mac)
        client = unit.clients.load(row.client_id) if row else None
        if row is None or client is None or unit.merchants.load_partner_id(client.merchant_id) != partner_id:
            raise NotFound("No app of your partner account has asked with this code.", ("userCode",))
        if row.decided_at is not None or unit.wall >= row.expires_at:
            raise InvalidInput("INVALID", _DECIDED, ("userCode",))
        if event is DeviceEvent.EXPIRE:
            unit.device_codes.expire(row.digest, unit.wall)
            return None
        user_id = find_persona(unit, partner_id, handle or "").user_id
        if event is DeviceEvent.DENY:
            _require_decided(mark_decided(unit, row.digest, client.id, user_id))
            return None
        asked = self._read_request(unit, client, row)
        consent = allow_device_request(
            unit,
            self._consents,
            row.digest,
            client,
            user_id,
            granted=asked,
            asked=asked,
            life=self._settings.till_consent_life,
        )
        _require_decided(consent is not None)
        return consent

    def _read_request(self, unit: UnitOfWork, client: ClientRow, row: DeviceCodeRow) -> Request:
        """The complete request. Raises InvalidInput if it is no longer what the device page would show."""
        merchant = unit.merchants.load(client.merchant_id)
        assert merchant is not None  # a foreign key ensures it
        text = row.parameters.get("authorization_details")
        try:
            details = () if text is None else parse_details(json.decode_unique(text))
            asked = self._consents.complete_request(unit, merchant, parse(row.parameters.get("scope")), details)
        except (InvalidInput, ScopesNotCovered):
            raise InvalidInput("INVALID", _CHANGED, ("userCode",)) from None
        asked = asked.limit_duration(self._settings.till_consent_life)
        if DEVICE_CODE not in client.grant_types or asked.document() != row.parameters["complete"]:
            raise InvalidInput("INVALID", _CHANGED, ("userCode",))
        return asked


def _require_decided(is_decided: bool) -> None:
    if not is_decided:
        raise InvalidInput("INVALID", _DECIDED, ("userCode",))
