"""Claims: the person says that an obligation was met, or withdraws that. The scheduler accepts a claim that the
merchant has not contradicted in time."""

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind
from gateway.domain.errors import NotFound
from gateway.domain.events import Actor, Topic
from gateway.domain.period import parse_moment
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.scheduler import save_due
from gateway.store.database import Database
from gateway.store.logs.decision_log import read_public
from gateway.store.unit import UnitOfWork

_NOTES = {
    ClaimKind.RETURNED: "The person says that it was returned.",
    ClaimKind.PAID: "The person says that it was paid.",
}


class ClaimService:
    """Makes and withdraws claims. Each change is one unit of work, which locks the decision and applies its due
    transitions first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, user_id: str, decision_id: str, kind: ClaimKind) -> DecisionState:
        """Records that a person says that an obligation was met, and tells the merchant. Raises NotFound for a decision
        of another person, InvalidInput if this cannot be claimed, or not any more."""

        def claim(unit: UnitOfWork) -> DecisionState:
            decision, now = _lock_own(unit, user_id, decision_id)
            event = decision.claim(now, kind)
            unit.decisions.save(decision, event, Actor.USER, {"note": _NOTES[kind]})
            return decision.state

        return self._database.write(claim)

    def withdraw(self, user_id: str, decision_id: str) -> DecisionState:
        """Withdraws the person's open claim, for good. Raises NotFound for a decision of another person, InvalidInput
        without an open claim."""

        def withdraw(unit: UnitOfWork) -> DecisionState:
            decision, now = _lock_own(unit, user_id, decision_id)
            unit.decisions.save(decision, decision.withdraw_claim(now), Actor.USER, {})
            return decision.state

        return self._database.write(withdraw)

    def note_delivery(self, event_id: str, delivered_at: BusinessTime | None = None) -> bool:
        """Notes that the message about a claim was delivered to the merchant. The first delivery counts: the time to
        contradict the claim does not begin before it. `event_id` is the id of the message, of the topic
        DECISION_CLAIMED. `delivered_at` is when an endpoint of the merchant accepted it; None and a later time than now
        are taken for now. May be called again for the same message: a later delivery changes nothing, as any after the
        claim has ended. Returns whether this was the first. Raises NotFound for the id of anything else."""
        claimed_at, decision_id = self._database.read(lambda unit: _find_claim(unit, event_id))

        def note(unit: UnitOfWork) -> bool:
            decision = unit.decisions.lock(decision_id)
            if decision is None or decision.state.claimed_at != claimed_at:
                return False  # the due date was moved, so this claim no longer exists
            now = unit.business_time(decision.state.merchant_id)
            save_due(unit, decision, now)
            event = decision.note_claim_delivery(now, min(delivered_at or now, now))
            if event is not None:
                unit.decisions.save(decision, event, Actor.GATEWAY, {})
            return event is not None

        return self._database.write(note)


def _lock_own(unit: UnitOfWork, user_id: str, decision_id: str) -> tuple[Decision, BusinessTime]:
    """The person's decision after its due transitions, and the time of its partner."""
    decision = unit.decisions.lock(decision_id)
    if decision is None or unit.consents.load_user_id(decision.state.consent_id) != user_id:
        raise NotFound("There is no such decision.", ("decisionId",))
    now = unit.business_time(decision.state.merchant_id)
    save_due(unit, decision, now)
    return decision, now


def _find_claim(unit: UnitOfWork, event_id: str) -> tuple[BusinessTime, str]:
    """When the claim of this event was made, and the id of its decision."""
    entry = unit.decision_log.load(event_id)
    public = read_public(entry) if entry is not None else {}
    if entry is None or public.get("topic") != Topic.DECISION_CLAIMED:
        raise NotFound("There is no such claim.")
    return BusinessTime(parse_moment(public["business_at"])), entry.decision_id
