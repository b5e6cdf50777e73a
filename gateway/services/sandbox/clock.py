"""The clock of a partner in a sandbox: its business time, which the partner can move forward."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.duration import LONGEST
from gateway.domain.errors import InvalidInput
from gateway.kit.clock import BusinessTime, WallTime, business_time, offset_between
from gateway.services.decisions.scheduler import BATCH
from gateway.services.tasks import DueWork
from gateway.store.database import Database
from gateway.store.outbox import OutboxRow
from gateway.store.partner_clock import PartnerClockRepository
from gateway.store.unit import UnitOfWork

LONGEST_MOVE = timedelta(days=366)
"""How far one call can move the clock."""

LONGEST_RUN = 4.0
"""Seconds after which a call ends, although the clock has not come to its target: requests have a deadline."""


@dataclass(frozen=True, slots=True)
class PartnerClock:
    """The business time of a partner, and how far it is ahead of wall time."""

    now: BusinessTime
    offset: timedelta


@dataclass(frozen=True, slots=True)
class ClockMove:
    """The clock after a move, and how many events it caused. `is_complete`: whether it came to its target. The events
    are those since the wall time `began` without a position up to `position`, see `list_caused`."""

    clock: PartnerClock
    events: int
    is_complete: bool
    began: WallTime
    position: int


class SandboxClockService:
    """Moves the clocks of partners. What falls due on the way happens in its order, each at its own time: the clock
    stops at each moment at which something falls due. Tokens, sessions, proofs and retries follow wall time."""

    def __init__(self, database: Database, due: DueWork, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._database, self.due, self._monotonic = database, due, monotonic

    def read(self, unit: UnitOfWork, partner_id: str) -> PartnerClock:
        """Returns the partner's clock."""
        return _read(unit, partner_id)

    def find_next(self, unit: UnitOfWork, partner_id: str) -> BusinessTime | None:
        """Returns the next moment at which something of the partner can fall due, None if there is none."""
        return PartnerClockRepository(unit.connection).find_next(partner_id, _read(unit, partner_id).now)

    def list_caused(
        self, unit: UnitOfWork, partner_id: str, began: WallTime, position: int, limit: int
    ) -> list[OutboxRow]:
        """Returns at most `limit` events of the partner that the time has caused since the beginning of a move, in
        their order."""
        events = PartnerClockRepository(unit.connection).list_events(partner_id, began, position)
        return sorted(events, key=lambda each: str(each.payload["occurredAt"]))[:limit]

    def _load(self, partner_id: str) -> PartnerClock:
        return self._database.read(lambda unit: _read(unit, partner_id))

    def advance(self, partner_id: str, length: timedelta) -> ClockMove:
        """Moves the clock of the partner forward by `length`. Raises InvalidInput at ("advanceBy",) for zero, and for
        more than LONGEST_MOVE."""
        clock = self._load(partner_id)
        return self._move(partner_id, clock, BusinessTime(clock.now + length), "advanceBy")

    def set(self, partner_id: str, moment: BusinessTime) -> ClockMove:
        """Moves the clock of the partner forward to `moment`. Raises InvalidInput at ("setTo",) for a moment that is
        not in the future, or further away than LONGEST_MOVE."""
        return self._move(partner_id, self._load(partner_id), moment, "setTo")

    def _move(self, partner_id: str, clock: PartnerClock, target: BusinessTime, field: str) -> ClockMove:
        if target <= clock.now:
            raise InvalidInput("INVALID_PERIOD", "The clock moves forward only.", (field,))
        if target - clock.now > LONGEST_MOVE:
            raise InvalidInput(
                "INVALID_PERIOD", f"One call moves the clock by {LONGEST_MOVE.days} days at most.", (field,)
            )
        if clock.offset + (target - clock.now) > LONGEST:
            raise InvalidInput("INVALID_PERIOD", f"A clock is ahead by {LONGEST.days} days at most.", (field,))
        end = self._monotonic() + LONGEST_RUN
        began, position = self._database.read(lambda unit: (unit.wall, unit.outbox.last_position()))
        reached = clock.now
        self._apply_all(partner_id)
        while reached < target and self._monotonic() < end:
            reached = self._database.write(lambda unit: _step(unit, partner_id, target))
            self._apply_all(partner_id)
        return self._database.write(lambda unit: _result(unit, partner_id, began, position, reached >= target))

    def _apply_all(self, partner_id: str) -> None:
        """Does what is due at the partner's present business time."""
        while self.due.scheduler.apply_to(self._database.read(lambda unit: _list_due(unit, partner_id))):
            pass
        if self.due.persona_reviews is not None:
            self.due.persona_reviews.decide_due()
        self.due.disputes.uphold_unanswered()
        self.due.record_disputes.uphold_due()
        self.due.scores.compute_due()
        self.due.reminders.write_due()
        while self.due.announcements.write_due():
            pass


def _read(unit: UnitOfWork, partner_id: str) -> PartnerClock:
    partner = unit.partners.load(partner_id)
    assert partner is not None  # the partner of a checked token
    offset = partner.clock_offset_seconds
    return PartnerClock(business_time(unit.wall, offset), timedelta(seconds=offset))


def _list_due(unit: UnitOfWork, partner_id: str) -> list[str]:
    return unit.decisions.list_due_of_partner(partner_id, _read(unit, partner_id).now, BATCH)


def _step(unit: UnitOfWork, partner_id: str, target: BusinessTime) -> BusinessTime:
    """Moves the clock to the next moment at which something falls due, or to the target. Returns that moment."""
    repository = PartnerClockRepository(unit.connection)
    unit.partners.lock(partner_id)
    now = _read(unit, partner_id).now
    following = repository.find_next(partner_id, now)
    moment = target if following is None else min(target, following)
    repository.move(partner_id, offset_between(unit.wall, moment))
    return max(now, moment)


def _result(unit: UnitOfWork, partner_id: str, began: WallTime, position: int, is_complete: bool) -> ClockMove:
    repository = PartnerClockRepository(unit.connection)
    repository.retry_deliveries(partner_id, unit.wall)
    events = len(repository.list_events(partner_id, began, position))
    return ClockMove(_read(unit, partner_id), events, is_complete, began, position)
