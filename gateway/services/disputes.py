"""Disputes: opened by the person, answered by the merchant, decided by the operator; silence is for the person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain import dispute as rules
from gateway.domain import life
from gateway.domain.decision import Status, available
from gateway.domain.dispute import Contested, Dispute, DisputeStatus, Party
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.event import Actor, Topic
from gateway.domain.principal import Principal
from gateway.kit.clock import WallClock, business_time
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.decision_calls import Call, require_words
from gateway.services.decision_record import DecisionRecorder
from gateway.services.decision_times import partner_now
from gateway.services.dispute_record import resolve
from gateway.services.evidence import require_evidence
from gateway.services.reading import Reading
from gateway.store import commitments, consents, decision_log, decisions, disputes, partners
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow
from gateway.store.idempotency import IdempotencyRow
from gateway.store.sealed_log import SealedLog

BATCH = 100
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RespondInput:
    """The input of disputeRespond. `evidence` are addresses, which are kept and never fetched."""

    dispute_id: str
    idempotency_key: str
    accept: bool
    statement: str
    evidence: tuple[str, ...] = ()


class DisputeService:
    """Each act is one unit of work, in which the decision is locked first."""

    def __init__(
        self, database: Database, recorder: DecisionRecorder, log: SealedLog, ids: Ids, clock: WallClock
    ) -> None:
        self._database, self._recorder, self._log = database, recorder, log
        self._ids, self._clock = ids, clock

    def open(self, user_id: str, decision_id: str, statement: str) -> Dispute:
        """The person contests what is held against them by a decision. Its effect waits from now on. Raises NotFound
        for a decision that is not theirs, InvalidInput where there is nothing to contest, or no longer."""
        require_words(statement, "statement")
        with self._database.write() as session:
            row, wall = decisions.load(session, decision_id, lock=True), self._clock()
            if row is None or consents.user_of(session, row.consent_id) != user_id:
                raise NotFound("There is no such decision.", ("decisionId",))
            now, standing = partner_now(session, row, wall), decisions.standing_of(row)
            subject, found = rules.contestable(standing, now), commitments.of_decision(row)
            decisions.move(session, row, life.contested(standing, now), now)
            dispute = DisputeRow(
                id=self._ids.new("dsp"),
                decision_id=row.id,
                merchant_id=row.merchant_id,
                user_id=user_id,
                subject=subject,
                opened_by=Party.USER,
                status=DisputeStatus.AWAITING_MERCHANT,
                opened_at=now,
                respond_by=now + standing.windows.respond,
                opened_event="",
            )
            personal = {"statement": statement}
            dispute.opened_event = self._record(
                session, row, dispute, Topic.DISPUTE_OPENED, Actor.USER, personal, wall, now, found=found
            )
            disputes.insert(session, dispute)
            return self._value(session, dispute)

    def respond(self, principal: Principal, given: RespondInput) -> Dispute:
        """The merchant accepts, which upholds the person, or refuses, which leaves it to the operator. Raises
        NotFound, StateConflict once it has been answered or its time is over, IdempotencyConflict, InvalidInput."""
        require_words(given.statement, "statement")
        require_evidence(given.evidence)
        document = {
            "disputeId": given.dispute_id,
            "accept": given.accept,
            "statement": given.statement,
            "evidence": list(given.evidence) or None,
        }
        call = Call(principal, "disputeRespond", given.idempotency_key, document, self._clock)
        with self._database.write() as session:
            wall = self._clock()
            row, dispute = self._locked(session, given.dispute_id, principal.merchant_id)
            if call.replayed(session) is not None:
                return self._value(session, dispute)
            now = partner_now(session, row, wall)
            if dispute.status != DisputeStatus.AWAITING_MERCHANT or now >= dispute.respond_by:
                raise _decided(row, dispute)
            claim = call.claim(session, row.id, wall)
            personal = {"response": given.statement, "accepted": given.accept, "evidence": list(given.evidence)}
            if not given.accept:
                dispute.status = DisputeStatus.UNDER_REVIEW
            dispute.answered_event = self._record(
                session, row, dispute, Topic.DISPUTE_ANSWERED, Actor.MERCHANT, personal, wall, now, claim=claim
            )
            if given.accept:
                self._resolve(session, row, dispute, DisputeStatus.UPHELD, Actor.MERCHANT, None, wall)
            else:
                disputes.insert(session, dispute)
            return self._value(session, dispute)

    def resolve(self, dispute_id: str, *, uphold: bool, words: str) -> Dispute:
        """The operator decides a dispute that the merchant has refused, and says why. Raises NotFound, StateConflict,
        InvalidInput."""
        require_words(words, "resolution")
        outcome = DisputeStatus.UPHELD if uphold else DisputeStatus.REJECTED
        return self._end(dispute_id, DisputeStatus.UNDER_REVIEW, outcome, Actor.OPERATOR, words)

    def withdraw(self, user_id: str, dispute_id: str) -> Dispute:
        """The person no longer contests it: it counts, and cannot be contested again. Raises NotFound,
        StateConflict."""
        with self._database.write() as session:
            row, dispute = self._locked(session, dispute_id)
            if dispute.user_id != user_id:
                raise NotFound("There is no such dispute.")
            if dispute.status not in rules.OPEN:
                raise _decided(row, dispute)
            self._resolve(session, row, dispute, DisputeStatus.WITHDRAWN, Actor.USER, None, self._clock())
            return self._value(session, dispute)

    def tick(self) -> int:
        """Upholds the person in disputes that their merchants have not answered in time, each in a unit of work of its
        own. Answers how many; one that fails is told to the log."""
        with self._database.read() as session:
            late: list[str] = []
            for partner in partners.listed(session):
                now = business_time(self._clock(), partner.clock_offset_seconds)
                late += disputes.unanswered(session, partner.id, now, BATCH)
        done = 0
        for dispute_id in late:
            try:
                self._end(dispute_id, DisputeStatus.AWAITING_MERCHANT, DisputeStatus.UPHELD, Actor.CLOCK, None)
            except StateConflict:
                continue  # answered, or upheld by another clock, meanwhile
            except Exception as error:  # noqa: BLE001  # one that cannot be upheld holds up no other
                _log.error("dispute_not_upheld", dispute=dispute_id, error=type(error).__name__)
                continue
            done += 1
        return done

    def find(self, reading: Reading, dispute_id: str) -> Dispute | None:
        """The dispute, None if it does not exist or is not the token's."""
        row = disputes.load(reading.session, dispute_id)
        return self._value(reading.session, row) if row and self._seen(reading, row) else None

    def of_decision(self, reading: Reading, decision_id: str) -> list[Dispute]:
        """A decision's disputes, oldest first, as far as the token sees them."""
        rows = disputes.of_decision(reading.session, decision_id)
        return self._values(reading.session, [row for row in rows if self._seen(reading, row)])

    def newest(self, session: Session, decision_ids: Iterable[str]) -> Mapping[str, Dispute]:
        """The newest dispute about each of these decisions that has one, by decision, for their own person."""
        found = self._values(session, disputes.newest(session, decision_ids))
        return {dispute.decision_id: dispute for dispute in found}

    def undecided(self) -> list[Dispute]:
        """All open disputes, oldest first."""
        with self._database.read() as session:
            # One by one: nothing bounds how many wait at all merchants, and the parameters of a statement are bounded.
            return [self._value(session, row) for row in disputes.undecided(session)]

    def _end(
        self, dispute_id: str, expected: DisputeStatus, outcome: DisputeStatus, actor: Actor, words: str | None
    ) -> Dispute:
        with self._database.write() as session:
            row, dispute = self._locked(session, dispute_id)
            if dispute.status != expected:
                raise _decided(row, dispute)
            self._resolve(session, row, dispute, outcome, actor, words, self._clock())
            return self._value(session, dispute)

    def _locked(self, session: Session, dispute_id: str, merchant_id: str = "") -> tuple[DecisionRow, DisputeRow]:
        found = disputes.load(session, dispute_id)
        row = decisions.load(session, found.decision_id, lock=True) if found else None
        dispute = disputes.load(session, dispute_id, fresh=True)  # as it stands now that nobody else can move it
        if row is None or dispute is None or (merchant_id and dispute.merchant_id != merchant_id):
            raise NotFound("There is no such dispute.", ("disputeId",))
        return row, dispute

    def _resolve(
        self,
        session: Session,
        row: DecisionRow,
        dispute: DisputeRow,
        outcome: DisputeStatus,
        actor: Actor,
        words: str | None,
        wall: datetime,
    ) -> None:
        now = partner_now(session, row, wall)
        resolve(session, self._recorder, row, dispute, outcome, actor, words, wall=wall, now=now)

    def _record(
        self,
        session: Session,
        row: DecisionRow,
        dispute: DisputeRow,
        topic: Topic,
        actor: Actor,
        personal: dict[str, Any],
        wall: datetime,
        now: datetime,
        *,
        found: str | None = None,
        claim: IdempotencyRow | None = None,
    ) -> str:
        status = Status(row.status)
        return self._recorder.record(
            session,
            row,
            dispute.user_id,
            topic,
            actor,
            before=status,
            personal=personal,
            found=found,
            dispute=dispute,
            claim=claim,
            wall=wall,
            now=now,
        )

    def _seen(self, reading: Reading, row: DisputeRow) -> bool:
        return row.merchant_id == reading.principal.merchant_id and reading.principal.consent is None

    def _value(self, session: Session, row: DisputeRow) -> Dispute:
        return self._values(session, [row])[0]

    def _values(self, session: Session, rows: Sequence[DisputeRow]) -> list[Dispute]:
        """In the order of the rows. What was said is read at once for all of them."""
        events = (event for row in rows for event in (row.opened_event, row.answered_event, row.resolved_event))
        entries = decision_log.of_ids(session, filter(None, events))
        personals = self._log.personals(session, entries)
        said = {entry.id: personal or {} for entry, personal in zip(entries, personals, strict=True)}
        return [_value(row, said) for row in rows]


def _value(row: DisputeRow, said: Mapping[str, dict[str, Any]]) -> Dispute:
    """The value of a row; `said` are the personal parts of its log entries by id."""
    opened, answered, ended = (
        said.get(event or "", {}) for event in (row.opened_event, row.answered_event, row.resolved_event)
    )
    return Dispute(
        id=row.id,
        decision_id=row.decision_id,
        merchant_id=row.merchant_id,
        subject=Contested(row.subject),
        opened_by=Party(row.opened_by),
        status=DisputeStatus(row.status),
        statement=opened.get("statement", ""),
        response=answered.get("response"),
        evidence=tuple(answered.get("evidence", ())),
        opened_at=row.opened_at,
        respond_by=row.respond_by,
        resolved_at=row.resolved_at,
        resolution=ended.get("resolution"),
    )


def _decided(row: DecisionRow, dispute: DisputeRow) -> StateConflict:
    status = Status(row.status)
    message = f"The dispute is {dispute.status} and cannot be answered or decided in this way any more."
    return StateConflict("INVALID_TRANSITION", message, status, available(status, decisions.standing_of(row).barred))
