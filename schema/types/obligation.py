"""The obligation under an approved decision, and the provenance of a decision."""

from datetime import datetime

import strawberry

from gateway.domain.decisions import settlement as domain_settlement
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
