"""What happens to a decision of a persona without the merchant: what the persona does, what the operator decides, and a
due date that passes. For the tests of a partner.

Each event is made by the service that makes the real one. So it has the same checks, log entries, notices and
messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.decisions.dispute import OPEN_DISPUTE_STATUSES
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.decisions.transitions import ClaimKind, SystemTransition, require_rule
from gateway.domain.errors import InvalidInput, NotFound, StateConflict, TooEarly
from gateway.domain.events import Actor
from gateway.domain.identity.principal import Principal
from gateway.services.decisions.claims import ClaimService
from gateway.services.decisions.disputes import DisputeService
from gateway.services.decisions.queries import read_events
from gateway.services.decisions.reviews import DecisionReviewer
from gateway.services.decisions.scheduler import DecisionScheduler
from gateway.store.database import Database
from gateway.store.logs.decision_log import EventWindow
from gateway.store.unit import UnitOfWork

MOST_EVENTS = 10
"""The largest number of events that one call returns. No call makes as many."""

STATEMENT = "I do not agree. This statement was made by sandboxDecisionSimulate."
"""What a persona says in a dispute."""

RESOLUTION = "Decided by sandboxDecisionSimulate."
"""The operator's reason for the decision of a dispute."""


class SimulatedEvent(StrEnum):
    """What happens to the decision."""

    APPROVE_PENDING = "APPROVE_PENDING"
    DECLINE_PENDING = "DECLINE_PENDING"
    USER_PAYS = "USER_PAYS"
    USER_RETURNS = "USER_RETURNS"
    USER_MISSES_DEADLINE = "USER_MISSES_DEADLINE"
    USER_DISPUTES = "USER_DISPUTES"
    DISPUTE_UPHELD = "DISPUTE_UPHELD"
    DISPUTE_REJECTED = "DISPUTE_REJECTED"


_ACTORS = {
    SimulatedEvent.APPROVE_PENDING: Actor.OPERATOR,
    SimulatedEvent.DECLINE_PENDING: Actor.OPERATOR,
    SimulatedEvent.USER_PAYS: Actor.USER,
    SimulatedEvent.USER_RETURNS: Actor.USER,
    SimulatedEvent.USER_MISSES_DEADLINE: Actor.CLOCK,
    SimulatedEvent.USER_DISPUTES: Actor.USER,
    SimulatedEvent.DISPUTE_UPHELD: Actor.OPERATOR,
    SimulatedEvent.DISPUTE_REJECTED: Actor.OPERATOR,
}


@dataclass(frozen=True, slots=True)
class Simulation:
    """A decision after an event, and the events that this wrote, in their order. `sequences` are the sequence numbers
    of the events by id."""

    decision: DecisionState
    events: tuple[LoggedEvent, ...]
    sequences: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Start:
    """The person of a decision, and the number of its last log entry."""

    user_id: str
    position: int | None


