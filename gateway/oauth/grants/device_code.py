"""The device code grant (RFC 8628 sections 3.4 and 3.5): the point of sale polls until the person decides."""

from datetime import timedelta
from typing import Any

from authlib.oauth2 import rfc8628
from authlib.oauth2.rfc6749.errors import (
    AccessDeniedError,
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
)
from authlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from gateway.domain.identity.client import DEVICE_CODE
from gateway.kit.crypto import digest
from gateway.oauth import details
from gateway.oauth.consent_check import lock_active_consent, usable_scopes
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.server import Server
from gateway.oauth.tokens import TokenIssuer
from gateway.store.oauth.device_codes import DeviceCodeRow

SLOW_DOWN = timedelta(seconds=5)
"""The time that each slow_down adds to the interval of a device code (RFC 8628 section 3.5)."""

TOLERANCE = timedelta(milliseconds=500)
"""How much too early a poll may arrive: requests take different times over the network."""


class DeviceCodeGrant(rfc8628.DeviceCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Issues an access token and never a refresh token: the consent is valid for one decision and for minutes."""

    server: Server
    GRANT_TYPE = DEVICE_CODE

    def validate_token_request(self) -> None:
        """Loads the device code of the authenticated client. Raises OAuth2Error."""
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError("The client may not use the device authorization grant.")
        code = self.request.form.get("device_code")
        if code is None:
            raise InvalidRequestError("The device_code is missing.")
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("authorization_details belong in the device authorization request.")
        row = self.server.unit.device_codes.lock(digest(code))
        if row is None or row.client_id != client.id:
            raise InvalidGrantError("The device code is not valid.")
        self.request.client, self.request.credential = client, row

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """An access token, once for each code. Raises OAuth2Error, before the decision AuthorizationPendingError or
        SlowDownError."""
        row: DeviceCodeRow = self.request.credential
        unit = self.server.unit
        if row.used_at is not None:
            raise InvalidGrantError("The device code has been used.")
        if unit.wall >= row.expires_at:
            raise ExpiredTokenError("The device code has expired. Request a new one.")
        if row.decided_at is None:
            raise self._record_poll(row)
        if row.consent_id is None:
            raise AccessDeniedError("The person denied the request.")
        consent = lock_active_consent(unit, row.consent_id)
        scopes = usable_scopes(unit, self.client, consent)
        if not unit.device_codes.use(row.digest, unit.wall):
            raise InvalidGrantError("The device code has been used.")
        token = TokenIssuer(self.server).issue_user_token(self.client, consent, scopes, None, None)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _record_poll(self, row: DeviceCodeRow) -> AuthorizationPendingError | SlowDownError:
        """The error for a poll before the decision. The first early poll after one in time lengthens the interval. It
        counts from the last poll in time, so a point of sale that waits five seconds longer is in time again."""
        codes, at = self.server.unit.device_codes, self.request.parsed.received_at
        interval = timedelta(seconds=row.interval_seconds)
        if row.polled_at is None or at >= row.polled_at + interval - TOLERANCE:
            codes.record_poll(row.digest, at)
            return AuthorizationPendingError("The person has not decided yet.")
        if row.slowed_at is None or row.slowed_at < row.polled_at:
            interval += SLOW_DOWN
        # Requests can overtake each other: one received before the last poll in time counts as received after it.
        codes.record_early_poll(row.digest, max(at, row.polled_at), int(interval.total_seconds()))
        return SlowDownError("Polled too early. Wait five seconds longer between polls from now on.")
