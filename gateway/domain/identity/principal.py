"""The principal of a request: the result of the token check, which is passed to every service."""

from dataclasses import dataclass

from gateway.domain.consents.consent import Consent
from gateway.domain.fault import Fault
from gateway.domain.scope import TokenKind
from gateway.kit.clock import BusinessTime, WallTime


@dataclass(frozen=True, slots=True)
class Principal:
    """One valid access token. `scopes` are the granted scopes, `allowed` includes the implied ones. `consent` is None
    for a merchant token. `now` is the partner's business time when the token was checked. `jkt` is the thumbprint of
    the key to which the token is bound, None for a bearer token. `has_faults` is whether faults are injected into calls
    of the partner, `fault` the one of this call. Both are of a sandbox only."""

    kind: TokenKind
    partner_id: str
    merchant_id: str
    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    allowed: frozenset[str]
    token_expires_at: WallTime
    now: BusinessTime
    consent: Consent | None = None
    jkt: str | None = None
    has_faults: bool = False
    fault: Fault | None = None
