"""Disputes: the person opens one, the merchant responds, the operator decides. Without a response it is upheld."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import (
    OPEN_DISPUTE_STATUSES,
    Contested,
    Dispute,
    DisputeStatus,
    Party,
    require_contestable,
)
from gateway.domain.errors import NotFound, StateConflict
from gateway.domain.events import Actor, Topic
from gateway.domain.identity.principal import Principal
from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.ids import Ids
from gateway.kit.logging import get_logger
from gateway.services.decisions.dispute_resolution import DisputeResolution
from gateway.services.decisions.idempotency import Call
from gateway.services.decisions.inputs import require_attachments, require_statement
from gateway.services.isolated_steps import run_or_log
from gateway.services.query_unit import QueryUnit
from gateway.store.database import Database
from gateway.store.decisions.disputes import DisputeFilter, DisputeRow, DisputeWindow
from gateway.store.unit import UnitOfWork

BATCH = 100
_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RespondCommand:
    """The input of disputeRespond. `evidence` are URLs, which are stored and never fetched."""

    dispute_id: str
    idempotency_key: str
    accept: bool
    statement: str
    evidence: tuple[str, ...] = ()


class DisputeService:
    """Opens, answers, ends and reads disputes. Each change is one unit of work, which locks the decision first."""

    def __init__(self, database: Database, ids: Ids, resolution: DisputeResolution) -> None:
        self._database, self._ids, self._resolution = database, ids, resolution

    def open(self, user_id: str, decision_id: str, statement: str) -> Dispute:
        """Opens a dispute of a person about the breach, overdue flag or late settlement of a decision, which does not
        count until the dispute ends. Raises NotFound for a decision of another person, InvalidInput if nothing can be
        contested."""
        require_statement(statement, "statement")

        def open_dispute(unit: UnitOfWork) -> Dispute:
            decision = unit.decisions.lock(decision_id)
            if decision is None or unit.consents.load_user_id(decision.state.consent_id) != user_id:
                raise NotFound("There is no such decision.", ("decisionId",))
            state = decision.state
            now = unit.business_time(state.merchant_id)
            subject = require_contestable(state, now)
            event = decision.open_dispute(now)
            dispute = DisputeRow(
                id=self._ids.new("dsp"),
                decision_id=state.id,
                merchant_id=state.merchant_id,
                user_id=user_id,
                subject=subject,
                opened_by=Party.USER,
                status=DisputeStatus.AWAITING_MERCHANT,
                opened_at=now,
                respond_by=BusinessTime(now + state.windows.respond),
                opened_event="",
            )
            personal = {"statement": statement}
            dispute.opened_event = unit.decisions.save(decision, event, Actor.USER, personal, dispute=dispute)
            unit.disputes.insert(dispute)
            return _read_one(unit, dispute)

        return self._database.write(open_dispute)

    def respond(self, principal: Principal, command: RespondCommand) -> Dispute:
        """Records the merchant's response: acceptance upholds the dispute, refusal passes it to the operator. Raises
        NotFound, StateConflict if it was already answered or the time is over, IdempotencyConflict, InvalidInput."""
        require_statement(command.statement, "statement")
        require_attachments(command.evidence)
        document = {
            "disputeId": command.dispute_id,
            "accept": command.accept,
            "statement": command.statement,
            "evidence": list(command.evidence) or None,
        }
        call = Call(principal, "disputeRespond", command.idempotency_key, document)
        personal = {
            "response": command.statement,
            "accepted": command.accept,
            "evidence": list(command.evidence),
        }

        def respond(unit: UnitOfWork) -> Dispute:
            decision, dispute = _lock(unit, command.dispute_id, principal.merchant_id)
            record = call.claim_key(unit, decision.state.id)
            if record is None:
                call.first_decision(unit)  # raises if the first call had another input
                return _read_one(unit, dispute)
            now = unit.business_time(dispute.merchant_id)
            if dispute.status != DisputeStatus.AWAITING_MERCHANT or now >= dispute.respond_by:
                raise _conflict(decision, dispute)
            if not command.accept:
                dispute.status = DisputeStatus.UNDER_REVIEW
            event = decision.note(Topic.DISPUTE_ANSWERED, now)
            dispute.answered_event = unit.decisions.save(
                decision, event, Actor.MERCHANT, personal, dispute=dispute, idempotency=record
            )
            if command.accept:
                self._resolution.end(unit, decision, dispute, DisputeStatus.UPHELD, Actor.MERCHANT, None, now)
            else:
                unit.disputes.update(dispute)
            return _read_one(unit, dispute)

        return self._database.write(respond)

    def resolve(self, dispute_id: str, *, uphold: bool, resolution: str) -> Dispute:
        """Records the operator's decision on a dispute that the merchant has refused, with its reason. Raises NotFound,
        StateConflict, InvalidInput."""
        require_statement(resolution, "resolution")
        outcome = DisputeStatus.UPHELD if uphold else DisputeStatus.REJECTED
        return self._end(dispute_id, DisputeStatus.UNDER_REVIEW, outcome, Actor.OPERATOR, resolution)

    def withdraw(self, user_id: str, dispute_id: str) -> Dispute:
        """Withdraws the person's dispute. What was contested counts again and cannot be contested again. Raises
        NotFound, StateConflict."""

        def withdraw(unit: UnitOfWork) -> Dispute:
            decision, dispute = _lock(unit, dispute_id)
            if dispute.user_id != user_id:
                raise NotFound("There is no such dispute.")
            if dispute.status not in OPEN_DISPUTE_STATUSES:
                raise _conflict(decision, dispute)
            now = unit.business_time(dispute.merchant_id)
            self._resolution.end(unit, decision, dispute, DisputeStatus.WITHDRAWN, Actor.USER, None, now)
            return _read_one(unit, dispute)

        return self._database.write(withdraw)

    def uphold_unanswered(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Upholds the disputes that their merchants have not answered in time, each in its own unit of work. Asks
        `may_continue` before each, and stops if it is false. Returns how many. An error in one dispute, or a lock on
        it, is logged and does not stop the others. Raises any other Outage."""
        upheld = 0
        for dispute_id in self._database.read(_list_unanswered):
            if not may_continue():
                break
            log_error = partial(_log.error, "dispute_not_upheld", dispute=dispute_id)
            upheld += bool(run_or_log(partial(self._uphold, dispute_id), log_error))
        return upheld

    def _uphold(self, dispute_id: str) -> bool:
        """False if it was answered in the meantime, or upheld by another process."""
        try:
            self._end(dispute_id, DisputeStatus.AWAITING_MERCHANT, DisputeStatus.UPHELD, Actor.CLOCK, None)
        except StateConflict:
            return False
        return True

    def find(self, query: QueryUnit, dispute_id: str) -> Dispute | None:
        """The dispute, None if it does not exist or the token may not see it."""

        def read(unit: UnitOfWork) -> Dispute | None:
            row = unit.disputes.load(dispute_id)
            return _read_one(unit, row) if row and _is_visible(query, row) else None

        return query.read(read)

    def list_of_decision(self, query: QueryUnit, decision_id: str) -> list[Dispute]:
        """The disputes of a decision that the token may see, oldest first."""

        def read(unit: UnitOfWork) -> list[Dispute]:
            rows = unit.disputes.list_of_decision(decision_id)
            return _read_all(unit, [row for row in rows if _is_visible(query, row)])

        return query.read(read)

    def list_page(self, query: QueryUnit, filtered: DisputeFilter, window: DisputeWindow) -> list[Dispute]:
        """A page of the disputes with the merchant of a merchant token, in its direction."""
        merchant_id = query.principal.merchant_id
        return query.read(lambda unit: _read_all(unit, unit.disputes.list_page(merchant_id, filtered, window)))

    def list_newest(self, unit: UnitOfWork, decision_ids: Iterable[str]) -> Mapping[str, Dispute]:
        """The newest dispute of each of these decisions, by decision id. For the person of the decisions."""
        disputes = _read_all(unit, unit.disputes.list_newest(decision_ids))
        return {dispute.decision_id: dispute for dispute in disputes}

    def list_all(self, unit: UnitOfWork, decision_id: str) -> list[Dispute]:
        """The disputes of a decision, oldest first. For the person of the decision."""
        return _read_all(unit, unit.disputes.list_of_decision(decision_id))

    def load(self, dispute_id: str) -> Dispute:
        """The dispute, whether open or ended. For the operator. Raises NotFound."""

        def read(unit: UnitOfWork) -> Dispute:
            row = unit.disputes.load(dispute_id)
            if row is None:
                raise NotFound(f"There is no dispute {dispute_id}.")
            return _read_one(unit, row)

        return self._database.read(read)

    def list_open(self, *, with_replaced: bool = False) -> list[Dispute]:
        """The open disputes, oldest first. Those with merchants that a reset of a sandbox has replaced are left out,
        except `with_replaced`. For the operator."""

        def read(unit: UnitOfWork) -> list[Dispute]:
            # One by one: the number of open disputes has no bound, the number of parameters of a statement has one.
            return [_read_one(unit, row) for row in unit.disputes.list_open(with_replaced=with_replaced)]

        return self._database.read(read)

    def _end(
        self, dispute_id: str, expected: DisputeStatus, outcome: DisputeStatus, actor: Actor, resolution: str | None
    ) -> Dispute:
        def end(unit: UnitOfWork) -> Dispute:
            decision, dispute = _lock(unit, dispute_id)
            if dispute.status != expected:
                raise _conflict(decision, dispute)
            self._resolution.end(
                unit, decision, dispute, outcome, actor, resolution, unit.business_time(dispute.merchant_id)
            )
            return _read_one(unit, dispute)

        return self._database.write(end)


