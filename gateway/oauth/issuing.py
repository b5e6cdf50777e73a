"""Issues codes and tokens: how they look, how long each client profile's live, what the token answer says."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gateway.domain.client import BASELINE
from gateway.domain.consent import Consent
from gateway.kit.crypto import digest, random_token
from gateway.oauth.client import Client
from gateway.oauth.server import Server
from gateway.services.consents import details_within
from gateway.settings import Settings
from gateway.store import oauth_requests, oauth_tokens
from gateway.store.oauth_requests import AuthorizationCodeRow
from gateway.store.oauth_tokens import AccessTokenRow, RefreshTokenRow

CODE_LIFE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Policy:
    """How tokens of one client profile behave. `rotates` says that each refresh gives a new refresh token."""

    access_token_life: timedelta
    rotates: bool


def policy(profile: str, settings: Settings) -> Policy:
    """The token policy of a client profile."""
    if profile == BASELINE:
        return Policy(settings.baseline_token_life, rotates=True)
    return Policy(settings.access_token_life, rotates=False)


class Issuer:
    """Mints and stores for one request. `now` is the business time of the client's partner."""

    def __init__(self, server: Server, now: datetime) -> None:
        self._server, self._session, self.now = server, server.session, now
        self._settings = server.parts.settings

    def code(
        self, client: Client, consent: Consent, redirect_uri: str, code_challenge: str, dpop_jkt: str | None
    ) -> str:
        """A code of 60 seconds of wall time (RFC 6749 section 4.1.2), bound to a key where `dpop_jkt` names one."""
        text = self._text("ac")
        oauth_requests.insert(
            self._session,
            AuthorizationCodeRow(
                digest=digest(text),
                client_id=client.id,
                consent_id=consent.id,
                redirect_uri=redirect_uri,
                code_challenge=code_challenge,
                dpop_jkt=dpop_jkt,
                expires_at=self._server.wall + CODE_LIFE,
            ),
        )
        return text

    def new_family(self) -> str:
        return self._server.parts.ids.new("fam")

    def user_token(
        self, client: Client, consent: Consent, scopes: tuple[str, ...], family: str | None, refresh_token: str | None
    ) -> dict[str, Any]:
        """The token answer for a consent: it never outlives the consent, and says what was granted (RFC 9396
        section 7)."""
        answer = self._access_token(client, scopes, consent, family)
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        answer["grant_id"] = consent.id
        answer["authorization_details"] = [d.document() for d in details_within(consent.details, scopes)]
        return answer

    def merchant_token(self, client: Client, scopes: tuple[str, ...]) -> dict[str, Any]:
        """The token answer for the merchant itself (RFC 6749 section 4.4.3)."""
        return self._access_token(client, scopes, None, None)

    def new_refresh_token(self) -> str:
        """The text of a refresh token that is not stored yet."""
        return self._text("rt")

    def store_refresh_token(self, text: str, client: Client, consent: Consent, family: str) -> None:
        """Makes `text` a refresh token of this family, which ends with the consent at the latest."""
        oauth_tokens.insert(
            self._session,
            RefreshTokenRow(
                digest=digest(text),
                family=family,
                client_id=client.id,
                consent_id=consent.id,
                issued_at=self.now,
                expires_at=min(self.now + self._settings.refresh_token_life, consent.expires_at),
            ),
        )

    def _access_token(
        self, client: Client, scopes: tuple[str, ...], consent: Consent | None, family: str | None
    ) -> dict[str, Any]:
        text, proof = self._text("at"), self._server.proof
        ends = self.now + policy(client.row.profile, self._settings).access_token_life
        expires_at = min(ends, consent.expires_at) if consent else ends
        oauth_tokens.insert(
            self._session,
            AccessTokenRow(
                digest=digest(text),
                client_id=client.id,
                consent_id=consent.id if consent else None,
                family=family,
                scopes=list(scopes),
                jkt=proof.jkt if proof else None,
                issued_at=self.now,
                expires_at=expires_at,
            ),
        )
        return {
            "access_token": text,
            "token_type": "DPoP" if proof else "Bearer",
            "expires_in": int((expires_at - self.now).total_seconds()),
            "scope": " ".join(scopes),
        }

    def _text(self, kind: str) -> str:
        return random_token(self._server.parts.realm.token_prefix(kind))
