"""The device authorization endpoint (RFC 8628 section 3.1): a point of sale asks, a person decides on their device."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import segno
from authlib.oauth2.rfc6749 import Endpoint
from authlib.oauth2.rfc6749.errors import InvalidScopeError, UnauthorizedClientError

from gateway.domain.consents.request import Request
from gateway.domain.identity.client import DEVICE_CODE
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.oauth import details
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.clients.client import Client
from gateway.oauth.grants import grant_change
from gateway.oauth.metadata import DEVICE
from gateway.oauth.server import Server
from gateway.services.identity import user_codes
from gateway.store.oauth.device_codes import DeviceCodeRow

INTERVAL = timedelta(seconds=5)
"""How long a point of sale waits between two polls, until it is told to slow down."""

QR_MEMBER = "sesame_verification_qr_svg"
"""Our own member of the answer, named so that no registered one can collide: an SVG of `verification_uri_complete`."""

_ATTEMPTS = 8


class DeviceAuthorizationEndpoint(Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Answers 200 with a device code of 256 random bits and a user code, which are stored as digests."""

    server: Server

    ENDPOINT_NAME = "device_authorization"

    def create_endpoint_response(self, request: AuthlibRequest) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        """RFC 8628 section 3.2. Raises OAuth2Error."""
        server: Server = self.server
        client = server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError("The client may not use the device authorization grant.")
        grant_change.require_new(request.form)
        parameters: dict[str, Any] = {
            name: request.form[name] for name in ("scope", details.NAME) if name in request.form
        }
        # What will be shown is fixed now: a decision is about exactly this (see `device_verification`).
        parameters["complete"] = read_device_request(server, client, parameters).document()
        server.unit.device_codes.purge(server.unit.wall)
        settings = server.container.settings
        life = settings.device_code_life
        device_code = random_token(server.container.environment.token_prefix("dc"))
        code = user_codes.shown(_store(server, client, parameters, device_code, life))
        address = settings.issuer + DEVICE
        complete = f"{address}?user_code={code}"
        answer = {
            "device_code": device_code,
            "user_code": code,
            "verification_uri": address,
            "verification_uri_complete": complete,
            "expires_in": int(life.total_seconds()),
            "interval": int(INTERVAL.total_seconds()),
            QR_MEMBER: _qr_code(complete),
        }
        return 200, answer, []


def read_device_request(server: Server, client: Client, data: dict[str, Any]) -> Request:
    """The complete request of a point of sale. No part of it lasts longer than such a consent may. Raises
    OAuth2Error."""
    if client.get_allowed_scope(data.get("scope")) is None:
        raise InvalidScopeError("The scope is unknown, a merchant's, or not this client's.")
    unit, container = server.unit, server.container
    merchant = unit.merchants.load(client.row.merchant_id)
    assert merchant is not None  # a foreign key says so
    asked = details.read_request(unit, container.consents, client, merchant, data, at_point_of_sale=True)
    return asked.limit_duration(container.settings.till_consent_life)


def _qr_code(address: str) -> str:
    """An SVG that a point of sale can show as it is, in a page or as a file. Its background is white: on a dark screen
    the code would otherwise be inverted."""
    drawn = BytesIO()
    segno.make_qr(address).save(
        drawn, kind="svg", scale=4, light="#fff", xmldecl=False, nl=False, svgclass=None, lineclass=None
    )
    return drawn.getvalue().decode()


def _store(server: Server, client: Client, parameters: dict[str, Any], device_code: str, life: timedelta) -> str:
    """Stores the request and returns its user code, which no other request has."""
    for _ in range(_ATTEMPTS):
        code = user_codes.fresh()
        row = DeviceCodeRow(
            digest=digest(device_code),
            user_code_mac=server.container.user_codes.stored(code),
            client_id=client.id,
            parameters=parameters,
            interval_seconds=int(INTERVAL.total_seconds()),
            expires_at=WallTime(server.unit.wall + life),
        )
        if server.unit.device_codes.insert(row):
            return code
    raise RuntimeError("no user code is free")
