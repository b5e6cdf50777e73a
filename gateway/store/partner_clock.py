"""The clock of one partner: when something falls due next, and what happened because of the time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, exists, func, or_, select

from gateway.domain.decisions.dispute import DisputeStatus
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.notices import notice as notices
from gateway.domain.scoring.record_dispute import RecordDisputeStatus
from gateway.domain.webhooks import announcements
from gateway.kit.clock import BusinessTime, WallTime
from gateway.store.consents.consents import CONSENTS
from gateway.store.decisions.decisions import DECISIONS
from gateway.store.decisions.disputes import DISPUTES
from gateway.store.identity.users import USERS
from gateway.store.merchants.merchants import MERCHANTS
from gateway.store.merchants.partners import PARTNERS
from gateway.store.outbox import OUTBOX, OutboxRow
from gateway.store.repository import Repository
from gateway.store.sandbox.reviews import PERSONA_REVIEWS
from gateway.store.scoring.record_disputes import RECORD_DISPUTES
from gateway.store.scoring.scores import PERSON_SCORES
from gateway.store.webhooks.delivery_rows import ATTEMPTS, DELIVERIES, DeliveryStatus
from gateway.store.webhooks.endpoints import ENDPOINTS

_MERCHANTS = select(MERCHANTS.c.id).where(MERCHANTS.c.partner_id == bindparam("partner_id"))
_USERS = select(USERS.c.id).where(USERS.c.partner_id == bindparam("partner_id"))
_NOW = timedelta(0)


def _of_merchants(table: Table, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(table.c.merchant_id.in_(_MERCHANTS), *conditions)


_LASTING = _of_merchants(CONSENTS, CONSENTS.c.revoked_at.is_(None), CONSENTS.c.single_use.is_(False))
_APPROVED = _of_merchants(DECISIONS, DECISIONS.c.status == Status.APPROVED.value)
_ACTIVE = _of_merchants(DECISIONS, DECISIONS.c.status == Status.ACTIVE.value)
_AWAITING = _of_merchants(DISPUTES, DISPUTES.c.status == DisputeStatus.AWAITING_MERCHANT.value)
_OF_PERSONAS = RECORD_DISPUTES.c.user_id.in_(_USERS)

_MOMENTS: Sequence[tuple[ColumnElement[Any], ColumnElement[bool], timedelta]] = (
    (DECISIONS.c.next_transition_at, _of_merchants(DECISIONS), _NOW),
    (DECISIONS.c.next_transition_at, _APPROVED, -announcements.APPROVAL_NOTICE),
    (DECISIONS.c.created_at, _APPROVED, announcements.NOT_BEFORE),
    (DECISIONS.c.due_at, _ACTIVE, -notices.REMINDER),
    (DECISIONS.c.activated_at, _ACTIVE, notices.NOT_BEFORE),
    (PERSONA_REVIEWS.c.due_at, _of_merchants(PERSONA_REVIEWS), _NOW),
    (DISPUTES.c.respond_by, _AWAITING, _NOW),
    (DISPUTES.c.respond_by, _AWAITING, -announcements.DISPUTE_NOTICE),
    (DISPUTES.c.opened_at, _AWAITING, announcements.NOT_BEFORE),
    (CONSENTS.c.expires_at, _LASTING, _NOW),
    (CONSENTS.c.expires_at, _LASTING, -announcements.CONSENT_NOTICE),
    (CONSENTS.c.granted_at, _LASTING, announcements.NOT_BEFORE),
    (
        RECORD_DISPUTES.c.respond_by,
        and_(_OF_PERSONAS, RECORD_DISPUTES.c.status == RecordDisputeStatus.AWAITING_SOURCE.value),
        _NOW,
    ),
    (PERSON_SCORES.c.due_at, PERSON_SCORES.c.user_id.in_(_USERS), _NOW),
)
"""What happens at a fixed time before or after a stored moment."""


def _after(number: int) -> str:
    return f"after_{number}"


_NEXT = select(
    *(
        select(func.min(moment))
        .where(condition, moment > bindparam(_after(number), type_=moment.type))
        .scalar_subquery()
        .label(f"next_{number}")
        for number, (moment, condition, _) in enumerate(_MOMENTS)
    )
)
_SET = (
    PARTNERS.update()
    .where(PARTNERS.c.id == bindparam("partner_id"), PARTNERS.c.clock_offset_seconds < bindparam("offset"))
    .values(clock_offset_seconds=bindparam("offset"))
)
_SINCE = (
    select(OUTBOX)
    .where(
        OUTBOX.c.merchant_id.in_(_MERCHANTS),
        or_(OUTBOX.c.position > bindparam("after"), OUTBOX.c.position.is_(None)),
        OUTBOX.c.created_at >= bindparam("since"),
    )
    .order_by(OUTBOX.c.created_at, OUTBOX.c.id)
)
_RUNS = ~exists().where(ATTEMPTS.c.delivery_id == DELIVERIES.c.id, ATTEMPTS.c.number == DELIVERIES.c.attempts)
_RETRY = (
    DELIVERIES.update()
    .where(
        DELIVERIES.c.endpoint_id.in_(select(ENDPOINTS.c.id).where(ENDPOINTS.c.merchant_id.in_(_MERCHANTS))),
        DELIVERIES.c.status == DeliveryStatus.PENDING.value,
        DELIVERIES.c.due_at > bindparam("at", type_=DELIVERIES.c.due_at.type),
        DELIVERIES.c.attempts > 0,
        ~_RUNS,
    )
    .values(due_at=bindparam("at", type_=DELIVERIES.c.due_at.type), tries=DELIVERIES.c.tries - 1)
)


class PartnerClockRepository(Repository):
    """Moves the business time of a partner, and reads what falls due."""

    def move(self, partner_id: str, offset_seconds: int) -> None:
        """Moves the partner's business time forward, to this offset from wall time. It never moves back."""
        self._execute(_SET, partner_id=partner_id, offset=offset_seconds)

    def find_next(self, partner_id: str, now: BusinessTime) -> BusinessTime | None:
        """Returns the next moment after `now` at which something of the partner can fall due: a transition, a deadline,
        a reminder, an announcement or a score. None if there is none."""
        after = {_after(number): now - lead for number, (_, _, lead) in enumerate(_MOMENTS)}
        row = self._row(_NEXT, partner_id=partner_id, **after)
        assert row is not None
        found = [row[number] + lead for number, (_, _, lead) in enumerate(_MOMENTS) if row[number] is not None]
        return BusinessTime(min(found)) if found else None

    def list_events(self, partner_id: str, since: WallTime, after: int) -> list[OutboxRow]:
        """Returns the events that the time has caused that were written at `since` or later and have no position up to
        `after`: those of the clock, and corrections of tiers, which follow from disputes that nobody has answered. They
        are in the order in which they were written."""
        rows = self._all(OutboxRow, _SINCE, partner_id=partner_id, since=since, after=after)
        return [
            row
            for row in rows
            if row.topic == Topic.TIER_CORRECTED.value or row.payload.get("actor") == Actor.CLOCK.value
        ]

    def retry_deliveries(self, partner_id: str, now: WallTime) -> int:
        """Makes the deliveries to the partner's endpoints that wait for their next attempt due at `now`. This attempt
        does not count in their schedules. Returns how many."""
        return self._execute(_RETRY, partner_id=partner_id, at=now)
