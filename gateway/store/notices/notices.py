"""Notices: one row each, written in the unit of work of what it reports."""

from sqlalchemy import ColumnElement, Connection, Index, Integer, Select, bindparam, func, select, text
from sqlmodel import Field

from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.events import Actor
from gateway.domain.merchants import Product
from gateway.domain.notices.notice import Notice, NoticeKind, kind_of_event
from gateway.kit.clock import BusinessTime, WallTime
from gateway.kit.ids import Ids
from gateway.store.base import Record, Row, moment_column, table_of
from gateway.store.repository import Repository, insert_into

_TO_SEND = text("attempt_at IS NOT NULL")
_ADVANCE = text("kind IN ('CONSENT_EXPIRING', 'DUE_SOON')")


class NoticeRow(Record):
    """A notice. The domain's `Notice` describes its first fields. `attempt_at` is when it is sent next, None if it is
    not sent any more. `attempts` counts how often that began. `sent_at` is when the mail server or the hook accepted
    it. `not_sent` is why it was not sent, and will not be."""

    user_id: str = Field(primary_key=True, foreign_key="users.id")
    id: str = Field(primary_key=True)
    kind: str
    merchant_id: str | None = None
    subject_id: str | None = None
    product: str | None = None
    business_at: BusinessTime | None = moment_column(default=None)
    created_at: WallTime = moment_column(index=True)
    read_at: WallTime | None = moment_column(default=None)
    attempt_at: WallTime | None = moment_column(default=None)
    attempts: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    sent_at: WallTime | None = moment_column(default=None)
    not_sent: str | None = None


class NoticeTable(NoticeRow, table=True):
    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_attempt_at", "attempt_at", postgresql_where=_TO_SEND, sqlite_where=_TO_SEND),
        Index(
            "uq_notices_in_advance",
            "subject_id",
            "kind",
            "business_at",
            unique=True,
            postgresql_where=_ADVANCE,
            sqlite_where=_ADVANCE,
        ),
    )


NOTICES = table_of(NoticeTable)
_N = NOTICES.c
_OF_USER: ColumnElement[bool] = _N.user_id == bindparam("user_id")
_PAGE: Select[tuple[object, ...]] = (
    select(NOTICES).where(_OF_USER).order_by(_N.id.desc()).limit(bindparam("most", type_=Integer))
)
_OLDER = _PAGE.where(_N.id < bindparam("before"))
_UNREAD = _N.read_at.is_(None)
_COUNT = select(func.count()).select_from(
    select(_N.id).where(_OF_USER, _UNREAD).limit(bindparam("most", type_=Integer)).subquery()
)
_READ_ALL = NOTICES.update().where(_N.user_id == bindparam("of_user"), _UNREAD).values(read_at=bindparam("now"))
_READ = _READ_ALL.where(_N.id == bindparam("of_id"))
_NEW_IN_ADVANCE = insert_into(NOTICES).on_conflict_do_nothing(
    index_elements=["subject_id", "kind", "business_at"], index_where=_ADVANCE
)


class NoticeRepository(Repository):
    """Writes and reads notices."""

    def __init__(self, connection: Connection, wall: WallTime, ids: Ids) -> None:
        super().__init__(connection)
        self._wall, self._ids = wall, ids

    def add(
        self,
        user_id: str,
        kind: NoticeKind,
        *,
        merchant_id: str | None = None,
        subject_id: str | None = None,
        product: Product | None = None,
        business_at: BusinessTime | None = None,
    ) -> None:
        """Writes a notice, which is unread, and sent as soon as possible."""
        self._insert(NOTICES, self._new(user_id, kind, merchant_id, subject_id, product, business_at))

    def add_in_advance(
        self,
        user_id: str,
        kind: NoticeKind,
        merchant_id: str,
        subject_id: str,
        product: Product | None,
        date: BusinessTime,
    ) -> bool:
        """Writes a notice in advance of a date. False if there is one about this date of the subject."""
        row = self._new(user_id, kind, merchant_id, subject_id, product, date)
        return self._run(_NEW_IN_ADVANCE, vars(row)).changed == 1

    def follow(
        self,
        user_id: str,
        state: DecisionState,
        previous: DecisionState | None,
        event: DecisionEvent,
        actor: Actor,
        dispute: str | None,
    ) -> None:
        """Writes the notice about an event of a decision, if the person is informed of it. `previous` is the state
        before the event, None for a new decision, `dispute` the status of the event's dispute."""
        dispute_status = DisputeStatus(dispute) if dispute is not None else None
        kind = kind_of_event(event, actor, dispute_status, previous, state)
        if kind is not None:
            self.add(
                user_id,
                kind,
                merchant_id=state.merchant_id,
                subject_id=state.id,
                product=state.product,
                business_at=event.at,
            )

    def list_page(self, user_id: str, limit: int, before: str | None = None) -> list[Notice]:
        """Returns a person's notices, newest first, at most `limit`. With `before`, only those that are older than the
        notice with this id."""
        if before is None:
            return [read_notice(row) for row in self._rows(_PAGE, user_id=user_id, most=limit)]
        return [read_notice(row) for row in self._rows(_OLDER, user_id=user_id, most=limit, before=before)]

    def count_unread(self, user_id: str, most: int) -> int:
        """Returns the number of a person's unread notices, at most `most`."""
        return int(self._value(_COUNT, user_id=user_id, most=most))

    def mark_read(self, user_id: str, notice_id: str | None = None) -> int:
        """Marks a notice of the person as read, or all. Returns how many were unread."""
        if notice_id is None:
            return self._execute(_READ_ALL, of_user=user_id, now=self._wall)
        return self._execute(_READ, of_user=user_id, of_id=notice_id, now=self._wall)

    def _new(
        self,
        user_id: str,
        kind: NoticeKind,
        merchant_id: str | None,
        subject_id: str | None,
        product: Product | None,
        business_at: BusinessTime | None,
    ) -> NoticeRow:
        return NoticeRow(
            user_id=user_id,
            id=self._ids.new("ntc"),
            kind=kind.value,
            merchant_id=merchant_id,
            subject_id=subject_id,
            product=product,
            business_at=business_at,
            created_at=self._wall,
            attempt_at=self._wall,
        )


def read_notice(row: Row) -> Notice:
    """Returns the notice in a row with the columns of the table."""
    return Notice(
        user_id=row.user_id,
        id=row.id,
        kind=NoticeKind(row.kind),
        merchant_id=row.merchant_id,
        subject_id=row.subject_id,
        product=None if row.product is None else Product(row.product),
        business_at=row.business_at,
        created_at=row.created_at,
        read_at=row.read_at,
    )
