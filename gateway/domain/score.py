"""What a score source answers about a person, and what a merchant may be told of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.tier import Tier, tier_of


@dataclass(frozen=True, slots=True)
class Measurement:
    """One answer of a score source: points (350-950, None for an unscored person), times in UTC, and how many
    overdue obligations are open."""

    score: int | None
    as_of: datetime
    valid_until: datetime
    open_overdue: int = 0

    @property
    def tier(self) -> Tier:
        return tier_of(self.score)


class ThresholdAnswer(StrEnum):
    YES = "YES"
    NO = "NO"
    CANNOT_ASSESS = "CANNOT_ASSESS"


def meets(tier: Tier, minimum: Tier) -> ThresholdAnswer:
    """Whether the tier is at or above `minimum`; an unscored person cannot be assessed."""
    if tier is Tier.UNSCORED:
        return ThresholdAnswer.CANNOT_ASSESS
    return ThresholdAnswer.YES if tier.rank >= minimum.rank else ThresholdAnswer.NO
