"""Measurements and threshold inquiries."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.scoring.score import Measurement, ThresholdAnswer, meets
from gateway.domain.scoring.tier import Tier, tier_of
from tests.support.clock import BUSINESS_NOON as NOON

scores = st.integers(350, 950)


def test_a_measurement_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Measurement(700, Tier.EXCELLENT, NOON, NOON).score = 950  # type: ignore[misc]


@given(scores, st.sampled_from(Tier))
def test_scored_person_meets_a_tier_exactly_at_or_above_it(score: int, minimum: Tier) -> None:
    tier = tier_of(score)
    assert meets(tier, minimum) == (ThresholdAnswer.YES if tier.rank >= minimum.rank else ThresholdAnswer.NO)


@given(scores, st.integers(0, 600), st.sampled_from(Tier))
def test_a_better_score_never_turns_yes_into_no(score: int, more: int, minimum: Tier) -> None:
    if meets(tier_of(score), minimum) is ThresholdAnswer.YES:
        assert meets(tier_of(min(score + more, 950)), minimum) is ThresholdAnswer.YES


@pytest.mark.parametrize("minimum", Tier)
def test_unscored_person_cannot_be_assessed_for_any_tier(minimum: Tier) -> None:
    assert meets(Tier.UNSCORED, minimum) is ThresholdAnswer.CANNOT_ASSESS


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        pytest.param(699, ThresholdAnswer.NO, id="one-point-below"),
        pytest.param(700, ThresholdAnswer.YES, id="exactly-at"),
    ],
)
def test_meets_at_the_cut_off(score: int, expected: ThresholdAnswer) -> None:
    assert meets(tier_of(score), Tier.EXCELLENT) is expected
