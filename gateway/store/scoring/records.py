"""Behaviour records: imported ones, and those of decisions in this deployment."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, Index, and_, bindparam, func, or_, select, text
from sqlmodel import Field

from gateway.domain.money import Money
from gateway.domain.scoring.record import KEPT_KINDS, BehaviourRecord, Dimension, RecordKind
from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, Row, moment_column, table_of
from gateway.store.repository import Repository, insert_into
from gateway.store.scoring.imports import IMPORTS
from gateway.store.statements import run_many

GATEWAY = "gateway"
"""The source of records that this deployment writes itself."""


_NEGATIVE = text("kind IN ('BROKEN', 'LATE')")
REPORTED = text(f"source <> '{GATEWAY}'")
"""The condition of records that others have reported. An index has it, so it is the same text in statements."""


class BehaviourRecordRow(Record):
    """A behaviour record. `source` and `reference` name it: an imported one by the name of its source and the
    source's id, one of a decision by GATEWAY and the decision's id. `replaced_by` is the import that has a newer
    version of it. `month` is the number of the month of `at`. `claimed_at` is set if the record rests on what the
    person said, and is when. `removed_at` is when a dispute about it was upheld: it never counts again, and stays so
    that an import with the same content does not add it again."""

    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    source: str
    reference: str
    import_id: str | None = Field(default=None, foreign_key="score_imports.id")
    replaced_by: str | None = Field(default=None, foreign_key="score_imports.id")
    dimension: str
    kind: str
    partner: str
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)
    currency: str | None = None
    months: int | None = None
    at: BusinessTime = moment_column()
    month: int
    counts_from: BusinessTime | None = moment_column(default=None)
    ended_at: BusinessTime | None = moment_column(default=None)
    contested_at: BusinessTime | None = moment_column(default=None)
    claimed_at: BusinessTime | None = moment_column(default=None)
    removed_at: BusinessTime | None = moment_column(default=None)


class BehaviourRecordTable(BehaviourRecordRow, table=True):
    __tablename__ = "behaviour_records"
    __table_args__ = (
        Index("uq_behaviour_records_source_reference_import_id", "source", "reference", "import_id", unique=True),
        Index("ix_behaviour_records_partner", "partner", postgresql_where=_NEGATIVE, sqlite_where=_NEGATIVE),
        Index("ix_behaviour_records_import_id", "import_id"),
        Index("ix_behaviour_records_kind_month", "kind", "month", postgresql_where=REPORTED, sqlite_where=REPORTED),
        Index(
            "ix_behaviour_records_replaced_by",
            "replaced_by",
            postgresql_where=text("replaced_by IS NOT NULL"),
            sqlite_where=text("replaced_by IS NOT NULL"),
        ),
    )


RECORDS = table_of(BehaviourRecordTable)
_R = RECORDS.c
OWN_IMPORT, _newer = IMPORTS.alias("own_import"), IMPORTS.alias("newer_import")
VISIBLE = (
    select(RECORDS)
    .outerjoin(OWN_IMPORT, OWN_IMPORT.c.id == _R.import_id)
    .outerjoin(_newer, _newer.c.id == _R.replaced_by)
    .where(
        or_(_R.import_id.is_(None), OWN_IMPORT.c.published_at.is_not(None)),
        or_(_R.replaced_by.is_(None), _newer.c.published_at.is_(None)),
    )
)
"""Records of published imports without those that a later published import has replaced, and records of decisions."""

_OF_USER = VISIBLE.where(_R.user_id == bindparam("user_id"), _R.removed_at.is_(None))
_GROUP = (_R.partner, _R.dimension, _R.kind, _R.month, _R.currency, _R.contested_at.is_(None))
_by_amount = func.row_number().over(partition_by=_GROUP, order_by=(_R.amount_minor.desc(), _R.at, _R.id))
_by_time = func.row_number().over(partition_by=_GROUP, order_by=(_R.at, _R.id))
_ranked = _OF_USER.add_columns(_by_amount.label("by_amount"), _by_time.label("by_time")).subquery()
_RELEVANT = select(_ranked).where(
    or_(
        _ranked.c.kind.not_in(sorted(KEPT_KINDS)),
        _ranked.c.by_amount <= bindparam("largest"),
        _ranked.c.by_time <= bindparam("earliest"),
    )
)
_VISIBLE_BY_ID = VISIBLE.where(_R.id == bindparam("record_id"))
_OF_DECISION = select(RECORDS).where(
    and_(_R.source == GATEWAY, _R.reference == bindparam("decision_id"), _R.import_id.is_(None))
)
_CHANGEABLE = ("kind", "amount_minor", "at", "month", "counts_from", "ended_at", "contested_at", "claimed_at")
_UPDATE = (
    RECORDS.update()
    .where(_R.id == bindparam("record_id"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGEABLE})
)
_DELETE = RECORDS.delete().where(_R.id == bindparam("record_id"))
_INSERT = insert_into(RECORDS)
_OWN = select(_R.id).where(_R.user_id == bindparam("user_id"), _R.source == GATEWAY).limit(1)


class BehaviourRecordRepository(Repository):
    """Reads and writes behaviour records."""

    def list_of_user(self, user_id: str) -> list[BehaviourRecordRow]:
        """Returns a person's visible records, without removed ones."""
        return self._all(BehaviourRecordRow, _OF_USER.order_by(_R.at, _R.id), user_id=user_id)

    def list_relevant(self, user_id: str, largest: int, earliest: int) -> list[BehaviourRecord]:
        """Returns a person's records for the score: the visible ones without removed ones. Of the kept records of one
        partner, dimension, kind, month and currency it returns only so many with the largest amounts, because the caps
        let no more count, and so many of the earliest, which the minimum for a score counts. Contested ones, which do
        not count, take no place of another."""
        return [read_record(row) for row in self._rows(_RELEVANT, user_id=user_id, largest=largest, earliest=earliest)]

    def load(self, record_id: str) -> BehaviourRecordRow | None:
        """Returns a visible record, or None."""
        return self._first(BehaviourRecordRow, _VISIBLE_BY_ID, record_id=record_id)

    def load_of_decision(self, decision_id: str) -> BehaviourRecordRow | None:
        """Returns the record of a decision, or None."""
        return self._first(BehaviourRecordRow, _OF_DECISION, decision_id=decision_id)

    def update(self, record: BehaviourRecord) -> None:
        """Writes the kind, the amount and the times of a stored record."""
        columns = _columns(record)
        self._execute(_UPDATE, record_id=record.id, **{f"new_{name}": columns[name] for name in _CHANGEABLE})

    def delete(self, record_id: str) -> None:
        """Deletes a record."""
        self._execute(_DELETE, record_id=record_id)

    def insert_all(self, rows: Sequence[BehaviourRecordRow]) -> None:
        """Writes new records."""
        run_many(self._connection, _INSERT, [vars(row) for row in rows])

    def has_own(self, user_id: str) -> bool:
        """Returns whether this deployment has written a record about the person."""
        return self._value(_OWN, user_id=user_id) is not None


