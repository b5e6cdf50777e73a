"""Consents: one row each, with the current scopes and details. Rows are never deleted."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Index, Select, bindparam, false, or_, select, text
from sqlmodel import Field

from gateway.domain.consents.authorization_detail import THRESHOLD, AuthorizationDetail, parse_details
from gateway.domain.consents.consent import Consent
from gateway.domain.scoring.tier import Tier
from gateway.kit import json
from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, columns_of, json_column, moment_column, record_of, table_of
from gateway.store.logs.record_log import NOT_IN_DIGEST, RecordLog
from gateway.store.repository import Repository
from gateway.store.statements import RawRow, fetch_raw


class ConsentRow(Record):
    """A consent. `details` are complete RFC 9396 documents. `threshold_tier` is the tier of the first threshold
    inquiry: the `minimum` of threshold details that name none. `first_used_at` follows from the access log, and for
    consents from before it existed it is `granted_at` of that time. Times are the partner's business time."""

    id: str = Field(primary_key=True)
    merchant_id: str = Field(foreign_key="merchants.id")
    client_id: str = Field(foreign_key="oauth_clients.id")
    user_id: str = Field(foreign_key="users.id", index=True)
    subject: str
    scopes: list[str] = json_column()
    details: list[dict[str, Any]] = json_column()
    granted_at: BusinessTime = moment_column()
    expires_at: BusinessTime = moment_column()
    revoked_at: BusinessTime | None = moment_column(default=None)
    single_use: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    threshold_tier: str | None = None
    first_used_at: BusinessTime | None = moment_column(default=None, sa_column_kwargs={"info": NOT_IN_DIGEST})


_UNREVOKED_ROW = text("revoked_at IS NULL")


class ConsentTable(ConsentRow, table=True):
    __tablename__ = "consents"
    __table_args__ = (
        Index("ix_consents_merchant_id_id", "merchant_id", "id"),
        Index("ix_consents_expires_at", "expires_at", postgresql_where=_UNREVOKED_ROW, sqlite_where=_UNREVOKED_ROW),
    )


_MOST_KEPT = 2_048
"""The number of consents that are kept in the memory of one process."""

CONSENTS = table_of(ConsentTable)
_CONSENT = select(CONSENTS).where(CONSENTS.c.id == bindparam("consent_id"))
_LOCKED = _CONSENT.with_only_columns(*columns_of(CONSENTS, ConsentRow)).with_for_update()
_USER = select(CONSENTS.c.user_id).where(CONSENTS.c.id == bindparam("consent_id"))
_OF_USER = select(CONSENTS).where(CONSENTS.c.user_id == bindparam("user_id")).order_by(CONSENTS.c.id.desc())
_UNREVOKED = (
    select(CONSENTS.c.id)
    .where(CONSENTS.c.client_id == bindparam("client_id"), CONSENTS.c.revoked_at.is_(None))
    .order_by(CONSENTS.c.id)
)
_NEWEST = (
    _OF_USER.with_only_columns(CONSENTS.c.id)
    .where(CONSENTS.c.client_id == bindparam("client_id"), CONSENTS.c.revoked_at.is_(None))
    .limit(1)
)
_UPDATE = CONSENTS.update().where(CONSENTS.c.id == bindparam("consent_id"))
_BIND = (
    _UPDATE.where(or_(CONSENTS.c.threshold_tier.is_(None), CONSENTS.c.threshold_tier == bindparam("tier")))
    .values(threshold_tier=bindparam("tier"))
    .returning(CONSENTS.c.id)
)
_UNBIND = _UPDATE.values(threshold_tier=None)
_USE = (
    _UPDATE.where(CONSENTS.c.first_used_at.is_(None))
    .values(first_used_at=bindparam("now"))
    .returning(*columns_of(CONSENTS, ConsentRow))
)
_REVOKE = _UPDATE.where(CONSENTS.c.revoked_at.is_(None)).values(revoked_at=bindparam("now")).returning(CONSENTS.c.id)


def to_consent(row: ConsentRow) -> Consent:
    """Returns the domain object of a row."""
    return Consent(
        id=row.id,
        merchant_id=row.merchant_id,
        client_id=row.client_id,
        user_id=row.user_id,
        subject=row.subject,
        scopes=tuple(row.scopes),
        details=tuple(_with_minimum(detail, row.threshold_tier) for detail in _details(json.encode(row.details))),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        single_use=row.single_use,
        first_used_at=row.first_used_at,
    )


@lru_cache(maxsize=_MOST_KEPT)
def read_consent(row: RawRow) -> Consent:
    """Returns the consent in a row, or in the part of a row with the columns of ConsentRow in their order. The row is
    read each time. If it is the same as before, so is the consent."""
    return to_consent(record_of(ConsentRow, row.read_values()))


@lru_cache(maxsize=_MOST_KEPT)
def _details(encoded: bytes) -> Sequence[AuthorizationDetail]:
    """Returns the details in JSON. Many consents to one client have the same."""
    return parse_details(json.decode(encoded))


