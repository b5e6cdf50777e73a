"""The user behind a user token, and what a merchant may ask about them."""

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.domain.consents import consent as domain
from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from schema.context import Info
from schema.directives import resolved
from schema.types.consent import Consent
from schema.types.node import Node


@strawberry.type(description="The band of a score, with its age.")
class ScoreTier:
    tier: Tier = strawberry.field(description="The band.")
    rank: int = strawberry.field(
        description="1 is the lowest scored tier; 0 means UNSCORED. Compare with this, not with enum names."
    )
    as_of: datetime = strawberry.field(description="When it was measured.")
    valid_until: datetime = strawberry.field(description="Ask again after this.")


@strawberry.type(
    description="Always pseudonymous: the id differs per merchant, so two merchants cannot join their data. Reachable"
    " by its own user token only."
)
class ConsentedUser(Node):
    consent: Consent = strawberry.field(description="The consent that this token hangs from.")

    @classmethod
    def of(cls, consent: domain.Consent, now: BusinessTime) -> "ConsentedUser":
        return cls(id=strawberry.ID(consent.subject), consent=Consent.of(consent, now))

    @resolved(
        "Null, with an error in errors, when the score service is down; check again later.",
        scopes=["score:tier"],
        cost=2,
    )
    def score_tier(self, info: Info) -> ScoreTier | None:
        measured = info.context.container.scores.tier(info.context.query)
        tier = measured.tier
        return ScoreTier(tier=tier, rank=tier.rank, as_of=measured.as_of, valid_until=measured.valid_until)

    @resolved(
        "The least a merchant can learn: is the tier at or above this one? Only the tiers that the merchant's contract"
        " names may be asked; every question is written to the access log. Another tier: null with error FORBIDDEN.",
        scopes=["score:threshold", "score:tier"],
        cost=2,
    )
    def meets_tier(
        self, info: Info, minimum: Annotated[Tier, strawberry.argument(description="The tier asked about.")]
    ) -> ThresholdAnswer | None:
        return info.context.container.scores.meets(info.context.query, minimum)

    @resolved(
        "The number itself, 350 to 950. Its own scope, shown to the user as such on the consent page; null for an"
        " unscored user.",
        scopes=["score:exact"],
        cost=2,
    )
    def score(self, info: Info) -> int | None:
        return info.context.container.scores.exact(info.context.query)
