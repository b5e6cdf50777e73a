"""The behaviour record of a decision: what its outcome says about the person for the score."""

from dataclasses import dataclass

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind
from gateway.kit.clock import BusinessTime

RECORDED_STATUSES = frozenset({Status.FULFILLED, Status.BREACHED})
"""The statuses in which a decision can have a record. An open obligation has one only if a claim about it stands."""
DIMENSIONS = {
    Product.DEPOSIT_WAIVER: Dimension.FULFILMENT,
    Product.EXPRESS_CHECK_IN: Dimension.FULFILMENT,
    Product.PAY_LATER: Dimension.CREDIT_HISTORY,
    Product.CREDIT_OFFER: Dimension.CREDIT_HISTORY,
}
"""The dimension of the obligation from an approval of each product."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    kind: RecordKind
    counts_from: BusinessTime | None = None
    is_claimed: bool = False


def can_have_record(state: DecisionState) -> bool:
    """Returns whether the decision can have a record."""
    return state.status in RECORDED_STATUSES or state.claim_stands


def record_of(state: DecisionState, partner: str, at: BusinessTime) -> BehaviourRecord | None:
    """Returns the record of a decision, or None if it has none. `partner` is the id of the merchant's partner, `at`
    when the decision got its present status.

    A breach is broken until it is cured. Cured before it counts, it leaves no record; cured later it is late. A
    settlement after the overdue flag was set is late. A flag or breach that was void leaves no trace. An obligation
    whose flag expired has no record: it was not kept in time, and no breach was reported. Nor has one of which nothing
    was left to fulfil.

    An open obligation is kept if the person's claim stands. A fulfilled one is then kept also if the flag expired, and
    its record keeps the time at which the claim was accepted: the merchant's report adds nothing for the score.
    """
    verdict = _judge(state, at)
    if verdict is None:
        return None
    if verdict.kind is RecordKind.KEPT and state.claim_stands:
        at = state.claim_accepted_at or at
    return BehaviourRecord(
        id=state.id,
        dimension=DIMENSIONS[state.product],
        kind=verdict.kind,
        partner=partner,
        at=at,
        amount=state.due,
        counts_from=verdict.counts_from,
        ended_at=state.written_off_at,
        contested_at=None if verdict.is_claimed else state.contested_at,
        claimed_at=state.claimed_at if verdict.is_claimed else None,
        is_own=True,
    )


def _judge(state: DecisionState, at: BusinessTime) -> _Verdict | None:
    if state.status is Status.BREACHED:
        return _Verdict(RecordKind.BROKEN, state.breach_counts_from)
    if state.status is Status.ACTIVE and state.claim_stands:
        return _Verdict(RecordKind.KEPT, is_claimed=True)
    if state.status is not Status.FULFILLED or not state.due.minor:
        return None
    if state.breach_counts_from is not None:
        return _Verdict(RecordKind.LATE) if at >= state.breach_counts_from else None
    if state.late_counts_from is not None:
        return _Verdict(RecordKind.LATE, state.late_counts_from)
    if state.flag_expired:
        return _Verdict(RecordKind.KEPT, is_claimed=True) if state.claim_stands else None
    return _Verdict(RecordKind.KEPT)
