"""Ends a dispute: updates the decision, the dispute's row, the log, the outbox and the score together."""

from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import Contested, DisputeStatus
from gateway.domain.events import Actor, Topic
from gateway.domain.scoring.card_versions import CardVersions
from gateway.kit.clock import BusinessTime
from gateway.store.decisions.disputes import DisputeRow
from gateway.store.unit import UnitOfWork


class DisputeResolution:
    """Ends disputes, in the caller's unit of work. `cards` says from how many upheld disputes on the records of a
    partner are ignored."""

    def __init__(self, cards: CardVersions) -> None:
        self._cards = cards

    def end(
        self,
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
        if outcome is not DisputeStatus.WITHDRAWN:
            self._judge_partner(unit, dispute.merchant_id, outcome is DisputeStatus.UPHELD, now)
        if outcome is DisputeStatus.UPHELD:
            if decision.state.contested:
                breach = dispute.subject == Contested.BREACH
                voided = decision.void_breach(now) if breach else decision.void_overdue(now)
                unit.decisions.save(decision, voided, actor, {"note": "A dispute about it was upheld."})
            event = decision.note(Topic.DISPUTE_RESOLVED, now)
        else:
            event = decision.reject_dispute(now)
        dispute.status, dispute.resolved_at = outcome, now
        dispute.resolved_event = unit.decisions.save(
            decision, event, actor, {"resolution": resolution}, dispute=dispute
        )
        unit.disputes.update(dispute)

    def lock_partner(self, unit: UnitOfWork, merchant_id: str) -> str:
        """Locks the merchant's partner and returns its id, so that of two disputes that are decided at once the second
        one counts the first. A unit that can end a dispute must call it before it changes a score, so that two of them
        do not wait for each other."""
        partner_id = unit.merchants.load_partner_id(merchant_id)
        unit.partners.lock(partner_id)
        return partner_id

    def _judge_partner(self, unit: UnitOfWork, merchant_id: str, upheld: bool, now: BusinessTime) -> None:
        """Marks the scores of all persons with a negative record of the merchant's partner as due, if the dispute that
        is being decided changes whether these records are ignored."""
        partner_id = self.lock_partner(unit, merchant_id)
        upheld_before, decided_before = unit.disputes.count_decided(partner_id)
        rules = self._cards.at(now).rules
        before = rules.ignores_partner(upheld_before, decided_before)
        if rules.ignores_partner(upheld_before + upheld, decided_before + 1) != before:
            unit.outcomes.mark_partner_due(partner_id, now)
