"""The client credentials grant (RFC 6749 section 4.4): tokens for the merchant itself, never for a person."""

from typing import Any

from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.errors import InvalidClientError, InvalidScopeError

from gateway.domain import scope
from gateway.domain.scope import SCOPES, TokenKind
from gateway.oauth import details
from gateway.oauth.clients.client import Client
from gateway.oauth.details import InvalidAuthorizationDetailsError
from gateway.oauth.server import Server
from gateway.oauth.tokens import TokenIssuer


class ClientCredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]  # Authlib has no types
    """Issues tokens with merchant scopes. A request without a scope gets all merchant scopes of the client."""

    server: Server

    def validate_requested_scope(self) -> None:
        """Raises InvalidScopeError for a scope that is unknown, for users only or not allowed for this client, and if
        the client has no merchant scope."""
        if details.NAME in self.request.form:
            raise InvalidAuthorizationDetailsError("A merchant token has no authorization details.")
        if not self._scopes():
            raise InvalidScopeError("The client has no merchant scopes.")

    def create_token_response(self) -> tuple[int, dict[str, Any], Any]:
        """An access token without a refresh token (RFC 6749 section 4.4.3). Raises InvalidClientError if the client has
        been disabled meanwhile."""
        if not self.server.unit.clients.hold(self.client.id):
            raise InvalidClientError("Client authentication failed.")
        token = TokenIssuer(self.server).issue_merchant_token(self.client, self._scopes())
        return 200, token, self.TOKEN_RESPONSE_HEADER

    def _scopes(self) -> tuple[str, ...]:
        client: Client = self.client
        offered = self.server.container.environment.offered(TokenKind.MERCHANT)
        asked = scope.parse(self.request.payload.scope)
        if any(name not in offered or name not in client.allowed for name in asked):
            raise InvalidScopeError("The scope is unknown, for users only, or not allowed for this client.")
        return tuple(name for name in SCOPES if name in (asked or client.allowed) and name in offered)
