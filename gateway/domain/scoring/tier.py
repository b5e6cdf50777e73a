"""Tiers of the 350-950 scale, lowest first. Policies and merchants compare tiers by this order only."""

from collections.abc import Sequence
from enum import StrEnum

LOWEST_SCORE, HIGHEST_SCORE = 350, 950


class Tier(StrEnum):
    """A tier. BUILDING begins at 350, FAIR at 550, GOOD at 600, VERY_GOOD at 650 and EXCELLENT at 700. A tier that a
    person has had may be held for a while when the score ages below its cut-off (gateway.domain.scoring.history)."""

    UNSCORED = "UNSCORED"
    BUILDING = "BUILDING"
    FAIR = "FAIR"
    GOOD = "GOOD"
    VERY_GOOD = "VERY_GOOD"
    EXCELLENT = "EXCELLENT"

    @property
    def rank(self) -> int:
        """0 for UNSCORED, 1 for BUILDING, up to 5 for EXCELLENT."""
        return _ORDER.index(self)


_ORDER = tuple(Tier)
CutOffs = Sequence[tuple[int, Tier]]
"""The lowest score of each tier above BUILDING, highest tier first."""
CUT_OFFS: CutOffs = ((700, Tier.EXCELLENT), (650, Tier.VERY_GOOD), (600, Tier.GOOD), (550, Tier.FAIR))
"""The cut-offs of a score source that delivers a score without a tier."""


def tier_of(score: int | None, cut_offs: CutOffs = CUT_OFFS) -> Tier:
    """Returns the tier of a score in points, UNSCORED for None. Raises ValueError outside 350-950."""
    if score is None:
        return Tier.UNSCORED
    if not LOWEST_SCORE <= score <= HIGHEST_SCORE:
        raise ValueError(f"score {score} is outside {LOWEST_SCORE}-{HIGHEST_SCORE}")
    return next((tier for cut_off, tier in cut_offs if score >= cut_off), Tier.BUILDING)
