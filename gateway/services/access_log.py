"""The access log: records which merchant read what about a person, and lists the accesses for the person. Nothing else
writes to the access log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain.identity.principal import Principal
from gateway.kit.clock import WallTime, rfc3339
from gateway.kit.json import decode, encode
from gateway.services.consents.first_use import FirstUses
from gateway.store.logs.access_log import KINDS, AccessLogRow
from gateway.store.logs.sealed_log import NewEntry
from gateway.store.merchants.merchants import Counterpart
from gateway.store.unit import UnitOfWork

LISTED = 100
"""The number of accesses on one page of the list."""


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """One access as the person sees it. `answered` is what the merchant read, None if the person's key of that year has
    been destroyed."""

    id: str
    at: WallTime
    merchant_id: str
    merchant_name: str
    kind: str
    purpose: str
    answered: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class AccessGroup:
    """All accesses of one kind by one merchant, or all equal ones on a page of the list: the newest of them, how many
    they are, and when the first of them was."""

    newest: LoggedAccess
    times: int
    first: WallTime


@dataclass(frozen=True, slots=True)
class AccessPage:
    """A page of the list of accesses, newest first; equal ones are one group. `next` is the id after which the next
    page begins, None if this is the last page."""

    groups: tuple[AccessGroup, ...]
    next: str | None


class AccessLogService:
    """Appends entries to the access log, and lists those of a person. The first entry under a consent is its first
    use."""

    def __init__(self, first_uses: FirstUses) -> None:
        self._first_uses = first_uses

    def record(
        self, unit: UnitOfWork, principal: Principal, kind: str, purpose: str, answered: Mapping[str, Any]
    ) -> None:
        """Logs one access under the principal's consent, and records the first use. `kind` is one of SCORE_TIER,
        SCORE_THRESHOLD, SCORE_EXACT, PREVIEW and REQUEST. `answered` is sealed. Raises ValueError for a principal
        without a consent."""
        consent = principal.consent
        if consent is None:
            raise ValueError("an access to a person's data needs the person's consent")
        if consent.first_used_at is None:  # or it was used since the token was checked
            self._first_uses.record(unit, consent.id, principal.now)
        person = unit.logged_persons.load(consent.id)
        public = {
            "kind": kind,
            "purpose": purpose,
            "client": principal.client_id,
            "consent": consent.id,
            "business_at": rfc3339(principal.now),
        }
        columns = {"subject": person.subject}
        unit.access_log.append(NewEntry(principal.merchant_id, person, public, {"answered": answered}, columns))

    def list_groups(self, unit: UnitOfWork, user_id: str) -> tuple[AccessGroup, ...]:
        """All accesses to a person's data, by merchant and kind. The kinds that disclose most come first, and within a
        kind the newest access. So no number of accesses hides another one. Raises NotFound for an erased person,
        SealBroken if an entry was tampered with."""
        rows = unit.access_log.count_groups(unit.users.load_log_subject(user_id))
        entries = unit.access_log.list_by_ids(entry_id for row in rows for entry_id in (row.first, row.last))
        accesses = {access.id: access for access in _read_all(unit, entries)}
        groups = [AccessGroup(accesses[row.last], row.times, accesses[row.first].at) for row in rows]
        groups.sort(key=lambda group: group.newest.id, reverse=True)
        return tuple(sorted(groups, key=lambda group: KINDS.index(group.newest.kind)))

    def list_page(
        self, unit: UnitOfWork, user_id: str, *, kind: str = "", merchant_id: str = "", after: str | None = None
    ) -> AccessPage:
        """LISTED accesses to a person's data, newest first, of this kind and merchant, of any if it is "". Raises as
        `list_groups` does."""
        subject = unit.users.load_log_subject(user_id)
        entries = unit.access_log.list_selected(
            subject, kind=kind, merchant_id=merchant_id, before=after, limit=LISTED + 1
        )
        groups: dict[tuple[Any, ...], AccessGroup] = {}
        for access in _read_all(unit, entries[:LISTED]):
            key = (access.merchant_id, access.kind, access.purpose, encode(access.answered))
            group = groups.get(key, AccessGroup(access, 0, access.at))
            groups[key] = AccessGroup(group.newest, group.times + 1, access.at)
        return AccessPage(tuple(groups.values()), entries[LISTED - 1].id if len(entries) > LISTED else None)


def _read_all(unit: UnitOfWork, entries: Sequence[AccessLogRow]) -> list[LoggedAccess]:
    merchants = unit.merchants.load_counterparts(entry.merchant_id for entry in entries)
    personals = unit.access_log.open_all(entries)
    return [
        _read(entry, merchants.get(entry.merchant_id), personal)
        for entry, personal in zip(entries, personals, strict=True)
    ]


def _read(entry: AccessLogRow, merchant: Counterpart | None, personal: Mapping[str, Any] | None) -> LoggedAccess:
    public = decode(entry.public)
    return LoggedAccess(
        id=entry.id,
        merchant_id=entry.merchant_id,
        at=WallTime(datetime.fromisoformat(public["at"])),
        merchant_name=merchant.name if merchant else entry.merchant_id,
        kind=public["kind"],
        purpose=public["purpose"],
        answered=personal["answered"] if personal else None,
    )