def _with_minimum(detail: AuthorizationDetail, tier: str | None) -> AuthorizationDetail:
    if tier is None or detail.level != THRESHOLD or detail.minimum is not None:
        return detail
    return replace(detail, minimum=Tier(tier))


@lru_cache
def _page(backward: bool, after: bool, before: bool) -> Select[Any]:
    query = select(CONSENTS).where(CONSENTS.c.merchant_id == bindparam("merchant_id"))
    if after:
        query = query.where(CONSENTS.c.id < bindparam("after"))
    if before:
        query = query.where(CONSENTS.c.id > bindparam("before"))
    return query.order_by(CONSENTS.c.id if backward else CONSENTS.c.id.desc()).limit(bindparam("most"))


class ConsentRepository(Repository):
    """Reads and writes consents. Each change but the first use is noted for the record log."""

    def __init__(self, connection: Connection, records: RecordLog) -> None:
        super().__init__(connection)
        self._records = records

    def load(self, consent_id: str) -> Consent | None:
        """Returns the consent, or None if it is unknown."""
        row = self._first(ConsentRow, _CONSENT, consent_id=consent_id)
        return to_consent(row) if row else None

    def lock(self, consent_id: str) -> Consent | None:
        """Returns the consent as `load` does, and locks it until the unit of work ends."""
        rows = fetch_raw(self._connection, _LOCKED, {"consent_id": consent_id})
        return read_consent(rows[0]) if rows else None

    def load_user_id(self, consent_id: str) -> str:
        """Returns the id of the person who gave the consent. Raises LookupError for an unknown consent."""
        user_id: str | None = self._value(_USER, consent_id=consent_id)
        if user_id is None:
            raise LookupError(f"There is no consent {consent_id}.")
        return user_id

    def list_of_user(self, user_id: str) -> list[Consent]:
        """Returns a person's consents, newest first."""
        return [to_consent(row) for row in self._all(ConsentRow, _OF_USER, user_id=user_id)]

    def load_newest(self, client_id: str, user_id: str) -> str | None:
        """Returns the id of a person's newest consent to a client that is not revoked. None if there is none."""
        newest: str | None = self._value(_NEWEST, client_id=client_id, user_id=user_id)
        return newest

    def list_page(
        self, merchant_id: str, limit: int, *, backward: bool, after: str | None, before: str | None
    ) -> list[Consent]:
        """Returns at most `limit` consents to a merchant after and before these consent ids, from the newest or, if
        `backward`, from the oldest."""
        given = {name: bound for name, bound in (("after", after), ("before", before)) if bound is not None}
        statement = _page(backward, "after" in given, "before" in given)
        rows = self._all(ConsentRow, statement, merchant_id=merchant_id, most=limit, **given)
        return [to_consent(row) for row in rows]

    def list_unrevoked(self, client_id: str) -> list[str]:
        """Returns the ids of a client's consents that are not revoked, including expired ones, oldest first."""
        return self._values(_UNREVOKED, client_id=client_id)

    def insert(self, consent: Consent) -> None:
        """Writes a new consent."""
        row = ConsentRow(
            id=consent.id,
            merchant_id=consent.merchant_id,
            client_id=consent.client_id,
            user_id=consent.user_id,
            subject=consent.subject,
            scopes=list(consent.scopes),
            details=[detail.document() for detail in consent.details],
            granted_at=consent.granted_at,
            expires_at=consent.expires_at,
            single_use=consent.single_use,
            first_used_at=consent.first_used_at,
        )
        self._insert(CONSENTS, row)
        self._records.note(CONSENTS, row.id)

    def update(self, consent: Consent) -> None:
        """Writes scopes, details and period of a consent that the caller has locked."""
        self._execute(
            _UPDATE,
            consent_id=consent.id,
            scopes=list(consent.scopes),
            details=[detail.document() for detail in consent.details],
            granted_at=consent.granted_at,
            expires_at=consent.expires_at,
        )
        self._records.note(CONSENTS, consent.id)

    def bind_threshold(self, consent_id: str, tier: Tier) -> bool:
        """Binds the consent's threshold details without a `minimum` to this tier. Returns False and changes nothing if
        they are bound to another one."""
        return self._note(consent_id, self._changes(_BIND, consent_id=consent_id, tier=tier.value))

    def unbind_threshold(self, consent_id: str) -> None:
        """Removes the binding of `bind_threshold`, because the person has replaced the consent."""
        self._execute(_UNBIND, consent_id=consent_id)
        self._records.note(CONSENTS, consent_id)

    def note_first_use(self, consent_id: str, now: BusinessTime) -> Consent | None:
        """Writes when the consent was used for the first time, and returns it, locked. Returns None and changes nothing
        if it was used before. The record log has no entry of it."""
        row = self._first(ConsentRow, _USE, consent_id=consent_id, now=now)
        return to_consent(row) if row else None

    def revoke(self, consent_id: str, now: BusinessTime) -> bool:
        """Revokes the consent. Returns False if it was already revoked."""
        return self._note(consent_id, self._changes(_REVOKE, consent_id=consent_id, now=now))

    def _note(self, consent_id: str, changed: bool) -> bool:
        if changed:
            self._records.note(CONSENTS, consent_id)
        return changed
