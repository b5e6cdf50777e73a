"""Writes the notices in advance of a date: before a consent ends, and before an obligation is due."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import takewhile

from gateway.kit.clock import business_time
from gateway.kit.logging import get_logger
from gateway.kit.outage import Outage
from gateway.services.isolated_steps import run_or_log
from gateway.store.database import Database
from gateway.store.decisions.upcoming import Upcoming
from gateway.store.unit import UnitOfWork

BATCH = 100
"""The largest number of notices of one kind and business time that one unit of work writes."""

_log = get_logger(__name__)


class ReminderService:
    """Writes each notice once, also if several processes do this at the same time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Writes the notices that are due, until there are no more. Asks `may_continue` before each unit of work, and
        stops if it is false. An error in one is logged and does not stop the others. Returns how many it wrote.
        Raises Outage."""
        written = 0
        while may_continue():
            upcoming = self._database.read(_list_upcoming)
            if not upcoming:
                break
            new = self._write(upcoming, may_continue)
            if not new:  # another process has written them, or none can be written
                break
            written += new
        return written

    def _write(self, upcoming: Sequence[Upcoming], may_continue: Callable[[], bool]) -> int:
        """Writes these notices in one unit of work, or each alone if that fails. Returns how many it wrote."""
        try:
            return self._database.write(partial(_write, upcoming=upcoming))
        except Outage:
            raise
        except Exception:  # noqa: BLE001  # it is logged for the notice that fails alone
            return sum(map(self._write_alone, takewhile(lambda _: may_continue(), upcoming)))

    def _write_alone(self, reminder: Upcoming) -> int:
        log_error = partial(_log.error, "reminder_not_written", kind=reminder.kind, subject=reminder.subject_id)
        write = partial(self._database.write, partial(_write, upcoming=[reminder]))
        return run_or_log(write, log_error, "reminders") or 0


def _list_upcoming(unit: UnitOfWork) -> list[Upcoming]:
    upcoming: list[Upcoming] = []
    for offset in sorted({partner.clock_offset_seconds for partner in unit.partners.list_partners()}):
        now = business_time(unit.wall, offset)
        upcoming += unit.upcoming.list_expiring_consents(offset, now, BATCH)
        upcoming += unit.upcoming.list_due_soon(offset, now, BATCH)
    return upcoming


def _write(unit: UnitOfWork, upcoming: Sequence[Upcoming]) -> int:
    return sum(
        unit.notices.add_in_advance(each.user_id, each.kind, each.merchant_id, each.subject_id, each.product, each.date)
        for each in upcoming
    )
