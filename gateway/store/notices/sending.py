"""The queue of notices that are sent: each is claimed for a time, and then accepted, tried again or given up."""

from dataclasses import dataclass

from sqlalchemy import Connection, Executable, Integer, bindparam, select, text, tuple_

from gateway.domain.notices.delivery import LEASE, NotSent
from gateway.domain.notices.notice import Notice
from gateway.kit.clock import WallTime
from gateway.store.notices.notices import NOTICES, read_notice
from gateway.store.repository import Repository

_N = NOTICES.c
_KEY = tuple_(_N.user_id, _N.id)
_WAITS = (text("attempt_at IS NOT NULL"), _N.attempt_at <= bindparam("due"))
"""The first is the condition of the index, without which PostgreSQL and SQLite do not use it."""

_DUE = (
    select(_N.user_id, _N.id)
    .where(*_WAITS)
    .order_by(_N.attempt_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_ANY_DUE = select(_N.id).where(*_WAITS).order_by(_N.attempt_at).limit(1)
_CLAIM = (
    NOTICES.update()
    .where(_KEY.in_(_DUE))
    .values(attempt_at=bindparam("until"), attempts=_N.attempts + 1)
    .returning(*NOTICES.c)
)
_OF_ATTEMPT = NOTICES.update().where(
    _N.user_id == bindparam("of_user"), _N.id == bindparam("of_id"), _N.attempts == bindparam("number")
)
_ACCEPT = _OF_ATTEMPT.values(sent_at=bindparam("now"), attempt_at=None)
_RETRY = _OF_ATTEMPT.values(attempt_at=bindparam("next_at"))
_GIVE_UP = _OF_ATTEMPT.values(not_sent=bindparam("reason"), attempt_at=None)
_GIVE_UP_ALL = NOTICES.update().where(_KEY.in_(_DUE)).values(not_sent=NotSent.EXPIRED.value, attempt_at=None)


@dataclass(frozen=True, slots=True)
class ClaimedNotice:
    """A notice that this process sends now. `attempt` counts how often that began."""

    notice: Notice
    attempt: int


class SentNoticeRepository(Repository):
    """Changes of an attempt have no effect after the notice was claimed again: they return False."""

    def __init__(self, connection: Connection, wall: WallTime) -> None:
        super().__init__(connection)
        self._wall = wall

    def has_due(self, at: WallTime) -> bool:
        """Whether there is a notice that was to be sent at this time or before."""
        return self._value(_ANY_DUE, due=at) is not None

    def claim(self) -> ClaimedNotice | None:
        """Returns the notice that waits longest, and postpones it by the lease, so that no other process sends it
        meanwhile. None if there is none to send now."""
        row = self._row(_CLAIM, due=self._wall, until=self._wall + LEASE, most=1)
        return None if row is None else ClaimedNotice(read_notice(row), row.attempts)

    def accept(self, claimed: ClaimedNotice) -> bool:
        """Records that the notice was accepted now."""
        return self._change(_ACCEPT, claimed, now=self._wall)

    def retry(self, claimed: ClaimedNotice, at: WallTime) -> bool:
        """Tries the notice again at this time."""
        return self._change(_RETRY, claimed, next_at=at)

    def give_up(self, claimed: ClaimedNotice, reason: NotSent) -> bool:
        """Records that the notice is not sent any more."""
        return self._change(_GIVE_UP, claimed, reason=reason.value)

    def expire(self, before: WallTime, most: int) -> int:
        """Gives up at most `most` notices that were to be sent at this time or before. Returns how many."""
        return self._execute(_GIVE_UP_ALL, due=before, most=most)

    def _change(self, statement: Executable, claimed: ClaimedNotice, **values: object) -> bool:
        notice = claimed.notice
        return self._execute(statement, of_user=notice.user_id, of_id=notice.id, number=claimed.attempt, **values) == 1
