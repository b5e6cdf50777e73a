"""Disputes about imported behaviour records. The texts of a dispute are sealed with the person's key of the year. After
that key is destroyed they cannot be read any more; the row stays."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, Index, bindparam, select, text
from sqlmodel import Field

from gateway.domain.scoring.record import RecordKind
from gateway.domain.scoring.record_dispute import CONTESTABLE_KINDS, RecordDispute, RecordDisputeStatus
from gateway.kit.clock import BusinessTime
from gateway.kit.crypto import seal, unseal
from gateway.store.base import Record, bytes_column, moment_column, table_of
from gateway.store.identity.users import USERS
from gateway.store.logs.keys import KeyRepository
from gateway.store.merchants.partners import RETIRED
from gateway.store.repository import Repository
from gateway.store.scoring.records import GATEWAY, RECORDS, VISIBLE

_IS_OPEN = text("status = 'AWAITING_SOURCE'")


class RecordDisputeRow(Record):
    """A dispute. `record_id` is a behaviour record, which may have been deleted since. `source` and `reference` name
    all versions of the record. `statement_key` and `resolution_key` are the ids of the keys of the sealed texts."""

    id: str = Field(primary_key=True)
    record_id: str = Field(index=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    source: str
    reference: str
    status: str
    opened_at: BusinessTime = moment_column()
    respond_by: BusinessTime = moment_column()
    resolved_at: BusinessTime | None = moment_column(default=None)
    statement_key: str
    statement_sealed: bytes = bytes_column()
    resolution_key: str | None = None
    resolution_sealed: bytes | None = bytes_column(optional=True, default=None)


class RecordDisputeTable(RecordDisputeRow, table=True):
    __tablename__ = "record_disputes"
    __table_args__ = (
        Index("ix_record_disputes_source_reference", "source", "reference"),
        Index(
            "uq_record_disputes_open",
            "source",
            "reference",
            unique=True,
            postgresql_where=_IS_OPEN,
            sqlite_where=_IS_OPEN,
        ),
    )


RECORD_DISPUTES = table_of(RecordDisputeTable)
_D = RECORD_DISPUTES.c
IS_OPEN = _D.status == RecordDisputeStatus.AWAITING_SOURCE.value
_BY_ID = select(RECORD_DISPUTES).where(_D.id == bindparam("dispute_id"))
_OF_RECORD = (
    select(RECORD_DISPUTES)
    .where(_D.source == bindparam("source"), _D.reference == bindparam("reference"))
    .order_by(_D.id)
)
_OF_USER = select(RECORD_DISPUTES).where(_D.user_id == bindparam("user_id")).order_by(_D.id)
_ALL = select(RECORD_DISPUTES).order_by(_D.id)
_OPEN = _ALL.where(IS_OPEN)
_IS_PRESENT = _D.user_id.not_in(select(USERS.c.id).where(USERS.c.partner_id.in_(RETIRED)))
_PRESENT, _PRESENT_OPEN = _ALL.where(_IS_PRESENT), _OPEN.where(_IS_PRESENT)
_HAS_OPEN = select(_D.id).where(IS_OPEN).limit(1)
_UNANSWERED = (
    select(_D.id)
    .join(USERS, USERS.c.id == _D.user_id)
    .where(IS_OPEN, _D.respond_by <= bindparam("now"))
    .order_by(_D.respond_by, _D.id)
    .limit(bindparam("most"))
)
_UNANSWERED_OF_PARTNER = _UNANSWERED.where(USERS.c.partner_id == bindparam("partner_id"))
_UNANSWERED_WITHOUT_PARTNER = _UNANSWERED.where(USERS.c.partner_id.is_(None))
_version = VISIBLE.where(RECORDS.c.source != GATEWAY).subquery()
_REPLACED = (
    select(_D.id)
    .join(_version, (_version.c.source == _D.source) & (_version.c.reference == _D.reference))
    .where(
        IS_OPEN,
        _version.c.id != _D.record_id,
        (_version.c.user_id != _D.user_id) | _version.c.kind.not_in(sorted(CONTESTABLE_KINDS - {RecordKind.MONTHS})),
    )
    .order_by(_D.id)
    .limit(bindparam("most"))
)
_UPDATE = RECORD_DISPUTES.update().where(_D.id == bindparam("dispute_id"))


class RecordDisputeRepository(Repository):
    """Reads and writes disputes. The caller must lock the person's score before it writes one."""

    def __init__(self, connection: Connection, keys: KeyRepository) -> None:
        super().__init__(connection)
        self._keys = keys

    def load(self, dispute_id: str) -> RecordDispute | None:
        """Returns the dispute with its texts, or None for an unknown id. Raises SealBroken."""
        rows = self._all(RecordDisputeRow, _BY_ID, dispute_id=dispute_id)
        return self._read(rows)[0] if rows else None

    def list_of_record(self, source: str, reference: str) -> list[RecordDispute]:
        """Returns the disputes about a record, oldest first, with their texts. Raises SealBroken."""
        return self._read(self._all(RecordDisputeRow, _OF_RECORD, source=source, reference=reference))

    def list_of_user(self, user_id: str) -> list[RecordDispute]:
        """Returns a person's disputes, oldest first, without their texts."""
        return [_dispute(row, {}) for row in self._all(RecordDisputeRow, _OF_USER, user_id=user_id)]

    def list_all(self, *, open_only: bool, with_replaced: bool = False) -> list[RecordDispute]:
        """Returns all disputes, or the open ones, oldest first, without their texts. Those of personas of a partner
        that a reset has replaced are left out, except `with_replaced`."""
        every, is_open = (_ALL, _OPEN) if with_replaced else (_PRESENT, _PRESENT_OPEN)
        return [_dispute(row, {}) for row in self._all(RecordDisputeRow, is_open if open_only else every)]

    def has_open(self) -> bool:
        """Returns whether any dispute is open."""
        return self._value(_HAS_OPEN) is not None

    def list_unanswered(self, partner_id: str | None, now: BusinessTime, limit: int) -> list[str]:
        """Returns the ids of open disputes whose time for an answer has passed at `now`: of the persons of a partner,
        or of those without one."""
        if partner_id is None:
            return self._values(_UNANSWERED_WITHOUT_PARTNER, now=now, most=limit)
        return self._values(_UNANSWERED_OF_PARTNER, partner_id=partner_id, now=now, most=limit)

    def list_corrected(self, limit: int) -> list[str]:
        """Returns the ids of open disputes about records that the source has corrected by a newer version."""
        return self._values(_REPLACED, most=limit)

    def insert(self, dispute: RecordDispute) -> None:
        """Writes a new dispute. Seals its statement."""
        key_id, sealed = self._seal(dispute, "statement", dispute.statement)
        row = RecordDisputeRow(
            id=dispute.id,
            record_id=dispute.record_id,
            user_id=dispute.user_id,
            source=dispute.source,
            reference=dispute.reference,
            status=dispute.status,
            opened_at=dispute.opened_at,
            respond_by=dispute.respond_by,
            statement_key=key_id,
            statement_sealed=sealed,
        )
        self._insert(RECORD_DISPUTES, row)

    def end(self, dispute: RecordDispute) -> None:
        """Writes the version, the status and the end of a stored dispute. Seals its resolution."""
        key_id, sealed = None, None
        if dispute.resolution is not None:
            key_id, sealed = self._seal(dispute, "resolution", dispute.resolution)
        self._execute(
            _UPDATE,
            dispute_id=dispute.id,
            record_id=dispute.record_id,
            status=dispute.status.value,
            resolved_at=dispute.resolved_at,
            resolution_key=key_id,
            resolution_sealed=sealed,
        )

    def _seal(self, dispute: RecordDispute, name: str, plain: str) -> tuple[str, bytes]:
        key_id, key = self._keys.ensure_user_key(dispute.user_id)
        return key_id, seal(key, plain.encode(), _context(dispute.id, name))

    def _read(self, rows: Sequence[RecordDisputeRow]) -> list[RecordDispute]:
        """Returns the disputes with their texts. One statement loads all keys."""
        if not rows:
            return []
        key_ids: Iterable[str | None] = (key for row in rows for key in (row.statement_key, row.resolution_key))
        keys = self._keys.open_user_keys(filter(None, key_ids))
        return [_dispute(row, keys) for row in rows]


def _dispute(row: RecordDisputeRow, keys: Mapping[str, bytes]) -> RecordDispute:
    """Returns the dispute in a row. A text whose key is not in `keys` is absent."""
    statement = _open(keys.get(row.statement_key), row.statement_sealed, _context(row.id, "statement"))
    resolution = _open(keys.get(row.resolution_key or ""), row.resolution_sealed, _context(row.id, "resolution"))
    return RecordDispute(
        id=row.id,
        record_id=row.record_id,
        user_id=row.user_id,
        source=row.source,
        reference=row.reference,
        status=RecordDisputeStatus(row.status),
        opened_at=row.opened_at,
        respond_by=row.respond_by,
        resolved_at=row.resolved_at,
        statement=statement or "",
        resolution=resolution,
    )


def _open(key: bytes | None, sealed: bytes | None, context: bytes) -> str | None:
    return None if key is None or sealed is None else unseal(key, sealed, context).decode()


def _context(dispute_id: str, name: str) -> bytes:
    return f"{dispute_id} {name}".encode()
