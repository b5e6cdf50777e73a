"""Issues codes and refresh tokens, and makes token responses."""

from datetime import timedelta
from typing import Any

from gateway.domain.consents.consent import Consent
from gateway.domain.consents.coverage import details_within
from gateway.kit.clock import WallTime
from gateway.kit.crypto import base64url, derive, digest, random_token
from gateway.oauth.clients.client import Client
from gateway.oauth.server import Server
from gateway.services.container import Container
from gateway.services.identity.access_tokens import end_with_consent, issue_access_token
from gateway.store.oauth.requests import AuthorizationCodeRow
from gateway.store.oauth.tokens import RefreshTokenRow

CODE_LIFE = timedelta(seconds=60)


def derive_code(container: Container, request_digest: str) -> str:
    """The text of the authorization code for a pushed request. It is derived, so that the response to the person's
    answer can be repeated although only its digest is stored."""
    key = container.secrets.derive("authorization code")
    return f"{container.environment.token_prefix('ac')}{base64url(derive(key, request_digest))}"


class TokenIssuer:
    """Creates and stores codes and tokens in the unit of work of one request. Their times are wall time."""

    def __init__(self, server: Server) -> None:
        self._server, self._unit = server, server.unit
        self._settings = server.container.settings

    def store_code(
        self, text: str, client: Client, consent: Consent, redirect_uri: str, code_challenge: str, dpop_jkt: str | None
    ) -> None:
        """Stores `text` as a code that is valid for 60 seconds (RFC 6749 section 4.1.2). It begins a new family
        of tokens. If `dpop_jkt` is not None, the code is bound to the key with that thumbprint."""
        self._unit.authorization_requests.insert_code(
            AuthorizationCodeRow(
                digest=digest(text),
                client_id=client.id,
                consent_id=consent.id,
                redirect_uri=redirect_uri,
                code_challenge=code_challenge,
                family=self._server.container.ids.new("fam"),
                dpop_jkt=dpop_jkt,
                expires_at=WallTime(self._unit.wall + CODE_LIFE),
            )
        )

    def issue_user_token(
        self, client: Client, consent: Consent, scopes: tuple[str, ...], family: str | None, refresh_token: str | None
    ) -> dict[str, Any]:
        """The token response for a consent, with the details that these scopes can use (RFC 9396 section 7). The token
        ends with the consent at the latest."""
        response = self._issue_access_token(client, scopes, consent, family)
        if refresh_token is not None:
            response["refresh_token"] = refresh_token
        response["grant_id"] = consent.id
        details = consent.details_in_force(self._unit.business_time(consent.merchant_id))
        response["authorization_details"] = [detail.document() for detail in details_within(details, scopes)]
        return response

    def issue_merchant_token(self, client: Client, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The token response for the merchant itself (RFC 6749 section 4.4.3)."""
        return self._issue_access_token(client, scopes, None, None)

    def new_refresh_token(self) -> str:
        """The text of a refresh token that is not stored yet."""
        return self._text("rt")

    def store_refresh_token(self, text: str, client: Client, consent: Consent, family: str) -> None:
        """Stores `text` as a refresh token of this family. It ends with the consent at the latest."""
        ends = WallTime(self._unit.wall + self._settings.refresh_token_life)
        self._unit.tokens.insert_refresh_token(
            RefreshTokenRow(
                digest=digest(text),
                family=family,
                client_id=client.id,
                consent_id=consent.id,
                issued_at=self._unit.wall,
                expires_at=end_with_consent(self._unit, ends, consent),
            )
        )

    def _issue_access_token(
        self, client: Client, scopes: tuple[str, ...], consent: Consent | None, family: str | None
    ) -> dict[str, Any]:
        proof, container = self._server.proof, self._server.container
        token = issue_access_token(
            self._unit,
            container.environment,
            container.settings,
            client.row,
            scopes,
            consent=consent,
            family=family,
            jkt=proof.jkt if proof else None,
        )
        return {
            "access_token": token.text,
            "token_type": "DPoP" if proof else "Bearer",
            "expires_in": int((token.expires_at - token.issued_at).total_seconds()),
            "scope": " ".join(scopes),
        }

    def _text(self, kind: str) -> str:
        return random_token(self._server.container.environment.token_prefix(kind))