class SandboxDecisionService:
    """Makes events of the decisions that the caller's merchant has about personas of its partner."""

    def __init__(
        self,
        database: Database,
        reviews: DecisionReviewer,
        claims: ClaimService,
        disputes: DisputeService,
        scheduler: DecisionScheduler,
    ) -> None:
        self._database, self._reviews, self._claims = database, reviews, claims
        self._disputes, self._scheduler = disputes, scheduler

    def simulate(self, principal: Principal, decision_id: str, event: SimulatedEvent) -> Simulation:
        """Makes the event happen, in units of work of the service that makes it. Returns the decision after it.

        Raises NotFound with the field decisionId for a decision of another merchant, or of somebody who is no persona
        of the partner. Raises what the services raise if the event is impossible now: StateConflict, ConsentRefused,
        Unavailable, and InvalidInput with the field event; then the event has changed nothing."""
        start = self._database.read(lambda unit: _start(unit, principal, decision_id))
        try:
            self._make(start.user_id, decision_id, event)
        except InvalidInput as error:
            error.field = ("event",)  # the services name fields of other inputs
            raise
        return self._database.read(lambda unit: _result(unit, decision_id, start.position, _ACTORS[event]))

    def _make(self, user_id: str, decision_id: str, event: SimulatedEvent) -> None:
        match event:
            case SimulatedEvent.APPROVE_PENDING:
                self._reviews.approve(decision_id)
            case SimulatedEvent.DECLINE_PENDING:
                self._reviews.decline(decision_id)
            case SimulatedEvent.USER_PAYS:
                self._claims.claim(user_id, decision_id, ClaimKind.PAID)
            case SimulatedEvent.USER_RETURNS:
                self._claims.claim(user_id, decision_id, ClaimKind.RETURNED)
            case SimulatedEvent.USER_MISSES_DEADLINE:
                self._miss_deadline(decision_id)
            case SimulatedEvent.USER_DISPUTES:
                self._disputes.open(user_id, decision_id, STATEMENT)
            case SimulatedEvent.DISPUTE_UPHELD:
                self._resolve(decision_id, uphold=True)
            case SimulatedEvent.DISPUTE_REJECTED:
                self._resolve(decision_id, uphold=False)

    def _miss_deadline(self, decision_id: str) -> None:
        """Applies the overdue flag that is due. Does nothing if the flag is set."""
        if self._database.read(lambda unit: _can_become_overdue(unit, decision_id)):
            self._scheduler.apply(decision_id)

    def _resolve(self, decision_id: str, *, uphold: bool) -> None:
        dispute_id = self._database.read(lambda unit: _find_open_dispute(unit, decision_id))
        self._disputes.resolve(dispute_id, uphold=uphold, resolution=RESOLUTION)


def _load(unit: UnitOfWork, decision_id: str) -> DecisionState:
    state = unit.decisions.load(decision_id)
    if state is None:
        raise NotFound("There is no such decision.", ("decisionId",))
    return state


def _start(unit: UnitOfWork, principal: Principal, decision_id: str) -> _Start:
    state = _load(unit, decision_id)
    user_id = unit.consents.load_user_id(state.consent_id)
    personas = {persona.user_id for persona in unit.users.list_personas(principal.partner_id)}
    if state.merchant_id != principal.merchant_id or user_id not in personas:
        raise NotFound("There is no such decision.", ("decisionId",))
    last = unit.decision_log.list_page(decision_id, EventWindow(1, backward=True, internal=True))
    return _Start(user_id, last[0].leaf_index if last else None)


def _result(unit: UnitOfWork, decision_id: str, position: int | None, actor: Actor) -> Simulation:
    """The decision, and its events after `position` that this actor caused. Other events are not those of the
    simulation: a merchant, a delivery or a due date can add one at the same time."""
    state = _load(unit, decision_id)
    written = read_events(unit, unit.decision_log.list_page(decision_id, EventWindow(MOST_EVENTS, after=position)))
    events = tuple(each for each in written if each.actor is actor)
    sequences = unit.events.load_sequences(each.id for each in events)
    return Simulation(state.as_of(unit.business_time(state.merchant_id)), events, sequences)


def _can_become_overdue(unit: UnitOfWork, decision_id: str) -> bool:
    """Returns whether the overdue flag of the decision is due, False if it is set. Raises TooEarly before it is due,
    and StateConflict for a decision that does not become overdue."""
    state = _load(unit, decision_id)
    now = unit.business_time(state.merchant_id)
    require_rule(SystemTransition.MARK_OVERDUE, state.status_at(now))
    if state.overdue:
        return False
    if state.due_at is None or state.overdue_at is not None or state.lapsed_at is not None:
        message = "This decision does not become overdue: its overdue flag is contested, void or has expired."
        raise StateConflict("INVALID_TRANSITION", message, state.status, state.available_transitions)
    if now < state.due_at + state.grace:
        message = "The due date with its grace period has not passed. Move the time with sandboxClockMove."
        raise TooEarly(message, state.due_at + state.grace, ("event",))
    return True


def _find_open_dispute(unit: UnitOfWork, decision_id: str) -> str:
    """Returns the id of the decision's open dispute. Raises StateConflict if there is none."""
    for dispute in unit.disputes.list_of_decision(decision_id):
        if dispute.status in OPEN_DISPUTE_STATUSES:
            return dispute.id
    state = _load(unit, decision_id)
    message = "No dispute about this decision is open."
    raise StateConflict("INVALID_TRANSITION", message, state.status, state.available_transitions)
