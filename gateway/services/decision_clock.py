"""What time does to decisions: approvals run out, due dates pass, marks lapse, breaches are written off."""

from datetime import datetime

from gateway.domain import life
from gateway.domain.decision import Happening
from gateway.domain.event import Actor
from gateway.kit.clock import WallClock, business_time
from gateway.kit.logging import get_logger
from gateway.services.decision_record import DecisionRecorder
from gateway.services.decision_times import partner_now
from gateway.store import decisions, partners
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow

BATCH = 100
_log = get_logger(__name__)
_NOTES = {
    Happening.LAPSE: "No breach was reported in time: the mark no longer counts.",
    Happening.WRITE_OFF: "Written off: it no longer takes up the line of trust.",
}


class DecisionClock:
    """Each decision is a unit of work of its own. Several processes may do the same work at once: a decision moves
    once."""

    def __init__(self, database: Database, recorder: DecisionRecorder, clock: WallClock) -> None:
        self._database, self._recorder, self._clock = database, recorder, clock

    def tick(self) -> int:
        """Looks at the decisions whose moment has come, a batch of each partner's in its own time. Answers how many
        were moved."""
        with self._database.read() as session:
            due = []
            for partner in partners.listed(session):
                now = business_time(self._clock(), partner.clock_offset_seconds)
                due += decisions.waking(session, now, partner_id=partner.id, limit=BATCH)
        return sum(self._wake_or_tell(decision_id) for decision_id in due)

    def wake_all_of(self, user_id: str, now: datetime) -> None:
        """Looks at the decisions of one person whose moment has come by `now`."""
        with self._database.read() as session:
            due = decisions.waking(session, now, user_id=user_id)
        for decision_id in due:
            self._wake_or_tell(decision_id)

    def wake(self, decision_id: str) -> bool:
        """Moves one decision as far as its moments have come. False where there was nothing to do."""
        with self._database.write() as session:
            row = decisions.load(session, decision_id, lock=True)
            return row is not None and self._wake(session, row)

    def _wake_or_tell(self, decision_id: str) -> bool:
        try:
            return self.wake(decision_id)
        except Exception as error:  # noqa: BLE001  # one that cannot be moved holds up no other
            _log.error("decision_not_moved", decision=decision_id, error=type(error).__name__)
            return False

    def _wake(self, session: Session, row: DecisionRow) -> bool:
        wall = self._clock()
        now = partner_now(session, row, wall)
        moved = False
        for step in life.woken(decisions.standing_of(row), now):
            moved = True
            note = next((text for name, text in _NOTES.items() if name is step[1].name), None)
            self._recorder.move(session, row, step, Actor.CLOCK, {"note": note}, wall=wall, now=now)
        return moved
