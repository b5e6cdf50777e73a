"""The merchant's transitions of a decision: activate, extend, reduce, settle, report a breach, cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gateway.domain.decisions.decision import Decision, DecisionEvent
from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES, DisputeStatus
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, Transition
from gateway.domain.errors import NotFound
from gateway.domain.events import Actor
from gateway.domain.identity.principal import Principal
from gateway.domain.money import Money
from gateway.domain.period import format_moment
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.dispute_resolution import DisputeResolution
from gateway.services.decisions.idempotency import Call
from gateway.services.decisions.inputs import require_attachments, require_text, without_nulls
from gateway.services.decisions.scheduler import save_due
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork


@dataclass(frozen=True, slots=True)
class ActivateCommand:
    """The input of decisionActivate. `handed_over_at` None means now."""

    decision_id: str
    idempotency_key: str
    handed_over_at: BusinessTime | None = None


@dataclass(frozen=True, slots=True)
class ExtendCommand:
    """The input of decisionExtend."""

    decision_id: str
    idempotency_key: str
    due_at: BusinessTime
    reason: str


@dataclass(frozen=True, slots=True)
class ReduceCommand:
    """The input of decisionReduce. `new_amount` replaces the amount due."""

    decision_id: str
    idempotency_key: str
    new_amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class FulfillCommand:
    """The input of decisionFulfill. `settled_amount` None means the whole outstanding amount."""

    decision_id: str
    idempotency_key: str
    settled_at: BusinessTime | None = None
    settled_amount: Money | None = None


@dataclass(frozen=True, slots=True)
class BreachCommand:
    """The input of decisionReportBreach. `evidence` are URLs, which are stored and never fetched."""

    decision_id: str
    idempotency_key: str
    kind: BreachKind
    amount_outstanding: Money | None = None
    evidence: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """The input of decisionCancel. `reason` is a text of the merchant, None without one."""

    decision_id: str
    idempotency_key: str
    reason: str | None


TransitionCommand = ActivateCommand | ExtendCommand | ReduceCommand | FulfillCommand | BreachCommand | CancelCommand


class DecisionTransitions:
    """Applies a merchant's transitions. Each call is one unit of work. All methods return the new state, and raise
    NotFound, StateConflict, IdempotencyConflict, InvalidInput; then nothing was written. The dispute window of a breach
    starts `notice_time` after the report at the latest."""

    def __init__(self, database: Database, resolution: DisputeResolution, notice_time: timedelta) -> None:
        self._database, self._resolution, self._notice_time = database, resolution, notice_time

    def activate(self, principal: Principal, command: ActivateCommand) -> DecisionState:
        """Records that the person has received the goods, the service or the money."""
        at = command.handed_over_at
        arguments = {"handedOverAt": at and format_moment(at)}
        return self._run(principal, "decisionActivate", command, arguments, lambda d, now: d.activate(now, at))

    def extend(self, principal: Principal, command: ExtendCommand) -> DecisionState:
        """Moves the due date to a later time."""
        require_text(command.reason, "reason")
        arguments = {"dueAt": format_moment(command.due_at), "reason": command.reason}
        return self._run(principal, "decisionExtend", command, arguments, lambda d, now: d.extend(now, command.due_at))

    def reduce(self, principal: Principal, command: ReduceCommand) -> DecisionState:
        """Lowers the amount due. If nothing is outstanding afterwards, the decision is fulfilled too."""
        require_text(command.reason, "reason")
        amount = command.new_amount
        arguments = {"newAmount": amount.document(), "reason": command.reason}
        return self._run(principal, "decisionReduce", command, arguments, lambda d, now: d.reduce(now, amount))

    def fulfill(self, principal: Principal, command: FulfillCommand) -> DecisionState:
        """Settles the whole obligation or a part of it, or cures a breach."""
        amount, at = command.settled_amount, command.settled_at
        arguments = {"settledAt": at and format_moment(at), "settledAmount": amount and amount.document()}
        return self._run(principal, "decisionFulfill", command, arguments, lambda d, now: d.settle(now, amount, at))

    def report_breach(self, principal: Principal, command: BreachCommand) -> DecisionState:
        """Reports that the obligation was not met."""
        if command.note is not None:
            require_text(command.note, "note")
        require_attachments(command.evidence)
        kind, outstanding = command.kind, command.amount_outstanding
        arguments = {
            "kind": kind,
            "amountOutstanding": outstanding and outstanding.document(),
            "evidence": list(command.evidence) or None,
            "note": command.note,
        }
        return self._run(
            principal,
            "decisionReportBreach",
            command,
            arguments,
            lambda d, now: d.report_breach(now, kind, outstanding, self._notice_time),
        )

    def cancel(self, principal: Principal, command: CancelCommand) -> DecisionState:
        """Cancels the decision before activation."""
        if command.reason is not None:
            require_text(command.reason, "reason")
        arguments = {"reason": command.reason}
        return self._run(principal, "decisionCancel", command, arguments, lambda d, now: d.cancel(now))

    def _run(
        self,
        principal: Principal,
        mutation: str,
        command: TransitionCommand,
        arguments: dict[str, Any],
        transition: Callable[[Decision, BusinessTime], DecisionEvent],
    ) -> DecisionState:
        """Applies the transition once for each idempotency key. `arguments` is the input without decision and key."""
        document = {"decisionId": command.decision_id, **arguments}
        call = Call(principal, mutation, command.idempotency_key, document)

        def apply(unit: UnitOfWork) -> DecisionState:
            decision = unit.decisions.lock(command.decision_id)
            if decision is None or decision.state.merchant_id != principal.merchant_id:
                raise NotFound("There is no such decision.", ("decisionId",))
            record = call.claim_key(unit, decision.state.id)
            if record is None:
                return call.first_decision(unit)
            now = unit.business_time(principal.merchant_id)
            save_due(unit, decision, now)  # due transitions come first, even if the scheduler has not run
            contested = decision.state.contested
            if contested:
                self._resolution.lock_partner(unit, principal.merchant_id)
            event = transition(decision, now)
            personal = {**without_nulls(arguments), "note": arguments.get("note") or arguments.get("reason")}
            unit.decisions.save(decision, event, Actor.MERCHANT, personal, idempotency=record)
            if event.transition is Transition.REDUCE and not decision.state.outstanding.minor:
                unit.decisions.save(decision, decision.settle(now), Actor.MERCHANT, {})
            if contested and not decision.state.contested:
                _uphold_open(unit, self._resolution, decision, now)
            return decision.state.as_of(now)

        return self._database.write(apply)


def _uphold_open(unit: UnitOfWork, resolution: DisputeResolution, decision: Decision, now: BusinessTime) -> None:
    """Upholds the open disputes of a decision. A merchant that settles a contested decision, reduces it to nothing
    or extends it accepts them."""
    for dispute in unit.disputes.list_of_decision(decision.state.id):
        if dispute.status in OPEN_DISPUTE_STATUSES:
            resolution.end(unit, decision, dispute, DisputeStatus.UPHELD, Actor.MERCHANT, None, now)
