"""The tiers of scores, and their order."""

import pytest

from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, Tier, tier_of


@pytest.mark.parametrize(
    ("score", "tier"),
    [
        (None, Tier.UNSCORED),
        (350, Tier.BUILDING),
        (549, Tier.BUILDING),
        (550, Tier.FAIR),
        (599, Tier.FAIR),
        (600, Tier.GOOD),
        (649, Tier.GOOD),
        (650, Tier.VERY_GOOD),
        (699, Tier.VERY_GOOD),
        (700, Tier.EXCELLENT),
        (950, Tier.EXCELLENT),
    ],
)
def test_tiers_at_their_cut_offs(score: int | None, tier: Tier) -> None:
    assert tier_of(score) is tier


def test_a_higher_score_never_has_a_lower_tier() -> None:
    ranks = [tier_of(score).rank for score in range(LOWEST_SCORE, HIGHEST_SCORE + 1)]
    assert ranks == sorted(ranks)
    assert [tier.rank for tier in Tier] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("score", [349, 951, -1, 0])
def test_score_outside_the_scale_is_refused(score: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        tier_of(score)
