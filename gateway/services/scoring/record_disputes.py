"""Disputes about imported behaviour records: the person opens one, the operator decides on behalf of the record's
source. Without an answer of the source it is upheld."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from gateway.domain.errors import InvalidInput, NotFound, StateConflict
from gateway.domain.notices.notice import NoticeKind
from gateway.domain.scoring.history import Cause
from gateway.domain.scoring.record import NEGATIVE_KINDS, RecordKind
from gateway.domain.scoring.record_dispute import (
    LONGEST_TEXT,
    RESPONSE_TIME,
    RecordDispute,
    RecordDisputeStatus,
    is_corrected,
    require_contestable,
)
from gateway.domain.text import require_text
from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.isolated_steps import run_or_log
from gateway.services.scoring.person_time import load_offset
from gateway.store.database import Database
from gateway.store.scoring.contested_records import ListedRecord
from gateway.store.unit import UnitOfWork

BATCH = 100
_log = get_logger(__name__)


class RecordDisputeService:
    """Opens, ends and lists disputes. Each change is one unit of work, which locks the person's score first: so no
    other change of the same record, and no publication of an import of it, runs at the same time."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database, self._ids = database, ids

    def open(self, user_id: str, record_id: str, statement: str) -> RecordDispute:
        """Opens a dispute of a person about an imported record, which does not count until the dispute ends. Raises
        NotFound for a record of another person or one that a newer version has replaced, InvalidInput if it cannot be
        contested, and TooEarly."""
        require_text(statement, LONGEST_TEXT, "statement", lines=True)

        def open_dispute(unit: UnitOfWork) -> RecordDispute:
            offset = load_offset(unit, user_id)
            now = business_time(unit.wall, offset)
            unit.scores.lock(user_id, now)
            listed = unit.contested_records.load(record_id)
            if listed is None or listed.user_id != user_id:
                raise NotFound("There is no such record.", ("recordId",))
            if listed.is_own:
                raise InvalidInput("INVALID", "This record is contested at its decision.", ("recordId",))
            if listed.removed_at is not None:
                raise InvalidInput("INVALID", "This record does not count any more.", ("recordId",))
            earlier = unit.record_disputes.list_of_record(listed.source, listed.reference)
            require_contestable(listed.record, earlier, statement, now)
            dispute = RecordDispute(
                id=self._ids.new("rdp"),
                record_id=record_id,
                user_id=user_id,
                source=listed.source,
                reference=listed.reference,
                status=RecordDisputeStatus.AWAITING_SOURCE,
                opened_at=now,
                respond_by=BusinessTime(now + RESPONSE_TIME),
                resolved_at=None,
                statement=statement,
            )
            unit.record_disputes.insert(dispute)
            unit.contested_records.contest(listed.source, listed.reference, now)
            _mark_suspended(unit, listed, now, offset)
            return dispute

        return self._database.write(open_dispute)

    def withdraw(self, user_id: str, dispute_id: str) -> RecordDispute:
        """Withdraws the person's dispute. The record counts again at once. Raises NotFound, StateConflict."""
        return self._end(dispute_id, RecordDisputeStatus.WITHDRAWN, None, user_id)

    def resolve(self, dispute_id: str, *, uphold: bool, resolution: str) -> RecordDispute:
        """Records the operator's decision on behalf of the source, with its reason. Raises NotFound, StateConflict,
        InvalidInput."""
        require_text(resolution, LONGEST_TEXT, "resolution", lines=True)
        return self._end(dispute_id, RecordDisputeStatus.UPHELD if uphold else RecordDisputeStatus.REJECTED, resolution)

    def uphold_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Upholds the disputes that their sources have not answered in time, and those about records that were
        corrected, each in its own unit of work. Asks `may_continue` before each, and stops if it is false. Returns how
        many. An error in one dispute, or a lock on it, is logged and does not stop the others. Raises any other
        Outage."""
        upheld = 0
        for dispute_id in self._database.read(_list_due):
            if not may_continue():
                break
            log_error = partial(_log.error, "record_dispute_not_upheld", dispute=dispute_id)
            upheld += bool(run_or_log(partial(self._uphold, dispute_id), log_error))
        return upheld

    def _uphold(self, dispute_id: str) -> bool:
        """False if it was decided in the meantime, or upheld by another process."""
        try:
            self._end(dispute_id, RecordDisputeStatus.UPHELD, None)
        except StateConflict:
            return False
        return True

    def load(self, unit: UnitOfWork, dispute_id: str) -> RecordDispute:
        """The dispute with its texts. For its person and the operator. Raises NotFound."""
        dispute = unit.record_disputes.load(dispute_id)
        if dispute is None:
            raise NotFound(f"There is no dispute {dispute_id}.")
        return dispute

    def _end(
        self, dispute_id: str, outcome: RecordDisputeStatus, resolution: str | None, user_id: str | None = None
    ) -> RecordDispute:
        """Ends an open dispute, of this person if `user_id` is not None."""

        def end(unit: UnitOfWork) -> RecordDispute:
            unlocked = self.load(unit, dispute_id)
            if user_id is not None and unlocked.user_id != user_id:
                raise NotFound(f"There is no dispute {dispute_id}.")
            offset = load_offset(unit, unlocked.user_id)
            now = business_time(unit.wall, offset)
            unit.scores.lock(unlocked.user_id, now)
            dispute = self.load(unit, dispute_id)  # read again under the lock
            if not dispute.is_open:
                message = f"The dispute is {dispute.status}, which does not allow this."
                raise StateConflict("INVALID_TRANSITION", message, dispute.status, ())
            listed = unit.contested_records.load_current(dispute.source, dispute.reference)
            unit.contested_records.release(dispute.source, dispute.reference, dispute.opened_at)
            if listed is not None and not is_corrected(dispute, listed.record, listed.user_id):
                dispute = replace(dispute, record_id=listed.record.id)
                if outcome is RecordDisputeStatus.UPHELD:
                    unit.contested_records.remove(listed.record.id, now)
                    _mark_wrong(unit, listed, now)
                else:
                    _mark_released(unit, listed, now)
            elif listed is not None:
                _mark_released(unit, listed, now)
                if outcome is RecordDisputeStatus.UPHELD and listed.user_id == dispute.user_id:
                    _mark_wrong(unit, listed, now)
            ended = replace(dispute, status=outcome, resolved_at=now, resolution=resolution)
            unit.record_disputes.end(ended)
            if outcome is not RecordDisputeStatus.WITHDRAWN:
                unit.notices.add(
                    ended.user_id, NoticeKind.DISPUTE_RESOLVED, subject_id=ended.record_id, business_at=now
                )
            return ended

        return self._database.write(end)


def _list_due(unit: UnitOfWork) -> list[str]:
    if not unit.record_disputes.has_open():
        return []
    due = unit.record_disputes.list_corrected(BATCH)
    due += unit.record_disputes.list_unanswered(None, business_time(unit.wall, 0), BATCH)
    for partner in unit.partners.list_partners():
        now = business_time(unit.wall, partner.clock_offset_seconds)
        due += unit.record_disputes.list_unanswered(partner.id, now, BATCH)
    return list(dict.fromkeys(due))


def _mark_suspended(unit: UnitOfWork, listed: ListedRecord, now: BusinessTime, offset: int) -> None:
    """Marks the score as due if the record had counted. After a negative record the tier is computed as if it never
    had."""
    record = listed.record
    if not record.counts_at(now):
        return
    begins = [record.counts_from or record.at]
    if listed.published_at is not None:
        begins.append(business_time(listed.published_at, offset))
    since = max(begins) if record.kind in NEGATIVE_KINDS else None
    unit.scores.mark_due(listed.user_id, now, Cause.CORRECTION, correct_from=since)


def _mark_wrong(unit: UnitOfWork, listed: ListedRecord, now: BusinessTime) -> None:
    """Marks the score as due, so that merchants that were told a wrong tier before the dispute learn of it. The score
    itself has not counted the record since the dispute was opened. An overdue obligation has no points."""
    record = listed.record
    if record.kind is not RecordKind.OVERDUE:
        unit.scores.mark_due(listed.user_id, now, Cause.CORRECTION, wrong_since=record.counts_from or record.at)


def _mark_released(unit: UnitOfWork, listed: ListedRecord, now: BusinessTime) -> None:
    """Marks the score as due when the record counts again."""
    record = replace(listed.record, contested_at=None)
    if record.counts_at(now):
        unit.scores.mark_due(listed.user_id, now, Cause.NEGATIVE if record.kind in NEGATIVE_KINDS else Cause.RECORD)
    elif record.counts_from is not None:
        unit.scores.mark_due(listed.user_id, record.counts_from)
