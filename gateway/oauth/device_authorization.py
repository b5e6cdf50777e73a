"""The device authorization endpoint (RFC 8628 section 3.1): a till asks, a person decides on a device of their own."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import segno
from authlib.oauth2.rfc6749 import Endpoint
from authlib.oauth2.rfc6749.errors import InvalidScopeError, UnauthorizedClientError

from gateway.domain.client import DEVICE_CODE
from gateway.domain.consent_request import Request
from gateway.kit.crypto import digest, random_token
from gateway.oauth import details, grant_change, user_code
from gateway.oauth.bridge import AuthlibRequest
from gateway.oauth.client import Client
from gateway.oauth.metadata import DEVICE
from gateway.oauth.server import Server
from gateway.store import device_codes, merchants
from gateway.store.device_codes import DeviceCodeRow

INTERVAL = timedelta(seconds=5)
"""How long a till waits between two polls, until it is told to slow down."""

QR_MEMBER = "sesame_verification_qr_svg"
"""Our own member of the answer, named so that no registered one can collide: an SVG of `verification_uri_complete`."""

_ATTEMPTS = 8


class DeviceAuthorizationEndpoint(Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Answers 200 with a device code of 256 random bits and a user code, which are stored as digests."""

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
        parameters["complete"] = requested(server, client, parameters).document()
        device_codes.purge(server.session, server.wall)
        life = server.parts.settings.device_code_life
        device_code = random_token(server.parts.realm.token_prefix("dc"))
        code = user_code.shown(_stored(server, client, parameters, device_code, life))
        address = server.parts.settings.issuer + DEVICE
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


def requested(server: Server, client: Client, data: dict[str, Any]) -> Request:
    """The complete request of a till, each part cut to the life of a till's consent. Raises OAuth2Error."""
    if client.get_allowed_scope(data.get("scope")) is None:
        raise InvalidScopeError("The scope is unknown, a merchant's, or not this client's.")
    merchant = merchants.load(server.session, client.row.merchant_id)
    assert merchant is not None  # a foreign key says so
    asked = details.requested(server.session, server.parts.consents, client, merchant, data, at_till=True)
    return asked.lasting(server.parts.settings.till_consent_life)


def _qr_code(address: str) -> str:
    """An SVG that a till can show as it is, in a page or as a file. Its ground is white wherever it is shown, or a
    dark screen would turn the code inside out."""
    drawn = BytesIO()
    segno.make_qr(address).save(
        drawn, kind="svg", scale=4, light="#fff", xmldecl=False, nl=False, svgclass=None, lineclass=None
    )
    return drawn.getvalue().decode()


def _stored(server: Server, client: Client, parameters: dict[str, Any], device_code: str, life: timedelta) -> str:
    """The user code under which the request now waits, one that no other request has."""
    for _ in range(_ATTEMPTS):
        code = user_code.fresh()
        row = DeviceCodeRow(
            digest=digest(device_code),
            user_code_mac=server.parts.user_codes.stored(code),
            client_id=client.id,
            parameters=parameters,
            interval_seconds=int(INTERVAL.total_seconds()),
            expires_at=server.wall + life,
        )
        if device_codes.insert(server.session, row):
            return code
    raise RuntimeError("no user code is free")
