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
from gateway.oauth.consent_check import lock_active_consent
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.server import Server
from gateway.oauth.tokens import TokenIssuer
from gateway.store.oauth.device_codes import DeviceCodeRow

SLOW_DOWN = timedelta(seconds=5)
"""What each slow_down adds to the interval of a device code (RFC 8628 section 3.5)."""

TOLERANCE = timedelta(milliseconds=500)
"""How much too early a poll may arrive: two requests do not travel equally long."""


class DeviceCodeGrant(rfc8628.DeviceCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Never gives a refresh token: the consent allows one decision, within minutes."""

    server: Server
    GRANT_TYPE = DEVICE_CODE

    def validate_token_request(self) -> None:
        """Finds the code of the authenticated client; another client's stays as it is. Raises OAuth2Error."""
        client = self.authenticate_token_endpoint_client()
        if not client.check_grant_type(DEVICE_CODE):
            raise UnauthorizedClientError("The client may not use the device authorization grant.")
        code = self.request.form.get("device_code")
        if code is None:
            raise InvalidRequestError("The device_code is missing.")
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("Details are chosen in the device authorization request.")
        row = self.server.unit.device_codes.lock(digest(code))
        if row is None or row.client_id != client.id:
            raise InvalidGrantError("The device code is not valid.")
        self.request.client, self.request.credential = client, row

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """An access token, once. Raises OAuth2Error, until the decision an AuthorizationPendingError."""
        row: DeviceCodeRow = self.request.credential
        unit = self.server.unit
        if row.used_at is not None:
            raise InvalidGrantError("The device code has been used.")
        if unit.wall >= row.expires_at:
            raise ExpiredTokenError("The device code has expired. Ask again.")
        if row.decided_at is None:
            raise self._undecided(row)
        if row.consent_id is None:
            raise AccessDeniedError("The person does not allow it.")
        consent = lock_active_consent(unit, row.consent_id)
        if not unit.device_codes.use(row.digest, unit.wall):
            raise InvalidGrantError("The device code has been used.")
        token = TokenIssuer(self.server).issue_user_token(self.client, consent, consent.scopes, None, None)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _undecided(self, row: DeviceCodeRow) -> AuthorizationPendingError | SlowDownError:
        """The error for a poll before the decision. A poll that came too early lengthens the interval since the last
        one in time, once: a point of sale that then waits as told is in time again, any other one later."""
        codes, at = self.server.unit.device_codes, self.request.parsed.received_at
        interval = timedelta(seconds=row.interval_seconds)
        if row.polled_at is None or at >= row.polled_at + interval - TOLERANCE:
            codes.record_poll(row.digest, at)
            return AuthorizationPendingError("The person has not decided yet.")
        if row.slowed_at is None or row.slowed_at < row.polled_at:
            interval += SLOW_DOWN
        # Requests may overtake each other: one that came in before the last in time counts as after it.
        codes.record_early_poll(row.digest, max(at, row.polled_at), int(interval.total_seconds()))
        return SlowDownError("Polled too early. Wait five seconds longer between polls from now on.")
