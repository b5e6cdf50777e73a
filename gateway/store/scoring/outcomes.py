"""Keeps the behaviour record of each decision equal to what the decision says, in the unit of work that changes it."""

from sqlalchemy import Connection, bindparam, case, select

from gateway.domain.decisions.behaviour import can_have_record, record_of
from gateway.domain.decisions.decision import DecisionEvent
from gateway.domain.decisions.state import DecisionState
from gateway.domain.events import Topic
from gateway.domain.scoring.history import Cause
from gateway.domain.scoring.record import NEGATIVE_KINDS, BehaviourRecord, RecordKind
from gateway.kit.clock import BusinessTime
from gateway.store.merchants.merchants import PARTNER_ID
from gateway.store.repository import Repository
from gateway.store.scoring.records import GATEWAY, RECORDS, BehaviourRecordRepository, new_record_row, read_record
from gateway.store.scoring.scores import PERSON_SCORES, ScoreRepository
from gateway.store.statements import run_many

_S = PERSON_SCORES.c
_VOIDED = frozenset({Topic.DECISION_BREACH_VOIDED, Topic.DECISION_LAPSED})
"""What happens to a decision with a record only if a dispute about it was upheld."""
_LOCK_OF_PARTNER = (
    select(_S.user_id)
    .where(
        _S.user_id.in_(
            select(RECORDS.c.user_id).where(
                RECORDS.c.partner == bindparam("partner"), RECORDS.c.kind.in_(sorted(NEGATIVE_KINDS))
            )
        ),
    )
    .order_by(_S.user_id)
    .with_for_update()
)
_moment = bindparam("moment", type_=_S.due_at.type)
_MARK = (
    PERSON_SCORES.update()
    .where(_S.user_id == bindparam("of_user"))
    .values(
        due_at=case((_S.due_at < _moment, _S.due_at), else_=_moment),
        pending=Cause.CORRECTION.value,
    )
)


class OutcomeRepository(Repository):
    """Writes the behaviour records of decisions."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._records, self._scores = BehaviourRecordRepository(connection), ScoreRepository(connection)

    def follow(
        self, user_id: str, state: DecisionState, event: DecisionEvent, previous: DecisionState | None = None
    ) -> None:
        """Writes, changes or deletes the record of a decision after an event, and marks the person's score as due if
        that changes it. `previous` is the state before the event, None for a new decision. Needs no statement for a
        decision that has not ended and has no claim that stands."""
        if not can_have_record(state) and (previous is None or not can_have_record(previous)):
            return
        row = self._records.load_of_decision(state.id)
        before = None if row is None else read_record(row)
        at = before.at if before is not None and event.before is event.after else event.at
        partner = before.partner if before is not None else str(self._value(PARTNER_ID, merchant_id=state.merchant_id))
        record = record_of(state, partner, at)
        if record == before:
            return
        if record is None:
            self._records.delete(state.id)
        elif before is None:
            self._records.insert_all([new_record_row(record, user_id, source=GATEWAY, reference=state.id)])
        else:
            self._records.update(record)
        self._mark_due(user_id, before, record, event)

    def mark_partner_due(self, partner_id: str, now: BusinessTime) -> None:
        """Marks the scores of all persons with a late or broken record of a partner as due. Locks them in the order of
        their ids, as all units do that compute several scores."""
        persons = self._values(_LOCK_OF_PARTNER, partner=partner_id)
        if persons:
            run_many(self._connection, _MARK, [{"of_user": each, "moment": now} for each in persons])

    def _mark_due(
        self, user_id: str, before: BehaviourRecord | None, record: BehaviourRecord | None, event: DecisionEvent
    ) -> None:
        now = event.at
        # What a dispute voids was wrong since it was reported: it can have replaced a record that was better.
        wrong_since = before.at if before is not None and event.topic in _VOIDED else None
        counted = before is not None and before.counts_at(now)
        counts = record is not None and record.counts_at(now)
        if before is not None and counted and before.kind in NEGATIVE_KINDS and not counts:
            since = before.counts_from or before.at
            self._scores.mark_due(user_id, now, Cause.CORRECTION, correct_from=since, wrong_since=wrong_since)
        elif before is not None and record is not None and record.kind is RecordKind.KEPT and record.at < before.at:
            # It is restored, because what had replaced it is void. So the tier that it had given is restored too.
            self._scores.mark_due(user_id, now, Cause.CORRECTION, correct_from=before.at, wrong_since=wrong_since)
        elif counted or counts:
            self._scores.mark_due(user_id, now, Cause.RECORD, wrong_since=wrong_since)
        elif record is not None and record.counts_from is not None:
            self._scores.mark_due(user_id, record.counts_from)
