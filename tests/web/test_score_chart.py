"""The chart of the score page: its range, its lines and its labels."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from gateway.domain.scoring.history import Behaviour, compute_states
from gateway.domain.scoring.record import month_of, month_start
from gateway.services.scoring.person_scores import MonthPoint
from gateway.web.pages.account.score.chart import HEIGHT, WIDTH, Chart, draw_chart
from gateway.web.texts import all_texts
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import CARDS, history

CARD = CARDS.at(NOON)
UNKNOWN = -1
"""A month before the first computation. None is a month without a score."""


def chart(scores: Sequence[int | None]) -> Chart:
    """The chart of months with these scores, the last one this month."""
    (state,) = compute_states(CARDS, Behaviour(records=history(NOON)), None, NOON, None)
    months = [
        MonthPoint(
            month_start(month_of(NOON) - len(scores) + 1 + index),
            None if score == UNKNOWN else replace(state, score=score, tier=CARD.tier_of(score)),
        )
        for index, score in enumerate(scores)
    ]
    return draw_chart(all_texts()["en"], CARD, months)


@pytest.mark.parametrize(
    "scores", [[350] * 12, [950] * 12, [350, *[950] * 11], [640] * 12, [760] * 12, [400, *[None] * 10, 720]]
)
def test_all_marks_and_lines_are_inside(scores: list[int | None]) -> None:
    drawn = chart(scores)
    heights = [*(mark.y for mark in drawn.marks), *(line.y for line in drawn.cut_offs)]
    assert all(0 < height <= drawn.baseline < HEIGHT for height in heights)
    assert all(0 < mark.x < WIDTH for mark in drawn.marks)
    assert [mark.score for mark in drawn.marks] == [score for score in scores if score is not None]


def test_better_score_is_higher() -> None:
    low, high = chart([600, 640]).marks
    assert low.y > high.y


@pytest.mark.parametrize("score", range(350, 951, 50))
def test_at_least_one_tier_is_named_next_to_a_score(score: int) -> None:
    assert [line for line in chart([score] * 12).cut_offs if line.tier]


def test_close_cut_offs_have_one_label() -> None:
    drawn = chart([380, *[940] * 11])
    labelled = [line.y for line in drawn.cut_offs if line.tier]
    assert len(drawn.cut_offs) == 4
    assert all(lower - upper >= 24 for upper, lower in pairwise(labelled))


def test_months_without_a_score_interrupt_the_line() -> None:
    drawn = chart([UNKNOWN, 600, 610, None, 620, 630, 640])
    assert [len(line.split()) for line in drawn.lines] == [2, 3]
    assert drawn.description == "From 600 in Jun 2026 to 640 in Nov 2026."
    assert [row.score for row in drawn.rows] == ["not known", "600", "610", "no score", "620", "630", "640"]


def test_single_month_has_a_mark_and_no_line() -> None:
    drawn = chart([UNKNOWN] * 11 + [640])
    assert (len(drawn.marks), drawn.lines) == (1, ())


def test_no_score_has_no_description() -> None:
    assert chart([None] * 12).description == ""
