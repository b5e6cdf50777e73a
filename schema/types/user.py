"""The user of a user token, with the score fields that a merchant may read."""

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


@strawberry.type(description="A user's tier and how long it is valid.")
class ScoreTier:
    tier: Tier = strawberry.field(description="The tier.")
    rank: int = strawberry.field(
        description="Position of the tier: 1 is the lowest, 5 the highest, 0 means UNSCORED. Use it to compare tiers."
    )
    as_of: datetime = strawberry.field(description="When the score was measured.")
    valid_until: datetime = strawberry.field(description="When to query the tier again.")
    held_until: datetime | None = strawberry.field(
        description="Until when the tier is held although the score has aged below its cut-off. Null if it is not."
    )


@strawberry.type(
    description="The user who granted the consent of a user token. The id is pairwise: it differs per merchant, so"
    " merchants cannot match their records. Only the user's own token can read it."
)
class ConsentedUser(Node):
    consent: Consent = strawberry.field(description="The consent to which the access token belongs.")

    @classmethod
    def of(cls, consent: domain.Consent, now: BusinessTime) -> "ConsentedUser":
        return cls(id=strawberry.ID(consent.subject), consent=Consent.of(consent, now))

    @resolved(
        "The user's tier. Null, with error SCORE_UNAVAILABLE, if no score source responds; try again later. Each call"
        " counts as an inquiry and is written to the access log.",
        scopes=["score:tier"],
        cost=2,
    )
    def score_tier(self, info: Info) -> ScoreTier | None:
        measurement = info.context.container.scores.load_measurement(info.context.query)
        tier = measurement.tier
        return ScoreTier(
            tier=tier,
            rank=tier.rank,
            as_of=measurement.as_of,
            valid_until=measurement.valid_until,
            held_until=measurement.held_until,
        )

    @resolved(
        "Whether the user's tier is `minimum` or higher. Your contract lists the tiers that you may use. A consent of"
        " the level threshold is about one tier: the one that its authorization detail names, or else the first that"
        " you ask about. Another tier gives null with error FORBIDDEN. Each call counts as an inquiry and is written to"
        " the access log.",
        scopes=["score:threshold", "score:tier"],
        cost=2,
    )
    def meets_tier(
        self, info: Info, minimum: Annotated[Tier, strawberry.argument(description="Tier to compare with.")]
    ) -> ThresholdAnswer | None:
        return info.context.container.scores.check_threshold(info.context.query, minimum)

    @resolved(
        "The user's score in points, 350 to 950; the consent page shows this permission separately. Null if the user"
        " has no score, or with error SCORE_UNAVAILABLE if no score source responds. Each call counts as an inquiry and"
        " is written to the access log.",
        scopes=["score:exact"],
        cost=2,
    )
    def score(self, info: Info) -> int | None:
        return info.context.container.scores.load_score(info.context.query)
