"""Who is calling: the answer of the token check, handed down to every service."""

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.consent import Consent
from gateway.domain.scope import TokenKind


@dataclass(frozen=True, slots=True)
class Principal:
    """One live access token. `scopes` are those granted, `allowed` also what they imply. `consent` is None
    for a merchant token. `now` is the partner's business time when the token was checked, `clock_offset_seconds`
    how far it stands ahead of wall time."""

    kind: TokenKind
    partner_id: str
    merchant_id: str
    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    allowed: frozenset[str]
    token_expires_at: datetime
    now: datetime
    clock_offset_seconds: int
    consent: Consent | None = None
