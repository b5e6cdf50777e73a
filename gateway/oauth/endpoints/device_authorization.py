"""The device authorization endpoint (RFC 8628 section 3.1). A point of sale sends a request, and a person decides
on their own device."""

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
"""How long a point of sale waits between two polls. Each slow_down lengthens it."""

QR_MEMBER = "sesame_verification_qr_svg"
"""Our own member of the response: an SVG of `verification_uri_complete`. Its name cannot collide with a registered
one."""

_ATTEMPTS = 8


class DeviceAuthorizationEndpoint(Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Returns 200 with a device code of 256 random bits and a user code. Both are stored as digests."""

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
        # The page shows exactly this request, or none (see `device_verification`).
        parameters["complete"] = read_device_request(server, client, parameters).document()
        settings = server.container.settings
        life = settings.device_code_life
        device_code = random_token(server.container.environment.token_prefix("dc"))
        code = user_codes.format_code(_store(server, client, parameters, device_code, life))
        address = settings.issuer + DEVICE
        complete = f"{address}?user_code={code}"
        response = {
            "device_code": device_code,
            "user_code": code,
            "verification_uri": address,
            "verification_uri_complete": complete,
            "expires_in": int(life.total_seconds()),
            "interval": int(INTERVAL.total_seconds()),
            QR_MEMBER: _qr_code(complete),
        }
        return 200, response, []


def read_device_request(server: Server, client: Client, data: dict[str, Any]) -> Request:
    """The complete request of a point of sale. No part lasts longer than a consent at a point of sale may. Raises
    OAuth2Error."""
    if client.get_allowed_scope(data.get("scope")) is None:
        raise InvalidScopeError("The scope is unknown, for merchants only, or not allowed for this client.")
    unit, container = server.unit, server.container
    merchant = unit.merchants.load(client.row.merchant_id)
    assert merchant is not None  # a foreign key ensures it
    asked = details.read_request(unit, container.consents, client, merchant, data, at_point_of_sale=True)
    return asked.limit_duration(container.settings.till_consent_life)


def _qr_code(address: str) -> str:
    """An SVG that a point of sale can show unchanged, in a page or as a file. It has a white background, because the
    code would be inverted on a dark screen."""
    drawn = BytesIO()
    segno.make_qr(address).save(
        drawn, kind="svg", scale=4, light="#fff", xmldecl=False, nl=False, svgclass=None, lineclass=None
    )
    return drawn.getvalue().decode()


def _store(server: Server, client: Client, parameters: dict[str, Any], device_code: str, life: timedelta) -> str:
    """Stores the request and returns its user code, which no other request has."""
    for _ in range(_ATTEMPTS):
        code = user_codes.generate_code()
        row = DeviceCodeRow(
            digest=digest(device_code),
            user_code_mac=server.container.user_codes.mac(code),
            client_id=client.id,
            parameters=parameters,
            interval_seconds=int(INTERVAL.total_seconds()),
            expires_at=WallTime(server.unit.wall + life),
        )
        if server.unit.device_codes.insert(row):
            return code
    raise RuntimeError("no user code is free")
