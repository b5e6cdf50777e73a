"""Who asked what about a person: the one way into the access log, and out of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.principal import Principal
from gateway.kit.clock import rfc3339
from gateway.kit.json import decode
from gateway.services.people import log_subject
from gateway.store import access_log, merchants
from gateway.store.access_log import AccessLogRow
from gateway.store.database import Session
from gateway.store.merchants import Counterpart
from gateway.store.sealed_log import Event, SealedLog

NEWEST = 50
"""How many accesses a person is shown at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One access as its person sees it. `at` is wall time (UTC); `answered` is None once the person's key of that year
    has been destroyed."""

    at: datetime
    merchant_name: str
    kind: str
    purpose: str
    answered: Mapping[str, Any] | None


class AccessService:
    """Appends entries to the access log, and shows a person theirs."""

    def __init__(self, log: SealedLog) -> None:
        self._log = log

    def record(
        self,
        session: Session,
        principal: Principal,
        kind: str,
        purpose: str,
        answered: dict[str, Any],
        wall: datetime,
    ) -> None:
        """Logs one access under the principal's consent, within the writing unit of `session`. `kind` is one of
        SCORE_TIER, SCORE_THRESHOLD, SCORE_EXACT, PREVIEW and REQUEST; `answered` is sealed."""
        consent = principal.consent
        if consent is None:
            raise ValueError("an access to a person's data needs that person's consent")
        subject = log_subject(session, consent.user_id)
        public = {
            "kind": kind,
            "purpose": purpose,
            "client": principal.client_id,
            "consent": consent.id,
            "business_at": rfc3339(principal.now),
        }
        event = Event(
            merchant_id=principal.merchant_id,
            user_id=consent.user_id,
            subject=subject,
            public=public,
            personal={"answered": answered},
            columns={"subject": subject},
        )
        self._log.append(session, event, wall)

    def of_user(self, session: Session, user_id: str) -> tuple[Seen, ...]:
        """Who asked what about a person, newest first, at most NEWEST."""
        rows = access_log.of_subject(session, log_subject(session, user_id), limit=NEWEST)
        met = merchants.counterparts(session, (row.merchant_id for row in rows))
        personals = self._log.personals(session, rows)
        return tuple(
            _seen(row, met.get(row.merchant_id), personal) for row, personal in zip(rows, personals, strict=True)
        )


def _seen(row: AccessLogRow, merchant: Counterpart | None, personal: Mapping[str, Any] | None) -> Seen:
    public = decode(row.public)
    return Seen(
        at=datetime.fromisoformat(public["at"]),
        merchant_name=merchant.name if merchant else row.merchant_id,
        kind=public["kind"],
        purpose=public["purpose"],
        answered=personal["answered"] if personal else None,
    )
