"""Deliveries of messages to webhook endpoints, with their attempts, and the rendered messages."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any

from sqlalchemy import Integer, Select, Update, and_, bindparam, exists, func, null, select

from gateway.kit.clock import WallTime
from gateway.store.base import Row
from gateway.store.repository import Repository
from gateway.store.rows_at_once import insert_missing, numbered, run_at_once
from gateway.store.webhooks.delivery_rows import (
    ATTEMPTS,
    DELIVERIES,
    HAS_FAILED,
    MESSAGES,
    DeliveryStatus,
    WebhookAttemptRow,
    WebhookDeliveryRow,
    WebhookMessageRow,
)
from gateway.store.webhooks.endpoints import ENDPOINTS, IS_OPEN

_D, _M = DELIVERIES.c, MESSAGES.c
_EARLIER = DELIVERIES.alias("earlier")
_new_messages = partial(insert_missing, MESSAGES, ("event_id",))
_new_deliveries = partial(insert_missing, DELIVERIES, ("endpoint_id", "event_id"))
_new_attempts = partial(insert_missing, ATTEMPTS, ("delivery_id", "number"))
_NOW = bindparam("now", type_=_D.due_at.type)
_BUSY_ENDPOINTS = (
    select(ENDPOINTS)
    .where(IS_OPEN, exists().where(_D.endpoint_id == ENDPOINTS.c.id, _D.due_at <= _NOW))
    .order_by(ENDPOINTS.c.id)
)
_HEADS = (
    select(_D.id)
    .where(
        _D.endpoint_id == bindparam("of_endpoint"),
        _D.due_at <= bindparam("now", type_=_D.due_at.type),
        ~exists().where(
            _EARLIER.c.endpoint_id == _D.endpoint_id,
            _EARLIER.c.subject_id == _D.subject_id,
            _EARLIER.c.sequence < _D.sequence,
            _EARLIER.c.due_at.is_not(None),
        ),
    )
    .order_by(_D.due_at, _D.position)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=DELIVERIES)
    .cte("heads")  # so that PostgreSQL runs it once
)
_CLAIM = (
    DELIVERIES.update()
    .where(_D.id.in_(select(_HEADS.c.id)))
    .values(attempts=_D.attempts + 1, tries=_D.tries + 1, due_at=bindparam("lost_at"))
    .returning(_D.id, _D.event_id, _D.attempts, _D.tries, _D.position)
)
_BODIES = select(MESSAGES).where(_M.event_id.in_(bindparam("ids", expanding=True)))
_CURRENT = and_(_D.attempts == bindparam("attempt"), _D.due_at.is_not(None))
_FAIL = (
    DELIVERIES.update()
    .where(_D.id == bindparam("of_id"), _CURRENT)
    .values(status=bindparam("new_status"), due_at=bindparam("next_at"), ended_at=bindparam("at_end"))
)
_BY_ID = select(DELIVERIES).where(_D.id == bindparam("delivery_id"))
_LOCKED = _BY_ID.with_for_update()
_OF_ENDPOINT = select(DELIVERIES).where(_D.endpoint_id == bindparam("endpoint_id")).order_by(_D.position.desc())
_RESEND = (
    DELIVERIES.update()
    .where(_D.id.in_(bindparam("ids", expanding=True)))
    .values(status=DeliveryStatus.PENDING.value, tries=0, due_at=bindparam("now_due"), ended_at=null())
)
_OF_EVENTS = (
    select(DELIVERIES).where(_D.event_id.in_(bindparam("ids", expanding=True))).order_by(_D.endpoint_id, _D.sequence)
)
_IDS = select(_D.event_id, _D.id).where(
    _D.endpoint_id == bindparam("of_endpoint"), _D.event_id.in_(bindparam("ids", expanding=True))
)
_ATTEMPTS_OF = (
    select(ATTEMPTS)
    .where(ATTEMPTS.c.delivery_id.in_(bindparam("ids", expanding=True)))
    .order_by(ATTEMPTS.c.delivery_id, ATTEMPTS.c.number)
)
_NEWEST_ATTEMPTS_OF = (
    select(ATTEMPTS)
    .join(DELIVERIES, _D.id == ATTEMPTS.c.delivery_id)
    .where(
        ATTEMPTS.c.delivery_id.in_(bindparam("ids", expanding=True)),
        ATTEMPTS.c.number > _D.attempts - bindparam("most", type_=Integer),
    )
    .order_by(ATTEMPTS.c.delivery_id, ATTEMPTS.c.number)
)
_WAITING = select(func.count(_D.id)).where(_D.due_at.is_not(None))


@cache
def _end_delivered(size: int) -> Update:
    return (
        DELIVERIES.update()
        .where(_D.id.in_(list(numbered("id", _D.id.type, size))), _CURRENT)
        .values(status=DeliveryStatus.DELIVERED.value, due_at=null(), ended_at=bindparam("at_end"))
    )


@dataclass(frozen=True, slots=True)
class DeliveryWindow:
    """One page of the deliveries to an endpoint: at most `limit` after the position `after` and before the position
    `before`, from the newest or, if `backward`, from the oldest. With `only_failed`, only those with the status
    FAILED."""

    limit: int
    backward: bool = False
    after: int | None = None
    before: int | None = None
    only_failed: bool = False


@lru_cache
def _page(backward: bool, after: bool, before: bool, only_failed: bool) -> Select[Any]:
    query = select(DELIVERIES).where(_D.endpoint_id == bindparam("endpoint_id"))
    if after:
        query = query.where(_D.position < bindparam("after"))
    if before:
        query = query.where(_D.position > bindparam("before"))
    if only_failed:
        query = query.where(HAS_FAILED)  # its text, so that the index is used
    return query.order_by(_D.position if backward else _D.position.desc()).limit(bindparam("most"))


class WebhookDeliveryRepository(Repository):
    """Reads and writes deliveries, attempts and rendered messages."""

    def insert(self, messages: Sequence[WebhookMessageRow], deliveries: Sequence[WebhookDeliveryRow]) -> None:
        """Writes rendered messages and deliveries, except those that exist."""
        run_at_once(self._connection, _new_messages, [vars(each) for each in messages])
        run_at_once(self._connection, _new_deliveries, [vars(each) for each in deliveries])

    def list_busy_endpoints(self, now: WallTime) -> Sequence[Row]:
        """Returns the enabled endpoints, not paused at `now`, that have a delivery that is due."""
        return self._rows(_BUSY_ENDPOINTS, now=now)

    def claim(self, endpoint_id: str, now: WallTime, lost_at: WallTime, limit: int) -> list[Row]:
        """Begins an attempt of at most `limit` due deliveries of an endpoint, and returns their `id`, `event_id`,
        `attempts` and `tries` (with this one) and `position`, in the order in which they are sent. Only the first
        unfinished delivery of a subject can be one of them. If an attempt is not ended until `lost_at`, it is made
        again. Several processes claim different deliveries."""
        claimed = self._rows(_CLAIM, of_endpoint=endpoint_id, now=now, lost_at=lost_at, most=limit)
        return sorted(claimed, key=lambda row: row.position)

    def load_messages(self, event_ids: Sequence[str]) -> dict[str, WebhookMessageRow]:
        """Returns the rendered messages about these events by event id, without those that were purged."""
        return {row.event_id: row for row in self._all(WebhookMessageRow, _BODIES, ids=sorted(set(event_ids)))}

    def insert_attempts(self, attempts: Sequence[WebhookAttemptRow]) -> None:
        """Writes attempts, except those that exist."""
        run_at_once(self._connection, _new_attempts, [vars(each) for each in attempts])

    def end_delivered(self, attempts: Sequence[WebhookAttemptRow], now: WallTime) -> None:
        """Ends the deliveries of these attempts as DELIVERED, except those that have ended or of which a later attempt
        has begun."""
        ids: defaultdict[int, list[dict[str, str]]] = defaultdict(list)
        for attempt in attempts:
            ids[attempt.number].append({"id": attempt.delivery_id})
        for number, rows in ids.items():
            run_at_once(self._connection, _end_delivered, rows, attempt=number, at_end=now)

    def end_failed(self, attempt: WebhookAttemptRow, now: WallTime, next_at: WallTime | None) -> None:
        """Lets the delivery of an attempt be tried again at `next_at`, or ends it as FAILED if there is no such time. A
        delivery that has ended, or of which a later attempt has begun, stays as it is."""
        status = DeliveryStatus.FAILED if next_at is None else DeliveryStatus.PENDING
        self._execute(
            _FAIL,
            of_id=attempt.delivery_id,
            attempt=attempt.number,
            new_status=status.value,
            next_at=next_at,
            at_end=now if next_at is None else None,
        )

    def load(self, delivery_id: str) -> WebhookDeliveryRow | None:
        """Returns the delivery, or None if it is unknown."""
        return self._first(WebhookDeliveryRow, _BY_ID, delivery_id=delivery_id)

    def list_of_endpoint(self, endpoint_id: str) -> list[WebhookDeliveryRow]:
        """Returns the deliveries to an endpoint, newest first."""
        return self._all(WebhookDeliveryRow, _OF_ENDPOINT, endpoint_id=endpoint_id)

    def list_page(self, endpoint_id: str, window: DeliveryWindow) -> list[WebhookDeliveryRow]:
        """Returns the deliveries of a page, in its direction."""
        bounds = {"after": window.after, "before": window.before}
        given = {name: position for name, position in bounds.items() if position is not None}
        statement = _page(window.backward, "after" in given, "before" in given, window.only_failed)
        return self._all(WebhookDeliveryRow, statement, endpoint_id=endpoint_id, most=window.limit, **given)

    def lock(self, delivery_id: str) -> WebhookDeliveryRow | None:
        """Returns the delivery as `load` does. Its row stays locked until the unit of work ends."""
        return self._first(WebhookDeliveryRow, _LOCKED, delivery_id=delivery_id)

    def resend(self, delivery_ids: Sequence[str], now: WallTime) -> None:
        """Makes deliveries due at `now`, with all attempts of the schedule before them."""
        if delivery_ids:
            self._execute(_RESEND, ids=list(delivery_ids), now_due=now)

    def list_ids(self, endpoint_id: str, event_ids: Sequence[str]) -> dict[str, str]:
        """Returns the ids of the deliveries of these events to an endpoint, by event id."""
        rows = self._rows(_IDS, of_endpoint=endpoint_id, ids=sorted(set(event_ids)))
        return {row.event_id: row.id for row in rows}

    def list_of_events(self, event_ids: Sequence[str]) -> list[WebhookDeliveryRow]:
        """Returns the deliveries of these events, those to one endpoint in the order in which they are sent."""
        return self._all(WebhookDeliveryRow, _OF_EVENTS, ids=sorted(set(event_ids)))

    def list_attempts(self, delivery_ids: Sequence[str]) -> list[WebhookAttemptRow]:
        """Returns the attempts of these deliveries, oldest first within each."""
        return self._all(WebhookAttemptRow, _ATTEMPTS_OF, ids=sorted(set(delivery_ids)))

    def list_newest_attempts(self, delivery_ids: Sequence[str], limit: int) -> list[WebhookAttemptRow]:
        """Returns the attempts of these deliveries, oldest first within each, at most the `limit` newest of each."""
        return self._all(WebhookAttemptRow, _NEWEST_ATTEMPTS_OF, ids=sorted(set(delivery_ids)), most=limit)

    def count_waiting(self) -> int:
        """Returns how many deliveries have not ended."""
        return int(self._value(_WAITING))
