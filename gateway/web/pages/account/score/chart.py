"""The chart of the last twelve months: the coordinates of an SVG. Its template only prints them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, Tier
from gateway.services.scoring.score_months import MonthPoint
from gateway.web.site.consent_parts import TIERS
from gateway.web.texts import Texts, msgid

WIDTH, HEIGHT = 480, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 8, 18, 28
_STEP = 50
_SMALLEST_RANGE = 150
_LEAST_GAP = 24
"""Cut-offs that are closer have one label."""
_CURVE = msgid("From %(first)s in %(begin)s to %(last)s in %(end)s.")
_NO_SCORE = msgid("no score")
_AFTERWARDS = msgid("%(score)s, computed afterwards")


@dataclass(frozen=True, slots=True)
class Mark:
    """A month with a score, at its coordinates. `is_reconstructed`: it was computed afterwards."""

    x: float
    y: float
    score: int
    is_reconstructed: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the curve. `points` are the coordinates of its ends and of the months between them. A part that
    `is_reconstructed` begins at a month that was computed afterwards."""

    points: str
    is_reconstructed: bool


@dataclass(frozen=True, slots=True)
class CutOff:
    """The line at which a tier begins. `tier` is "" if there is no space for its label."""

    y: float
    score: int
    tier: str


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A month in the table beside the chart."""

    month: str
    score: str
    tier: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The chart in the person's language. `ticks` are the first and the last month at their coordinates; `description`
    is "" without a score in any month."""

    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    cut_offs: tuple[CutOff, ...]
    ticks: tuple[tuple[float, str, str], ...]
    rows: tuple[MonthRow, ...]
    description: str
    has_reconstructed: bool
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    baseline: int = HEIGHT - _BOTTOM


def draw_chart(texts: Texts, card: Scorecard, months: Sequence[MonthPoint]) -> Chart:
    """The chart of these months, oldest first."""
    scores = [point.score for point in months]
    known = [score for score in scores if score is not None]
    low, high = _find_range(card, known)

    def x_of(index: int) -> float:
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * index / (len(months) - 1), 1)

    def y_of(score: int) -> float:
        return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (high - score) / (high - low), 1)

    marks = {
        index: Mark(x_of(index), y_of(point.score), point.score, point.is_reconstructed)
        for index, point in enumerate(months)
        if point.score is not None
    }
    first, last = texts.month(months[0].start), texts.month(months[-1].start)
    return Chart(
        lines=_lines(marks, len(months)),
        marks=tuple(marks.values()),
        cut_offs=_cut_offs(
            texts, [(y_of(score), score, tier) for score, tier in card.cut_offs if low <= score <= high]
        ),
        ticks=((_LEFT, "start", first), (WIDTH - _RIGHT, "end", last)),
        rows=tuple(_describe_month(texts, point) for point in months),
        description=_describe(texts, months, list(marks), known),
        has_reconstructed=any(each.is_reconstructed for each in marks.values()),
    )


def _find_range(card: Scorecard, known: Sequence[int]) -> tuple[int, int]:
    """The lowest and the highest score of the chart, in steps. Between them is at least one cut-off."""
    cut_offs = [score for score, _ in card.cut_offs]
    worst, best = min(known, default=cut_offs[-1]), max(known, default=cut_offs[0])
    low = min((worst // _STEP - 1) * _STEP, max((each for each in cut_offs if each <= best), default=worst))
    high = max((best // _STEP + 2) * _STEP, min((each for each in cut_offs if each >= worst), default=best))
    low, high = max(low, LOWEST_SCORE), min(high, HIGHEST_SCORE)
    return min(low, high - _SMALLEST_RANGE), max(high, low + _SMALLEST_RANGE)


def _cut_offs(texts: Texts, lines: Sequence[tuple[float, int, Tier]]) -> tuple[CutOff, ...]:
    cut_offs, labelled = list[CutOff](), -float(_LEAST_GAP)
    for y, score, tier in lines:
        has_space = y - labelled >= _LEAST_GAP
        labelled = y if has_space else labelled
        cut_offs.append(CutOff(y, score, texts.gettext(TIERS[tier]) if has_space else ""))
    return tuple(cut_offs)


def _lines(marks: dict[int, Mark], months: int) -> tuple[Line, ...]:
    """The parts of the curve, each between two marks of the same kind. Months without a score are between two parts."""
    pairs = [(marks[index], marks[index + 1]) for index in range(months - 1) if {index, index + 1} <= marks.keys()]
    lines = list[list[Mark]]()
    for begin, end in pairs:
        if lines and lines[-1][-1] is begin and lines[-1][0].is_reconstructed == begin.is_reconstructed:
            lines[-1].append(end)
        else:
            lines.append([begin, end])
    return tuple(Line(" ".join(f"{each.x},{each.y}" for each in line), line[0].is_reconstructed) for line in lines)


def _describe_month(texts: Texts, point: MonthPoint) -> MonthRow:
    month, tier = texts.month(point.start), texts.gettext(TIERS[point.tier])
    if point.score is None:
        return MonthRow(month, texts.gettext(_NO_SCORE), tier)
    score = texts.gettext(_AFTERWARDS, score=point.score) if point.is_reconstructed else str(point.score)
    return MonthRow(month, score, tier)


def _describe(texts: Texts, months: Sequence[MonthPoint], scored: Sequence[int], known: Sequence[int]) -> str:
    if not known:
        return ""
    begin, end = (texts.month(months[index].start) for index in (scored[0], scored[-1]))
    return texts.gettext(_CURVE, first=known[0], begin=begin, last=known[-1], end=end)
