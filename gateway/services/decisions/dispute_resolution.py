"""Ends a dispute: updates the decision, the dispute's row, the log and the outbox together."""

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.events import Actor, Topic
from gateway.kit.clock import BusinessTime
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.unit import UnitOfWork


def end_dispute(
    unit: UnitOfWork,
    decision: Decision,
    dispute: DisputeRow,
    outcome: DisputeStatus,
    actor: Actor,
    resolution: str | None,
    now: BusinessTime,
) -> None:
    """Ends an open dispute of a locked decision. If it is upheld, the contested breach or overdue flag no longer
    counts. If it is rejected or withdrawn, that counts again at once. `resolution` is the operator's reason."""
    if outcome is DisputeStatus.UPHELD:
        if decision.state.contested:
            breach = dispute.subject == Contested.BREACH
            voided = decision.void_breach(now) if breach else decision.void_overdue(now)
            unit.decisions.save(decision, voided, actor, {"note": "A dispute about it was upheld."})
        event = decision.note(Topic.DISPUTE_RESOLVED, now)
    else:
        event = decision.reject_dispute(now)
    dispute.status, dispute.resolved_at = outcome, now
    dispute.resolved_event = unit.decisions.save(decision, event, actor, {"resolution": resolution}, dispute=dispute)
    unit.disputes.update(dispute)
