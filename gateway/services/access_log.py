"""The access log: records which merchant read what about a person, and lists the accesses for the person. Nothing else
writes to the access log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.identity.principal import Principal
from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.json import decode
from gateway.store.logs.access_log import AccessLogRow
from gateway.store.logs.sealed_log import NewEntry
from gateway.store.merchants.merchants import Counterpart
from gateway.store.unit import UnitOfWork

NEWEST = 50
"""The number of accesses that a person sees at once."""


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """One access as the person sees it. `answered` is what the merchant read, None if the person's key of that year has
    been destroyed."""

    at: WallTime
    merchant_name: str
    kind: str
    purpose: str
    answered: Mapping[str, Any] | None


class AccessLogService:
    """Appends entries to the access log, and lists those of a person."""

    def record(
        self, unit: UnitOfWork, principal: Principal, kind: str, purpose: str, answered: Mapping[str, Any]
    ) -> None:
        """Logs one access under the principal's consent. `kind` is one of SCORE_TIER, SCORE_THRESHOLD, SCORE_EXACT,
        PREVIEW and REQUEST. `answered` is sealed. Raises ValueError for a principal without a consent."""
        consent = principal.consent
        if consent is None:
            raise ValueError("an access to a person's data needs the person's consent")
        subject = unit.users.load_log_subject(consent.user_id)
        public = {
            "kind": kind,
            "purpose": purpose,
            "client": principal.client_id,
            "consent": consent.id,
            "business_at": rfc3339(principal.now),
        }
        columns = {"subject": subject}
        unit.access_log.append(
            NewEntry(principal.merchant_id, consent.user_id, subject, public, {"answered": answered}, columns)
        )

    def list_of_user(self, unit: UnitOfWork, user_id: str) -> tuple[LoggedAccess, ...]:
        """The newest accesses to a person's data, at most NEWEST, newest first. Raises NotFound for an erased person,
        SealBroken if an entry was tampered with."""
        entries = unit.access_log.list_of_subject(unit.users.load_log_subject(user_id), limit=NEWEST)
        merchants = unit.merchants.load_counterparts(entry.merchant_id for entry in entries)
        personals = unit.access_log.open_all(entries)
        return tuple(
            _read(entry, merchants.get(entry.merchant_id), personal)
            for entry, personal in zip(entries, personals, strict=True)
        )


def _read(entry: AccessLogRow, merchant: Counterpart | None, personal: Mapping[str, Any] | None) -> LoggedAccess:
    public = decode(entry.public)
    return LoggedAccess(
        at=WallTime(datetime.fromisoformat(public["at"])),
        merchant_name=merchant.name if merchant else entry.merchant_id,
        kind=public["kind"],
        purpose=public["purpose"],
        answered=personal["answered"] if personal else None,
    )
