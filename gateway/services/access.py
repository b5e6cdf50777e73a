"""Who asked what about a person: the one way into the access log."""

from datetime import datetime
from typing import Any

from gateway.domain.principal import Principal
from gateway.kit.clock import rfc3339
from gateway.services.people import log_subject
from gateway.store.database import Session
from gateway.store.sealed_log import Event, SealedLog


class AccessRecorder:
    """Appends entries to the access log."""

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
