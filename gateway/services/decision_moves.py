"""What a merchant does to a decision after it was made: activate, extend, settle, report a breach, cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.domain import life
from gateway.domain.decision import BreachKind, Decision
from gateway.domain.dispute import OPEN, DisputeStatus
from gateway.domain.errors import NotFound
from gateway.domain.event import Actor
from gateway.domain.life import Moved
from gateway.domain.money import Money
from gateway.domain.period import format_moment
from gateway.domain.principal import Principal
from gateway.domain.standing import Standing
from gateway.kit.clock import WallClock
from gateway.services.decision_calls import Call, plain, require_text
from gateway.services.decision_record import DecisionRecorder
from gateway.services.dispute_record import resolve
from gateway.services.evidence import require_evidence
from gateway.services.reading import business_now
from gateway.store import decisions, disputes
from gateway.store.database import Database, Session
from gateway.store.decisions import DecisionRow


@dataclass(frozen=True, slots=True)
class ActivateInput:
    """The input of decisionActivate. `handed_over_at` is now where it is None."""

    decision_id: str
    idempotency_key: str
    handed_over_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExtendInput:
    """The input of decisionExtend."""

    decision_id: str
    idempotency_key: str
    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class FulfillInput:
    """The input of decisionFulfill. Without `settled_amount` the whole is settled."""

    decision_id: str
    idempotency_key: str
    settled_at: datetime | None = None
    settled_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class BreachInput:
    """The input of decisionReportBreach. `evidence` are addresses, which are kept and never fetched."""

    decision_id: str
    idempotency_key: str
    kind: BreachKind
    amount_outstanding: Money | None = None
    evidence: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CancelInput:
    """The input of decisionCancel. `reason` is the merchant's own words, None for none."""

    decision_id: str
    idempotency_key: str
    reason: str | None


MoveInput = ActivateInput | ExtendInput | FulfillInput | BreachInput | CancelInput


class DecisionMover:
    """Each call is one unit of work. Raises NotFound, StateConflict, IdempotencyConflict, InvalidInput: then nothing
    was written."""

    def __init__(self, database: Database, recorder: DecisionRecorder, clock: WallClock) -> None:
        self._database, self._recorder, self._clock = database, recorder, clock

    def activate(self, principal: Principal, given: ActivateInput) -> Decision:
        at = given.handed_over_at
        told = {"handedOverAt": at and format_moment(at)}
        return self._move(principal, "decisionActivate", given, told, lambda s, now: life.activated(s, now, at))

    def extend(self, principal: Principal, given: ExtendInput) -> Decision:
        require_text(given.reason, "reason")
        told = {"dueAt": format_moment(given.due_at), "reason": given.reason}
        return self._move(principal, "decisionExtend", given, told, lambda s, now: life.extended(s, now, given.due_at))

    def fulfill(self, principal: Principal, given: FulfillInput) -> Decision:
        amount, at = given.settled_amount, given.settled_at
        told = {"settledAt": at and format_moment(at), "settledAmount": amount and amount.document()}
        return self._move(principal, "decisionFulfill", given, told, lambda s, now: life.settled(s, now, amount, at))

    def report_breach(self, principal: Principal, given: BreachInput) -> Decision:
        if given.note is not None:
            require_text(given.note, "note")
        require_evidence(given.evidence)
        left = given.amount_outstanding
        told = {
            "kind": given.kind,
            "amountOutstanding": left and left.document(),
            "evidence": list(given.evidence) or None,
            "note": given.note,
        }
        return self._move(
            principal, "decisionReportBreach", given, told, lambda s, now: life.breached(s, now, given.kind, left)
        )

    def cancel(self, principal: Principal, given: CancelInput) -> Decision:
        if given.reason is not None:
            require_text(given.reason, "reason")
        return self._move(principal, "decisionCancel", given, {"reason": given.reason}, life.cancelled)

    def _move(
        self,
        principal: Principal,
        mutation: str,
        given: MoveInput,
        told: dict[str, Any],
        step: Callable[[Standing, datetime], Moved],
    ) -> Decision:
        """Takes the decision one step, once for each key; `told` is what the merchant said of it."""
        document = {"decisionId": given.decision_id, **told}
        call = Call(principal, mutation, given.idempotency_key, document, self._clock)
        with self._database.write() as session:
            wall = self._clock()
            now = business_now(principal, wall)
            row = decisions.load(session, given.decision_id, lock=True)
            if row is None or row.merchant_id != principal.merchant_id:
                raise NotFound("There is no such decision.", ("decisionId",))
            first = call.replayed(session)
            if first is not None:
                return first
            for due in life.woken(decisions.standing_of(row), now):  # time has come first, seen or not
                self._recorder.move(session, row, due, Actor.CLOCK, {}, wall=wall, now=now)
            before = decisions.standing_of(row)
            moved = step(before, now)
            claim = call.claim(session, row.id, wall)
            personal = {**plain(told), "note": told.get("note") or told.get("reason")}
            self._recorder.move(session, row, moved, Actor.MERCHANT, personal, claim=claim, wall=wall, now=now)
            if before.contested and not moved[0].contested:
                self._give_in(session, row, wall, now)
            return decisions.value(row, now)

    def _give_in(self, session: Session, row: DecisionRow, wall: datetime, now: datetime) -> None:
        """Who settles or extends what is contested has given the person right."""
        for dispute in disputes.of_decision(session, row.id):
            if dispute.status in OPEN:
                upheld = DisputeStatus.UPHELD
                resolve(session, self._recorder, row, dispute, upheld, Actor.MERCHANT, None, wall=wall, now=now)
