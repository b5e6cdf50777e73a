"""Issues access tokens: their text, their lifetime by client profile, and their row. Their times are wall time."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.consents.consent import Consent
from gateway.domain.environment import Environment
from gateway.domain.identity.client import BASELINE
from gateway.kit.clock import WallTime
from gateway.kit.crypto import digest, random_token
from gateway.settings import Settings
from gateway.store.identity.clients import ClientRow
from gateway.store.oauth.tokens import AccessTokenRow
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class TokenPolicy:
    """The token rules of one client profile. `rotates`: each refresh returns a new refresh token."""

    access_token_life: timedelta
    rotates: bool


def token_policy(profile: str, settings: Settings) -> TokenPolicy:
    """Returns the token policy of a client profile."""
    if profile == BASELINE:
        return TokenPolicy(settings.baseline_token_life, rotates=True)
    return TokenPolicy(settings.access_token_life, rotates=False)


def end_with_consent(unit: UnitOfWork, expires_at: WallTime, consent: Consent) -> WallTime:
    """Returns the earlier of `expires_at` and the end of the consent, in wall time. A consent expires in business time,
    so a change of the partner's clock can end it sooner."""
    remaining = consent.expires_at - unit.business_time(consent.merchant_id)
    return min(expires_at, WallTime(unit.wall + remaining))


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A new access token. Only its digest is stored. `jkt` is the thumbprint of the key to which it is bound, None for
    a bearer token."""

    text: str
    jkt: str | None
    scopes: tuple[str, ...]
    issued_at: WallTime
    expires_at: WallTime


def issue_access_token(
    unit: UnitOfWork,
    environment: Environment,
    settings: Settings,
    client: ClientRow,
    scopes: tuple[str, ...],
    *,
    consent: Consent | None,
    family: str | None,
    jkt: str | None,
) -> AccessToken:
    """Stores a new token, and returns it. A token of a consent ends with it at the latest. `family` is that of the
    refresh token that issues it, if any."""
    text, now = random_token(environment.token_prefix("at")), unit.wall
    ends = WallTime(now + token_policy(client.profile, settings).access_token_life)
    expires_at = end_with_consent(unit, ends, consent) if consent else ends
    unit.tokens.insert_access_token(
        AccessTokenRow(
            digest=digest(text),
            client_id=client.id,
            consent_id=consent.id if consent else None,
            family=family,
            scopes=list(scopes),
            jkt=jkt,
            issued_at=now,
            expires_at=expires_at,
        )
    )
    return AccessToken(text, jkt, scopes, now, expires_at)