def new_record_row(
    record: BehaviourRecord, user_id: str, *, source: str, reference: str, import_id: str | None = None
) -> BehaviourRecordRow:
    """Returns the row of a new record."""
    return BehaviourRecordRow.of_values(
        {
            **_columns(record),
            "user_id": user_id,
            "source": source,
            "reference": reference,
            "import_id": import_id,
            "replaced_by": None,
            "removed_at": None,
        }
    )


def read_record(row: Row | BehaviourRecordRow) -> BehaviourRecord:
    """Returns the record in a row."""
    return BehaviourRecord(
        id=row.id,
        dimension=Dimension(row.dimension),
        kind=RecordKind(row.kind),
        partner=row.partner,
        at=row.at,
        amount=None if row.amount_minor is None or row.currency is None else Money(row.amount_minor, row.currency),
        months=row.months,
        counts_from=row.counts_from,
        ended_at=row.ended_at,
        contested_at=row.contested_at,
        claimed_at=row.claimed_at,
        is_own=row.source == GATEWAY,
    )


def _columns(record: BehaviourRecord) -> dict[str, str | int | datetime | None]:
    amount = record.amount
    return {
        "id": record.id,
        "dimension": record.dimension,
        "kind": record.kind,
        "partner": record.partner,
        "amount_minor": None if amount is None else amount.minor,
        "currency": None if amount is None else amount.currency,
        "months": record.months,
        "at": record.at,
        "month": record.month,
        "counts_from": record.counts_from,
        "ended_at": record.ended_at,
        "contested_at": record.contested_at,
        "claimed_at": record.claimed_at,
    }
