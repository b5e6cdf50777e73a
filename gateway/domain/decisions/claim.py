"""Claims: a person says that an obligation was met. If the merchant does not contradict that in time, the obligation
counts as kept for the person's score. A claim changes neither the status of the decision nor an amount."""

from dataclasses import replace
from enum import StrEnum

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind, Status
from gateway.domain.errors import InvalidInput
from gateway.domain.merchants import Product
from gateway.kit.clock import BusinessTime

CLAIM_KINDS = {
    Product.DEPOSIT_WAIVER: ClaimKind.RETURNED,
    Product.EXPRESS_CHECK_IN: ClaimKind.PAID,
    Product.PAY_LATER: ClaimKind.PAID,
    Product.CREDIT_OFFER: ClaimKind.PAID,
}
"""What a person can say about an obligation of each product."""


class ClaimStatus(StrEnum):
    """What became of a claim. An open one waits while a dispute is open. While there is a breach it is contradicted,
    and goes on if the breach is void."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    CONTRADICTED = "CONTRADICTED"
    WITHDRAWN = "WITHDRAWN"


def claim_status(state: DecisionState) -> ClaimStatus | None:
    """Returns the status of the claim about a decision, None without one and once the obligation is fulfilled."""
    if state.claimed_at is None or state.status not in {Status.ACTIVE, Status.BREACHED}:
        return None
    if state.claim_withdrawn_at is not None:
        return ClaimStatus.WITHDRAWN
    if state.claim_contradicted_at is not None or state.status is Status.BREACHED:
        return ClaimStatus.CONTRADICTED
    return ClaimStatus.OPEN if state.claim_is_open else ClaimStatus.ACCEPTED


def require_claimable(state: DecisionState, kind: ClaimKind) -> None:
    """Raises InvalidInput unless a person may claim this about a decision, after its due transitions. It must be
    active, with nothing overdue or contested and no flag that has expired: then a settlement would leave a kept record
    too. A decision has one claim, unless its due date is moved."""
    if state.status is not Status.ACTIVE or not state.outstanding.minor:
        raise InvalidInput("INVALID", "Nothing is open under this decision.")
    if CLAIM_KINDS[state.product] is not kind:
        raise InvalidInput("INVALID", f"This cannot be said of the product {state.product}.", ("kind",))
    if state.claimed_at is not None:
        raise InvalidInput("INVALID", "This was said before about this decision.")
    if state.contested or state.overdue or state.flag_expired:
        raise InvalidInput("INVALID", "The decision is overdue. The overdue flag can be contested.")


def with_claim(state: DecisionState, now: BusinessTime, kind: ClaimKind) -> DecisionState:
    """Returns the state with an open claim."""
    return replace(state, claim=kind, claimed_at=now)


def with_delivery(state: DecisionState, delivered_at: BusinessTime) -> DecisionState | None:
    """Returns the state after the first delivery of the message about the claim. None if a delivery was noted before,
    and if the claim cannot be accepted any more. While there is a breach the claim waits, and can be."""
    ended_at = state.claim_accepted_at or state.claim_contradicted_at or state.claim_withdrawn_at
    if state.claimed_at is None or state.claim_told_at is not None or ended_at is not None:
        return None
    if state.status not in {Status.ACTIVE, Status.BREACHED}:
        return None
    return replace(state, claim_told_at=delivered_at)


def contradict_claim(state: DecisionState, now: BusinessTime) -> DecisionState:
    """Returns the state in which the merchant has contradicted an open or accepted claim."""
    is_current = state.claim_is_open or state.claim_stands
    return replace(state, claim_contradicted_at=now) if is_current else state


def without_claim(state: DecisionState) -> DecisionState:
    """Returns the state without a claim: another one is possible."""
    return replace(
        state,
        claim=None,
        claimed_at=None,
        claim_told_at=None,
        claim_accepted_at=None,
        claim_withdrawn_at=None,
        claim_contradicted_at=None,
    )
