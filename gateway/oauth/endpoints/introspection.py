"""Token introspection (RFC 7662). A client can introspect its own tokens only."""

from typing import Any

from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError, InvalidScopeError
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as Rfc7662Endpoint

from gateway.domain import scope
from gateway.domain.consents.consent import Consent
from gateway.domain.consents.coverage import details_within
from gateway.domain.errors import Unauthenticated
from gateway.domain.identity.client_rights import usable_scopes as client_scopes
from gateway.kit.clock import BusinessTime
from gateway.kit.crypto import digest
from gateway.oauth.authlib_adapter import AuthlibRequest
from gateway.oauth.clients.client import Client
from gateway.oauth.consent_check import lock_active_consent, usable_scopes
from gateway.oauth.server import Server
from gateway.oauth.token_check import require_valid_token
from gateway.services.identity.access_tokens import end_with_consent
from gateway.store.oauth.tokens import LoadedToken, RefreshTokenRow


class IntrospectionEndpoint(Rfc7662Endpoint):  # type: ignore[misc]  # Authlib has no types
    """Returns {"active": false} for anything but a valid token of the client. The token type hint is ignored."""

    server: Server

    def authenticate_endpoint_client(self, request: Any) -> Client:
        client: Client = self.server.authenticate_client(request, endpoint=self.ENDPOINT_NAME)
        request.client = client
        return client

    def authenticate_token(self, request: AuthlibRequest, client: Client) -> dict[str, Any] | None:
        """The members of the response, None if the token is not valid or belongs to another client."""
        text = request.form.get("token")
        if text is None:
            raise InvalidRequestError("The token is missing.")
        tokens, key = self.server.unit.tokens, digest(text)
        loaded = tokens.load_with_client(key)
        if loaded is not None:
            return self._access_token(loaded) if loaded.client.id == client.id else None
        refresh = tokens.load_refresh_token(key)
        return self._refresh_token(refresh, client) if refresh and refresh.client_id == client.id else None

    def create_introspection_payload(self, token: dict[str, Any] | None) -> dict[str, Any]:
        return {"active": False} if token is None else {"active": True, **token}

    def _access_token(self, loaded: LoadedToken) -> dict[str, Any] | None:
        unit, token, consent = self.server.unit, loaded.token, loaded.consent
        try:
            require_valid_token(unit, loaded, self.server.container.environment)
        except Unauthenticated:
            return None
        client = loaded.client
        allowed = client_scopes(client.scopes, client.authorization_details_types)
        scopes = scope.restrict(token.scopes, allowed)
        if consent is not None:  # parts of a consent end before the consent itself
            scopes = scope.restrict(scopes, scope.expand(consent.scopes_in_force(self._now(consent))))
        members = self._describe(token.client_id, scopes, consent)
        if token.jkt is not None:
            members["cnf"] = {"jkt": token.jkt}
        ends = end_with_consent(unit, token.expires_at, consent) if consent else token.expires_at
        times = {"iat": int(token.issued_at.timestamp()), "exp": int(ends.timestamp())}
        return {**members, "token_type": "DPoP" if token.jkt else "Bearer", **times}

    def _refresh_token(self, row: RefreshTokenRow, client: Client) -> dict[str, Any] | None:
        unit = self.server.unit
        if row.revoked_at is not None or row.used_at is not None or unit.wall >= row.expires_at:
            return None
        try:
            consent = lock_active_consent(unit, row.consent_id)
            scopes = usable_scopes(unit, client, consent)
        except (InvalidGrantError, InvalidScopeError):
            return None
        ends = end_with_consent(unit, row.expires_at, consent)
        return {**self._describe(client.id, scopes, consent), "exp": int(ends.timestamp())}

    def _describe(self, client_id: str, scopes: tuple[str, ...], consent: Consent | None) -> dict[str, Any]:
        """The members about rights: what the API enforces now. There is no scope member without a scope."""
        members = {"iss": self.server.container.settings.issuer, "client_id": client_id}
        if scopes:
            members["scope"] = " ".join(scopes)
        if consent is None:
            return members
        details = details_within(consent.details_in_force(self._now(consent)), scopes)
        documents = [detail.document() for detail in details]
        return {**members, "sub": consent.subject, "grant_id": consent.id, "authorization_details": documents}

    def _now(self, consent: Consent) -> BusinessTime:
        return self.server.unit.business_time(consent.merchant_id)
