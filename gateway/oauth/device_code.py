"""The device code grant (RFC 8628 sections 3.4 and 3.5): the till polls until the person has decided."""

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

from gateway.domain.client import DEVICE_CODE
from gateway.kit.crypto import digest
from gateway.oauth import details
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.issuing import Issuer
from gateway.oauth.living import business_now, living_consent
from gateway.store import device_codes
from gateway.store.device_codes import DeviceCodeRow

SLOW_DOWN = timedelta(seconds=5)
"""What each slow_down adds to the interval of a device code (RFC 8628 section 3.5)."""

TOLERANCE = timedelta(milliseconds=500)
"""So much earlier than told a poll may arrive: two requests are not under way equally long."""


class DeviceCodeGrant(rfc8628.DeviceCodeGrant):  # type: ignore[misc]  # Authlib has no types
    """Never gives a refresh token: what a till was allowed is good for one decision, within minutes."""

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
        row = device_codes.locked(self.server.session, digest(code))
        if row is None or row.client_id != client.id:
            raise InvalidGrantError("The device code is not valid.")
        self.request.client, self.request.credential = client, row

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """An access token, once. Raises OAuth2Error, until the decision an AuthorizationPendingError."""
        row: DeviceCodeRow = self.request.credential
        session, wall = self.server.session, self.server.wall
        if row.used_at is not None:
            raise InvalidGrantError("The device code has been used.")
        if wall >= row.expires_at:
            raise ExpiredTokenError("The device code has expired. Ask again.")
        if row.decided_at is None:
            raise self._undecided(row)
        if row.consent_id is None:
            raise AccessDeniedError("The person does not allow it.")
        now = business_now(session, self.client, wall)
        consent = living_consent(session, row.consent_id, now)
        if not device_codes.use(session, row.digest, wall):
            raise InvalidGrantError("The device code has been used.")
        token = Issuer(self.server, now).user_token(self.client, consent, consent.scopes, None, None)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _undecided(self, row: DeviceCodeRow) -> AuthorizationPendingError | SlowDownError:
        """What a poll before the decision hears. One that came too early lengthens the wait since the last that came
        in time, and once only: whoever then waits as told is in time again, and whoever does not is so later."""
        session, at = self.server.session, self.request.frozen.received_at
        interval = timedelta(seconds=row.interval_seconds)
        if row.polled_at is None or at >= row.polled_at + interval - TOLERANCE:
            device_codes.polled(session, row.digest, at)
            return AuthorizationPendingError("The person has not decided yet.")
        if row.slowed_at is None or row.slowed_at < row.polled_at:
            interval += SLOW_DOWN
        # Requests may overtake each other: one that came in before the last in time counts as after it.
        device_codes.slowed(session, row.digest, max(at, row.polled_at), int(interval.total_seconds()))
        return SlowDownError("Polled too early. Wait five seconds longer between polls from now on.")
