"""The request log of a sandbox: the GraphQL requests of each partner, without secrets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import ColumnElement, Index, Integer, Select, and_, bindparam, func, or_, select, tuple_
from sqlmodel import Field

from gateway.kit.clock import WallTime
from gateway.store.base import Record, json_column, moment_column, table_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.identity.clients import CLIENTS
from gateway.store.identity.users import PERSONAS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.oauth.tokens import ACCESS_TOKENS
from gateway.store.repository import Repository
from gateway.store.rows_at_once import insert_missing, run_at_once

_ESCAPE, _OK = "/", 200


class RequestLogRow(Record):
    """One GraphQL request of a client of the partner. `document`, `variables`, `response`, `operation_name` and
    `request_id` are redacted. `document_id` is that of a trusted document. `scheme` is that of its credential, "bearer"
    or "dpop". `error_codes` has the codes between spaces, "" without an error. `decision_ids` and `references` name the
    decisions that it made or read. `dropped_before` is the number of requests of the client since its previous entry
    that have no entry."""

    id: str = Field(primary_key=True)
    partner_id: str
    merchant_id: str
    client_id: str
    received_at: WallTime = moment_column(index=True)
    request_id: str
    operation_name: str | None = None
    document: str
    document_id: str | None = None
    variables: str
    scheme: str
    http_status: int
    error_codes: str
    cost: int
    duration_ms: int
    response: str
    decision_ids: list[str] = json_column()
    references: list[str] = json_column()
    dropped_before: int


class RequestLogTable(RequestLogRow, table=True):
    __tablename__ = "request_log"
    __table_args__ = (
        Index("ix_request_log_partner_id_received_at_id", "partner_id", "received_at", "id"),
        Index("ix_request_log_partner_id_request_id", "partner_id", "request_id"),
    )


@dataclass(frozen=True, slots=True)
class RequestOwner:
    """The client of a request with its merchant and partner. `is_test_user` is False if its token is for a person who
    is not a persona."""

    client_id: str
    merchant_id: str
    partner_id: str
    is_test_user: bool = True


@dataclass(frozen=True, slots=True)
class LoggedDocument:
    """A document that was executed: its text, the number of its requests, and the entry of the newest one."""

    text: str
    requests: int
    entry_id: str


@dataclass(frozen=True, slots=True)
class RequestFilter:
    """Which entries are read. None filters nothing. `only_failed`: those with an HTTP status that is not 2xx, or with
    an error code. `since`: those that were received at this moment or later."""

    request_id: str | None = None
    operation_name: str | None = None
    error_code: str | None = None
    only_failed: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RequestWindow:
    """One page of entries: at most `limit` after the position `after` and before the position `before`, from the newest
    or, if `backward`, from the oldest. A position is (time, id)."""

    limit: int
    backward: bool = False
    after: tuple[datetime, str] | None = None
    before: tuple[datetime, str] | None = None


REQUEST_LOG = table_of(RequestLogTable)
_L = REQUEST_LOG.c
_new_entries = partial(insert_missing, REQUEST_LOG, ("id",))
_ENTRY = select(REQUEST_LOG).where(_L.partner_id == bindparam("partner_id"), _L.id == bindparam("entry_id"))
_KEY = tuple_(_L.received_at, _L.id)
_OWNERS = (
    select(
        ACCESS_TOKENS.c.digest,
        CLIENTS.c.id.label("client_id"),
        MERCHANTS.c.id.label("merchant_id"),
        MERCHANTS.c.partner_id,
        ACCESS_TOKENS.c.consent_id,
        PERSONAS.c.id.label("persona_id"),
    )
    .select_from(
        ACCESS_TOKENS.join(CLIENTS, CLIENTS.c.id == ACCESS_TOKENS.c.client_id)
        .join(MERCHANTS, MERCHANTS.c.id == CLIENTS.c.merchant_id)
        .outerjoin(CONSENTS, CONSENTS.c.id == ACCESS_TOKENS.c.consent_id)
        .outerjoin(PERSONAS, PERSONAS.c.user_id == CONSENTS.c.user_id)
    )
    .where(ACCESS_TOKENS.c.digest.in_(bindparam("digests", expanding=True)))
)
_FIRST_TOO_MANY = (
    select(_L.received_at, _L.id)
    .where(_L.partner_id == bindparam("partner_id"))
    .order_by(_L.received_at.desc(), _L.id.desc())
    .offset(bindparam("kept", type_=Integer))
    .limit(1)
)
_TOO_MANY = (
    select(_L.id)
    .where(
        _L.partner_id == bindparam("of_partner"),
        tuple_(bindparam("at", type_=_L.received_at.type), bindparam("of_id", type_=_L.id.type)) >= _KEY,
    )
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_TRIM = REQUEST_LOG.delete().where(_L.id.in_(_TOO_MANY))
_RAN = and_(_L.http_status == _OK, _L.cost > 0, _L.document != "")
_DOCUMENTS = (
    select(_L.document, func.max(_L.id).label("entry_id"), func.count().label("requests"))
    .where(
        _RAN,
        or_(bindparam("of_partner", type_=_L.id.type).is_(None), _L.partner_id == bindparam("of_partner")),
        or_(bindparam("of_merchant", type_=_L.id.type).is_(None), _L.merchant_id == bindparam("of_merchant")),
    )
    .group_by(_L.document)
    .order_by(func.max(_L.id).desc())
    .limit(bindparam("most", type_=Integer))
)
_OF_REFERENCES = select(DECISIONS.c.id, DECISIONS.c.merchant_reference).where(
    DECISIONS.c.merchant_id == bindparam("merchant_id"),
    DECISIONS.c.merchant_reference.in_(bindparam("names", expanding=True)),
)


class RequestLogRepository(Repository):
    """Reads and writes entries of the request log."""

    def load_owners(self, token_digests: Iterable[str]) -> Mapping[str, RequestOwner]:
        """Returns the owners of access tokens by their digests, also of expired ones, without unknown tokens."""
        rows = self._rows(_OWNERS, digests=sorted(set(token_digests)))
        return {
            row.digest: RequestOwner(
                row.client_id, row.merchant_id, row.partner_id, row.consent_id is None or row.persona_id is not None
            )
            for row in rows
        }

    def insert(self, entries: Sequence[RequestLogRow]) -> None:
        """Writes new entries."""
        run_at_once(self._connection, _new_entries, [vars(each) for each in entries])

    def trim(self, partner_id: str, kept: int, most: int) -> int:
        """Deletes at most `most` of the oldest entries of a partner, so that `kept` remain. Returns how many it
        deleted."""
        first = self._row(_FIRST_TOO_MANY, partner_id=partner_id, kept=kept)
        if first is None:
            return 0
        return self._execute(_TRIM, of_partner=partner_id, at=first.received_at, of_id=first.id, most=most)

    def load(self, partner_id: str, entry_id: str) -> RequestLogRow | None:
        """Returns the entry of a partner, None if it has none with this id."""
        return self._first(RequestLogRow, _ENTRY, partner_id=partner_id, entry_id=entry_id)

    def list_page(self, partner_id: str, filtered: RequestFilter, window: RequestWindow) -> list[RequestLogRow]:
        """Returns the entries of a partner that match the filter in a page, in its direction."""
        parameters: dict[str, Any] = {"partner_id": partner_id, "most": window.limit}
        for name, position in (("after", window.after), ("before", window.before)):
            if position is not None:
                parameters[f"{name}_at"], parameters[f"{name}_id"] = position
        wanted = {
            "of_request": filtered.request_id,
            "of_operation": filtered.operation_name,
            "of_code": None if filtered.error_code is None else _pattern(filtered.error_code),
            "since": filtered.since,
        }
        parameters |= {name: value for name, value in wanted.items() if value is not None}
        statement = _page(frozenset(parameters), filtered.only_failed, window.backward)
        return self._all(RequestLogRow, statement, **parameters)

    def list_documents(self, partner_id: str | None, merchant_id: str | None, most: int) -> list[LoggedDocument]:
        """Returns at most `most` different documents that were executed, those of the newest requests first: of a
        partner, of a merchant, or of all."""
        rows = self._rows(_DOCUMENTS, of_partner=partner_id, of_merchant=merchant_id, most=most)
        return [LoggedDocument(row.document, row.requests, row.entry_id) for row in rows]

    def load_decision_ids(self, merchant_id: str, references: Iterable[str]) -> Mapping[str, str]:
        """Returns the ids of the decisions of a merchant with these references, by reference."""
        rows = self._rows(_OF_REFERENCES, merchant_id=merchant_id, names=sorted(set(references)))
        return {row.merchant_reference: row.id for row in rows}


def _pattern(code: str) -> str:
    """The pattern of LIKE for error codes with this one."""
    for character in (_ESCAPE, "%", "_"):
        code = code.replace(character, _ESCAPE + character)
    return f"% {code} %"


_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "of_request": _L.request_id == bindparam("of_request"),
    "of_operation": _L.operation_name == bindparam("of_operation"),
    "of_code": _L.error_codes.like(bindparam("of_code"), escape=_ESCAPE),
    "since": _L.received_at >= bindparam("since", type_=_L.received_at.type),
    "after_at": tuple_(bindparam("after_at", type_=_L.received_at.type), bindparam("after_id", type_=_L.id.type))
    > _KEY,
    "before_at": tuple_(bindparam("before_at", type_=_L.received_at.type), bindparam("before_id", type_=_L.id.type))
    < _KEY,
}
_FAILED = or_(_L.http_status < 200, _L.http_status >= 300, _L.error_codes != "")


@lru_cache(maxsize=256)
def _page(names: frozenset[str], only_failed: bool, backward: bool) -> Select[Any]:
    conditions = [condition for name, condition in _CONDITIONS.items() if name in names]
    order = (_L.received_at, _L.id) if backward else (_L.received_at.desc(), _L.id.desc())
    return (
        select(REQUEST_LOG)
        .where(_L.partner_id == bindparam("partner_id"), *conditions, *([_FAILED] if only_failed else []))
        .order_by(*order)
        .limit(bindparam("most", type_=Integer))
    )
