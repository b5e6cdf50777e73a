"""Tiers of the 350-950 scale, lowest first. Policies and merchants compare tiers by this order only."""

from enum import StrEnum

LOWEST_SCORE, HIGHEST_SCORE = 350, 950


class Tier(StrEnum):
    """A tier. BUILDING is 350-549, FAIR 550-599, GOOD 600-649, VERY_GOOD 650-699, EXCELLENT 700-950."""

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
_CUT_OFFS = ((700, Tier.EXCELLENT), (650, Tier.VERY_GOOD), (600, Tier.GOOD), (550, Tier.FAIR))


def tier_of(score: int | None) -> Tier:
    """Returns the tier of a score in points, UNSCORED for None. Raises ValueError outside 350-950."""
    if score is None:
        return Tier.UNSCORED
    if not LOWEST_SCORE <= score <= HIGHEST_SCORE:
        raise ValueError(f"score {score} is outside {LOWEST_SCORE}-{HIGHEST_SCORE}")
    return next((tier for cut_off, tier in _CUT_OFFS if score >= cut_off), Tier.BUILDING)
