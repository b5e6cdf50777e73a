"""The chart of the score page: its range, its lines and its labels."""

from collections.abc import Sequence
from itertools import pairwise

import pytest

from gateway.domain.scoring.record import month_of, month_start
from gateway.services.scoring.score_months import MonthPoint
from gateway.web.pages.account.score.chart import HEIGHT, WIDTH, Chart, draw_chart
from gateway.web.texts import all_texts
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import CARDS

CARD = CARDS.at(NOON)


def chart(scores: Sequence[int | None], afterwards: int = 0) -> Chart:
    """The chart of months with these scores, the last one this month. The first ones were computed afterwards."""
    months = [
        MonthPoint(
            month_start(month_of(NOON) - len(scores) + 1 + index), score, CARD.tier_of(score), index < afterwards
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
    drawn = chart([None, 600, 610, None, 620, 630, 640])
    assert [len(line.points.split()) for line in drawn.lines] == [2, 3]
    assert drawn.description == "From 600 in Jun 2026 to 640 in Nov 2026."
    assert [row.score for row in drawn.rows] == ["no score", "600", "610", "no score", "620", "630", "640"]
    assert not drawn.has_reconstructed


def test_months_that_were_computed_afterwards_are_marked() -> None:
    drawn = chart([None, 600, 610, 620, 630, 640], afterwards=4)
    assert [each.is_reconstructed for each in drawn.marks] == [True, True, True, False, False]
    first, second = drawn.lines
    assert (first.is_reconstructed, second.is_reconstructed) == (True, False)
    assert (len(first.points.split()), len(second.points.split())) == (4, 2)
    assert first.points.split()[-1] == second.points.split()[0], "the curve is not interrupted"
    assert [row.score for row in drawn.rows] == [
        "no score",
        *(f"{score}, computed afterwards" for score in (600, 610, 620)),
        "630",
        "640",
    ]
    assert drawn.has_reconstructed
    assert not chart([None] * 5 + [640], afterwards=5).has_reconstructed


def test_single_month_has_a_mark_and_no_line() -> None:
    drawn = chart([None] * 11 + [640])
    assert (len(drawn.marks), drawn.lines) == (1, ())


def test_no_score_has_no_description() -> None:
    assert chart([None] * 12).description == ""
