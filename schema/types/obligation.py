"""The obligation under an approved decision, what the user claims about it, and the provenance of a decision."""

from datetime import datetime

import strawberry

from gateway.domain.decisions import provenance as domain_provenance
from gateway.domain.decisions import settlement as domain_settlement
from gateway.domain.decisions.claim import ClaimStatus, claim_status
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import ClaimKind
from schema.directives import resolved
from schema.types.money import Money


@strawberry.type(description="The adapter, policy version and rule that produced the decision, for your records.")
class DecisionProvenance:
    adapter: str = strawberry.field(description="Key of the adapter, for example car_rental.")
    policy_version: str = strawberry.field(description="Version of the adapter's policy.")
    policy_hash: str = strawberry.field(description="SHA-256 hash of the policy, in hexadecimal.")
    rule_id: str = strawberry.field(
        description="Id of the rule that decided. Opaque in a live deployment, so that it does not reveal a score."
    )
    score_as_of: datetime | None = strawberry.field(
        description="When the score was measured. Null if no score was used."
    )

    @classmethod
    def of(cls, provenance: domain_provenance.DecisionProvenance, rule_name: str) -> "DecisionProvenance":
        return cls(
            adapter=provenance.adapter,
            policy_version=provenance.policy_version,
            policy_hash=provenance.policy_hash,
            rule_id=rule_name,
            score_as_of=provenance.score_as_of,
        )


@strawberry.type(description="The obligation under an approved decision: what is due, what is settled, and by when.")
class Settlement:
    settlement: strawberry.Private[domain_settlement.Settlement]

    @resolved("What the user is responsible for: the amount to pay, the waived deposit, or the limit a lender granted.")
    def due(self) -> Money:
        return Money.of(self.settlement.due)

    @resolved("Part of the due amount that has been settled.")
    def settled(self) -> Money:
        return Money.of(self.settlement.settled)

    @resolved("Part of the due amount that is not settled. Zero if the decision was cancelled or has expired.")
    def outstanding(self) -> Money:
        return Money.of(self.settlement.outstanding)

    @resolved("Due date, without the grace period. Set for every approval.")
    def due_at(self) -> datetime | None:
        return self.settlement.due_at

    @resolved(
        "True if the due date and its grace period have passed. False while the user disputes it, and after the overdue"
        " flag has expired."
    )
    def overdue(self) -> bool:
        return self.settlement.overdue


@strawberry.type(
    description="The user says that the obligation was met. Unless you contradict that before contradictBy, it counts"
    " as kept for the user's score. It changes neither the status nor an amount. If it is right, report the settlement"
    " with decisionFulfill; if it is wrong, report the part that was settled or the breach."
)
class Claim:
    kind: ClaimKind = strawberry.field(description="How the user says that the obligation was met.")
    status: ClaimStatus = strawberry.field(description="Status of the claim.")
    claimed_at: datetime = strawberry.field(description="When the user said it.")
    contradict_by: datetime | None = strawberry.field(
        description="When the claim is accepted if you do not contradict it: seven days after you could report a"
        " missing payment or return, or after you were told. During a dispute it waits. Null unless the claim is open."
    )

    @classmethod
    def of(cls, state: DecisionState) -> "Claim | None":
        status = claim_status(state)
        if status is None or state.claim is None or state.claimed_at is None:
            return None
        return cls(kind=state.claim, status=status, claimed_at=state.claimed_at, contradict_by=state.claim_ends_at)
