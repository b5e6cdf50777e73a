"""Token revocation (RFC 7009)."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7009 import RevocationEndpoint as Rfc7009Endpoint

from gateway.kit.crypto import digest
from gateway.oauth.bridge import AuthlibRequest
from gateway.oauth.client import Client
from gateway.store import oauth_tokens
from gateway.store.oauth_tokens import AccessTokenRow, RefreshTokenRow


class RevocationEndpoint(Rfc7009Endpoint):  # type: ignore[misc]  # Authlib has no types
    """A refresh token takes its whole family along; the hint is not needed to find a token, so any hint will do."""

    def authenticate_endpoint_client(self, request: Any) -> Client:
        client: Client = self.server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        request.client = client
        return client

    def authenticate_token(self, request: AuthlibRequest, client: Client) -> AccessTokenRow | RefreshTokenRow | None:
        """The client's own token, None for one that does not exist. Raises InvalidGrantError for another client's,
        which stays as it is."""
        text = request.form.get("token")
        if text is None:
            raise InvalidRequestError("The token is missing.")
        session, key = self.server.session, digest(text)
        row = oauth_tokens.refresh_token(session, key) or oauth_tokens.access_token(session, key)
        if row is not None and row.client_id != client.id:
            raise InvalidGrantError("The token was not issued to this client.")
        return row

    def revoke_token(self, token: AccessTokenRow | RefreshTokenRow, request: AuthlibRequest) -> None:
        session, wall = self.server.session, self.server.wall
        if isinstance(token, RefreshTokenRow):
            oauth_tokens.revoke_family(session, token.family, wall)
        else:
            oauth_tokens.revoke_access_token(session, token.digest, wall)
