"""The measurement of a score source, and the result of a threshold inquiry."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gateway.domain.period import format_moment, parse_moment
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime

SCORE = "score"
"""The member of a log entry's personal part with the score of a decision. Only the person sees it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """A person's score in points (350-950, None for an unscored person), its tier and period of validity, and the
    numbers of open overdue obligations and of open breaches that count.

    `held_until`: until when the tier is held although the score has aged below its cut-off; None if it is not.
    `card` is the version of the scorecard, `reasons` are up to four reason codes of the score, most important first.
    `has_document` is whether an identity document of the person was verified.
    """

    score: int | None
    tier: Tier
    as_of: BusinessTime
    valid_until: BusinessTime
    open_overdue: int = 0
    open_breaches: int = 0
    held_until: BusinessTime | None = None
    card: str = ""
    reasons: tuple[str, ...] = ()
    has_document: bool = False

    def document(self) -> dict[str, Any]:
        """Returns the score, its time, card and reasons as a JSON-safe document. A decision's log entry keeps it for
        the person."""
        return {
            "score": self.score,
            "as_of": format_moment(self.as_of),
            "card": self.card,
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, slots=True)
class DecidedScore:
    """The score with which a decision was made, as its log entry keeps it. None for a person who was unscored."""

    score: int | None
    as_of: datetime
    card: str
    reasons: tuple[str, ...]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "DecidedScore":
        """Reads the document of a measurement."""
        return cls(document["score"], parse_moment(document["as_of"]), document["card"], tuple(document["reasons"]))


class ThresholdAnswer(StrEnum):
    YES = "YES"
    NO = "NO"
    CANNOT_ASSESS = "CANNOT_ASSESS"


def meets(tier: Tier, minimum: Tier) -> ThresholdAnswer:
    """Returns whether the tier is at or above `minimum`. An unscored person cannot be assessed."""
    if tier is Tier.UNSCORED:
        return ThresholdAnswer.CANNOT_ASSESS
    return ThresholdAnswer.YES if tier.rank >= minimum.rank else ThresholdAnswer.NO
