"""Token revocation (RFC 7009)."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint as Rfc7009Endpoint

from gateway.kit.crypto import digest
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.clients.client import Client
from gateway.oauth.server import Server
from gateway.store.oauth.tokens import AccessTokenRow, RefreshTokenRow


class RevocationEndpoint(Rfc7009Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Revokes a token. A refresh token is revoked with its whole family. The token type hint is ignored."""

    server: Server

    def authenticate_endpoint_client(self, request: Any) -> Client:
        client: Client = self.server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        request.client = client
        return client

    def authenticate_token(self, request: AuthlibRequest, client: Client) -> AccessTokenRow | RefreshTokenRow | None:
        """The client's token, None if it does not exist. Raises InvalidGrantError for a token of another client, which
        is not revoked."""
        text = request.form.get("token")
        if text is None:
            raise InvalidRequestError("The token is missing.")
        tokens, key = self.server.unit.tokens, digest(text)
        row = tokens.load_refresh_token(key) or tokens.load_access_token(key)
        if row is not None and row.client_id != client.id:
            raise InvalidGrantError("The token was not issued to this client.")
        return row

    def revoke_token(self, token: AccessTokenRow | RefreshTokenRow, request: AuthlibRequest) -> None:
        endings, now = self.server.unit.endings, self.server.unit.wall
        if isinstance(token, RefreshTokenRow):
            endings.end_family(token.consent_id, token.family, now)
        else:
            endings.end_access_token(token.digest, now)
