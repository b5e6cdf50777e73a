"""The refresh token grant (RFC 6749 section 6), with rotation and reuse detection (RFC 9700 section 4.14.2)."""

from datetime import timedelta
from typing import Any, NoReturn

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError

from gateway.domain import scope
from gateway.domain.consents.consent import Consent
from gateway.domain.scope import SCOPES
from gateway.kit.crypto import digest
from gateway.oauth import details
from gateway.oauth.consent_check import require_active, usable_scopes
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.server import Server
from gateway.oauth.tokens import TokenIssuer
from gateway.services.identity.access_tokens import token_policy
from gateway.store.oauth.tokens import LockedRefreshToken, RefreshTokenRow

RETRY_WINDOW = timedelta(seconds=60)
"""How long a client that lost the response may send the same refresh token again."""


class RefreshTokenGrant(grants.RefreshTokenGrant):  # type: ignore[misc]  # Authlib has no types
    """Checks the client, the token and the consent, then issues new tokens. It checks that the token belongs to the
    client before it detects reuse, so that a client cannot revoke the tokens of another client by sending one of them.

    The refresh tokens of baseline clients are rotated. A fapi2 client keeps its refresh token and may use it until it
    expires, because the token works only for the client that signs."""

    server: Server

    def validate_token_request(self) -> None:
        """Loads the refresh token of the authenticated client. Raises OAuth2Error."""
        client = self._validate_request_client()
        self.request.client = client
        text = self.request.form.get("refresh_token")
        if text is None:
            raise InvalidRequestError("The refresh_token is missing.")
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("authorization_details belong in the authorization request.")
        locked = self.server.unit.tokens.lock_refresh_token(digest(text), client.id)
        if locked is None:
            raise InvalidGrantError("The refresh token is not valid.")
        self.request.refresh_token = locked

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """A new access token, and a new refresh token if the client profile rotates them. Raises OAuth2Error."""
        locked: LockedRefreshToken = self.request.refresh_token
        row, consent = locked.token, locked.consent
        unit, client = self.server.unit, self.client
        self._refuse_reuse(row)
        if unit.wall >= row.expires_at:
            raise InvalidGrantError("The refresh token has expired.")
        require_active(unit, consent, locked.user_disabled_at)
        scopes = self._narrow_scopes(consent)
        issuer = TokenIssuer(self.server)
        refresh_token = None
        if token_policy(client.row.profile, self.server.container.settings).rotates:
            refresh_token = self._rotate(row, consent, issuer)
        token = issuer.issue_user_token(client, consent, scopes, row.family, refresh_token)
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _narrow_scopes(self, consent: Consent) -> tuple[str, ...]:
        requested = scope.parse(self.request.payload.scope)
        granted = usable_scopes(self.server.unit, self.client, consent)
        allowed = scope.expand(granted)
        if any(name not in allowed for name in requested):
            raise InvalidScopeError("The scope is wider than the consent, or not allowed for this client.")
        return tuple(name for name in SCOPES if name in requested) or granted

    def _refuse_reuse(self, row: RefreshTokenRow) -> None:
        """Raises InvalidGrantError if the token is revoked or has been used, except for a retry: the client lost the
        response, has not used the next token, and sends this token again within RETRY_WINDOW."""
        if row.revoked_at is not None:
            self._revoke_family_and_raise(row)
        if row.used_at is None:
            return
        if self.request.parsed.received_at < row.used_at:
            # This request was received before another request used the token. So two workers of one client sent it at
            # the same time. It is not reuse, so the family stays valid; it is not a retry either, because a retry comes
            # after a lost response.
            raise InvalidGrantError("The refresh token is being used by another request.")
        successor = self.server.unit.tokens.load_refresh_token(row.successor or "")
        unused = successor is not None and successor.used_at is None and successor.revoked_at is None
        if not unused or self.server.unit.wall > row.used_at + RETRY_WINDOW:
            self._revoke_family_and_raise(row)

    def _rotate(self, row: RefreshTokenRow, consent: Consent, issuer: TokenIssuer) -> str:
        unit = self.server.unit
        text = issuer.new_refresh_token()
        if row.used_at is None:
            # `used_at` is the time now, not the time at which the unit began, because the unit may have waited for
            # another unit that uses the same token. A request that was received during the wait is then older than
            # `used_at`, so it is not taken for a retry.
            now = self.server.container.clock()
            won = unit.tokens.use_refresh_token(row.digest, digest(text), now)
        else:
            won = unit.tokens.replace_successor(row.digest, row.successor or "", digest(text), unit.wall)
        if not won:
            raise InvalidGrantError("The refresh token is being used by another request.")
        issuer.store_refresh_token(text, self.client, consent, row.family)
        return text

    def _revoke_family_and_raise(self, row: RefreshTokenRow) -> NoReturn:
        self.server.unit.endings.end_family(row.consent_id, row.family, self.server.unit.wall)
        raise InvalidGrantError(
            "The refresh token was revoked or has been used before. All tokens of its family are revoked."
            " Ask the person again."
        )
