"""Announcements: which events that only time causes have been written, and which are to be written."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, bindparam, literal, select
from sqlmodel import Field

from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Topic
from gateway.domain.webhooks.announcements import (
    APPROVAL_NOTICE,
    CONSENT_NOTICE,
    DISPUTE_NOTICE,
    EXPIRED_FOR,
    NOT_BEFORE,
)
from gateway.kit.clock import BusinessTime
from gateway.store.base import Record, moment_column, table_of
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.merchants.partners import PARTNERS
from gateway.store.repository import Repository, insert_into


class AnnouncementRow(Record):
    """An event about a consent, a decision or a dispute was written for this date: its end, or the deadline of the
    response."""

    subject_id: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    date: BusinessTime = moment_column(primary_key=True)


class AnnouncementTable(AnnouncementRow, table=True):
    __tablename__ = "announcements"


ANNOUNCEMENTS = table_of(AnnouncementTable)
_A, _C, _D = ANNOUNCEMENTS.c, CONSENTS.c, DISPUTES.c
_INSERT = insert_into(ANNOUNCEMENTS).on_conflict_do_nothing(index_elements=["subject_id", "topic", "date"])


def _missing(
    topic: Topic, subject: ColumnElement[str], date: ColumnElement[Any], merchant: ColumnElement[str]
) -> Select[Any]:
    """Returns the subjects whose date is after `after` and until `until`, and which have no announcement for it, of
    partners with one clock offset, the earliest first."""
    written = select(_A.subject_id).where(_A.subject_id == subject, _A.topic == topic.value, _A.date == date)
    return (
        select(subject.label("subject_id"), date.label("date"), literal(topic.value).label("topic"))
        .join(MERCHANTS, MERCHANTS.c.id == merchant)
        .join(PARTNERS, PARTNERS.c.id == MERCHANTS.c.partner_id)
        .where(
            PARTNERS.c.clock_offset_seconds == bindparam("clock_offset", type_=Integer),
            PARTNERS.c.retired_at.is_(None),
            date > bindparam("after"),
            date <= bindparam("until"),
            ~written.exists(),
        )
        .order_by(date, subject)
        .limit(bindparam("most", type_=Integer))
    )


_LASTING = (_C.revoked_at.is_(None), _C.single_use.is_(False))
_EXPIRING = _missing(Topic.CONSENT_EXPIRING, _C.id, _C.expires_at, _C.merchant_id).where(
    *_LASTING, _C.granted_at <= bindparam("begun_by")
)
_EXPIRED = _missing(Topic.CONSENT_EXPIRED, _C.id, _C.expires_at, _C.merchant_id).where(*_LASTING)
_APPROVED = _missing(
    Topic.DECISION_EXPIRING, DECISIONS.c.id, DECISIONS.c.next_transition_at, DECISIONS.c.merchant_id
).where(DECISIONS.c.status == Status.APPROVED.value, DECISIONS.c.created_at <= bindparam("begun_by"))
_REMINDERS = _missing(Topic.DISPUTE_REMINDER, _D.id, _D.respond_by, _D.merchant_id).where(
    _D.status == DisputeStatus.AWAITING_MERCHANT.value, _D.opened_at <= bindparam("begun_by")
)


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event to be written. `date` is the end of the consent or the approval, or the deadline of the response."""

    subject_id: str
    topic: Topic
    date: BusinessTime


class AnnouncementRepository(Repository):
    """Lists what is to be announced, and notes what was. `offset` is the clock offset of the partners, `now` their
    business time."""

    def list_missing(self, offset: int, now: BusinessTime, limit: int) -> list[Announcement]:
        """Returns at most `limit` announcements of each topic that are due at `now` and were not written."""
        window = {"clock_offset": offset, "most": limit}
        begun_by = now - NOT_BEFORE
        rows = [
            *self._rows(_EXPIRING, **window, after=now, until=now + CONSENT_NOTICE, begun_by=begun_by),
            *self._rows(_EXPIRED, **window, after=now - EXPIRED_FOR, until=now),
            *self._rows(_APPROVED, **window, after=now, until=now + APPROVAL_NOTICE, begun_by=begun_by),
            *self._rows(_REMINDERS, **window, after=now, until=now + DISPUTE_NOTICE, begun_by=begun_by),
        ]
        return [Announcement(row.subject_id, Topic(row.topic), row.date) for row in rows]

    def add(self, announcement: Announcement) -> bool:
        """Notes an announcement. False if it was noted before."""
        row = AnnouncementRow(
            subject_id=announcement.subject_id, topic=announcement.topic.value, date=announcement.date
        )
        return self._run(_INSERT, vars(row)).changed == 1
