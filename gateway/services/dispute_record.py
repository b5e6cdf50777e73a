"""How a dispute ends, whoever ends it: the decision, the dispute's row, the log and the message in one transaction."""

from datetime import datetime

from gateway.domain import life
from gateway.domain.decision import Status
from gateway.domain.dispute import Contested, DisputeStatus
from gateway.domain.event import Actor, Topic
from gateway.services.decision_record import DecisionRecorder
from gateway.store import commitments, decisions
from gateway.store.database import Session
from gateway.store.decisions import DecisionRow
from gateway.store.disputes import DisputeRow


def resolve(
    session: Session,
    recorder: DecisionRecorder,
    row: DecisionRow,
    dispute: DisputeRow,
    outcome: DisputeStatus,
    actor: Actor,
    words: str | None,
    *,
    wall: datetime,
    now: datetime,
) -> None:
    """Ends an open dispute of a decision that is locked. Upheld, what was contested no longer counts; rejected or
    withdrawn, it counts at once."""
    standing, found = decisions.standing_of(row), None
    if outcome is DisputeStatus.UPHELD and standing.contested:
        void = life.breach_voided if dispute.subject == Contested.BREACH else life.overdue_voided
        note = {"note": "A dispute about it was upheld."}
        recorder.move(session, row, void(standing, now), actor, note, wall=wall, now=now)
    elif outcome is not DisputeStatus.UPHELD:
        found = commitments.of_decision(row)
        decisions.move(session, row, life.uncontested(standing, now), now)
    dispute.status, dispute.resolved_at = outcome, now
    dispute.resolved_event = recorder.record(
        session,
        row,
        dispute.user_id,
        Topic.DISPUTE_RESOLVED,
        actor,
        before=Status(row.status),
        personal={"resolution": words},
        found=found,
        dispute=dispute,
        wall=wall,
        now=now,
    )
    session.add(dispute)
    session.flush()
