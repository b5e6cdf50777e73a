"""Token introspection (RFC 7662): a client learns about its own tokens, and about no other."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as Rfc7662Endpoint

from gateway.domain.consent import Consent
from gateway.domain.errors import Unauthenticated
from gateway.kit.crypto import digest
from gateway.oauth.bridge import AuthlibRequest
from gateway.oauth.client import Client
from gateway.oauth.living import business_now, living_consent
from gateway.oauth.token_check import living
from gateway.services.consents import details_within
from gateway.store import oauth_tokens
from gateway.store.oauth_tokens import Bearer, RefreshTokenRow


class IntrospectionEndpoint(Rfc7662Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Anything but a live token of the asking client is exactly {"active": false}. The hint is not needed."""

    def authenticate_endpoint_client(self, request: Any) -> Client:
        client: Client = self.server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        request.client = client
        return client

    def authenticate_token(self, request: AuthlibRequest, client: Client) -> dict[str, Any] | None:
        """What is said of the token, None for one that is not alive or not this client's."""
        text = request.form.get("token")
        if text is None:
            raise InvalidRequestError("The token is missing.")
        session, key = self.server.session, digest(text)
        bearer = oauth_tokens.bearer(session, key)
        if bearer is not None:
            return self._access_token(bearer) if bearer.client.id == client.id else None
        refresh = oauth_tokens.refresh_token(session, key)
        return self._refresh_token(refresh, client) if refresh and refresh.client_id == client.id else None

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        return {"active": False} if token is None else {"active": True, **token}

    def _access_token(self, bearer: Bearer) -> dict[str, Any] | None:
        token, wall = bearer.token, self.server.wall
        try:
            now = living(bearer, wall, self.server.parts.realm)
        except Unauthenticated:
            return None
        about = self._about(token.client_id, token.scopes, bearer.consent)
        if token.jkt is not None:
            about["cnf"] = {"jkt": token.jkt}
        # Tokens live in the partner's business time; the reader's clock shows wall time.
        ahead = now - wall
        times = {"iat": token.issued_at - ahead, "exp": token.expires_at - ahead}
        kind = "DPoP" if token.jkt else "Bearer"
        return {**about, "token_type": kind, **{name: int(at.timestamp()) for name, at in times.items()}}

    def _refresh_token(self, row: RefreshTokenRow, client: Client) -> dict[str, Any] | None:
        session, wall = self.server.session, self.server.wall
        now = business_now(session, client, wall)
        if row.revoked_at is not None or row.used_at is not None or now >= row.expires_at:
            return None
        try:
            consent = living_consent(session, row.consent_id, now)
        except InvalidGrantError:
            return None
        ends = row.expires_at - (now - wall)
        return {**self._about(client.id, consent.scopes, consent), "exp": int(ends.timestamp())}

    def _about(self, client_id: str, scopes: Any, consent: Consent | None) -> dict[str, Any]:
        about = {"iss": self.server.parts.settings.issuer, "client_id": client_id, "scope": " ".join(scopes)}
        if consent is None:
            return about
        details = [detail.document() for detail in details_within(consent.details, scopes)]
        return {**about, "sub": consent.subject, "grant_id": consent.id, "authorization_details": details}