def _list_unanswered(unit: UnitOfWork) -> list[str]:
    unanswered: list[str] = []
    for partner in unit.partners.list_partners():
        now = business_time(unit.wall, partner.clock_offset_seconds)
        unanswered += unit.disputes.list_unanswered(partner.id, now, BATCH)
    return unanswered


def _lock(unit: UnitOfWork, dispute_id: str, merchant_id: str = "") -> tuple[Decision, DisputeRow]:
    unlocked = unit.disputes.load(dispute_id)
    decision = unit.decisions.lock(unlocked.decision_id) if unlocked else None
    dispute = unit.disputes.load(dispute_id)  # read again under the lock
    if decision is None or dispute is None or (merchant_id and dispute.merchant_id != merchant_id):
        raise NotFound("There is no such dispute.", ("disputeId",))
    return decision, dispute


def _is_visible(query: QueryUnit, row: DisputeRow) -> bool:
    return row.merchant_id == query.principal.merchant_id and query.principal.consent is None


def _read_one(unit: UnitOfWork, row: DisputeRow) -> Dispute:
    return _read_all(unit, [row])[0]


def _read_all(unit: UnitOfWork, rows: Sequence[DisputeRow]) -> list[Dispute]:
    """The disputes in the order of the rows. Reads all statements of the parties with one query."""
    events = (event for row in rows for event in (row.opened_event, row.answered_event, row.resolved_event))
    entries = unit.decision_log.list_by_ids(filter(None, events))
    personals = unit.decision_log.open_all(entries)
    by_entry = {entry.id: personal or {} for entry, personal in zip(entries, personals, strict=True)}
    return [_dispute(row, by_entry) for row in rows]


def _dispute(row: DisputeRow, personals: Mapping[str, dict[str, Any]]) -> Dispute:
    """The dispute in a row. `personals` are the personal parts of its log entries by id."""
    opened, answered, ended = (
        personals.get(event or "", {}) for event in (row.opened_event, row.answered_event, row.resolved_event)
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


def _conflict(decision: Decision, dispute: DisputeRow) -> StateConflict:
    message = f"The dispute is {dispute.status}, which does not allow this."
    state = decision.state
    return StateConflict("INVALID_TRANSITION", message, state.status, state.available_transitions)
