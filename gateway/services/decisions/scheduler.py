"""Applies due system transitions: approvals expire, overdue flags are set and expire, breaches are written off, claims
are accepted."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import takewhile

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.transitions import SystemTransition
from gateway.domain.events import Actor
from gateway.kit.clock import BusinessTime, business_time
from gateway.kit.logging import get_logger
from gateway.services.isolated_steps import run_or_log
from gateway.store.database import Database
from gateway.store.unit import UnitOfWork

BATCH = 100
_log = get_logger(__name__)
_NOTES = {
    SystemTransition.LAPSE: "The overdue flag expired, because no breach was reported in time.",
    SystemTransition.WRITE_OFF: "Written off: it no longer uses the credit limit.",
    SystemTransition.ACCEPT_CLAIM: "The merchant did not contradict the claim in time.",
}


def save_due(unit: UnitOfWork, decision: Decision, now: BusinessTime) -> bool:
    """Applies the transitions of a locked decision that are due at `now`, and saves each. False if none was due."""
    applied = False
    for event in decision.apply_due(now):
        note = _NOTES.get(event.transition) if isinstance(event.transition, SystemTransition) else None
        unit.decisions.save(decision, event, Actor.CLOCK, {"note": note})
        applied = True
    return applied


class DecisionScheduler:
    """Applies due transitions, one unit of work per decision. Several processes can run it at once: each transition is
    applied once."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def apply_due(self, may_continue: Callable[[], bool] = lambda: True) -> int:
        """Applies due transitions, for each partner in its own business time and for at most BATCH decisions. Asks
        `may_continue` before each decision, and stops if it is false. Returns how many decisions changed."""
        due = self._database.read(_list_due)
        return self.apply_to(takewhile(lambda _: may_continue(), due))

    def apply_to(self, decision_ids: Iterable[str]) -> int:
        """Applies the due transitions of these decisions. Returns how many decisions changed. An error in one decision,
        or a lock on it, is logged and does not stop the others. Raises any other Outage."""
        return sum(self._apply_or_log(decision_id) for decision_id in decision_ids)

    def apply(self, decision_id: str) -> bool:
        """Applies the due transitions of one decision. False if none was due."""

        def apply(unit: UnitOfWork) -> bool:
            decision = unit.decisions.lock(decision_id)
            return decision is not None and save_due(unit, decision, unit.business_time(decision.state.merchant_id))

        return self._database.write(apply)

    def _apply_or_log(self, decision_id: str) -> bool:
        log_error = partial(_log.error, "decision_not_moved", decision=decision_id)
        return bool(run_or_log(lambda: self.apply(decision_id), log_error))


def _list_due(unit: UnitOfWork) -> list[str]:
    due: list[str] = []
    for partner in unit.partners.list_partners():
        now = business_time(unit.wall, partner.clock_offset_seconds)
        due += unit.decisions.list_due_of_partner(partner.id, now, BATCH)
    return due
