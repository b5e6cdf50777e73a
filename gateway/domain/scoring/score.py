"""The measurement of a score source, and the result of a threshold inquiry."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.scoring.tier import Tier, tier_of
from gateway.kit.clock import BusinessTime


@dataclass(frozen=True, slots=True)
class Measurement:
    """A person's score in points (350-950, None for an unscored person), its period of validity, and the numbers of
    open overdue obligations and of open breaches that count."""

    score: int | None
    as_of: BusinessTime
    valid_until: BusinessTime
    open_overdue: int = 0
    open_breaches: int = 0

    @property
    def tier(self) -> Tier:
        return tier_of(self.score)


class ThresholdAnswer(StrEnum):
    YES = "YES"
    NO = "NO"
    CANNOT_ASSESS = "CANNOT_ASSESS"


def meets(tier: Tier, minimum: Tier) -> ThresholdAnswer:
    """Returns whether the tier is at or above `minimum`. An unscored person cannot be assessed."""
    if tier is Tier.UNSCORED:
        return ThresholdAnswer.CANNOT_ASSESS
    return ThresholdAnswer.YES if tier.rank >= minimum.rank else ThresholdAnswer.NO
