"""The months of a person's score: from the stored history, and before it from the records about the person."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.history import ScoreState
from gateway.domain.scoring.record import month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.domain.scoring.what_if import Situation
from gateway.kit.clock import BusinessTime
from gateway.store.unit import UnitOfWork

MONTHS = 12
"""The number of months of the history that a person sees."""
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class MonthPoint:
    """The last score and tier in a month, or those of an earlier one if there was no computation in it. A point that
    `is_reconstructed` is before the first computation: it was computed now, by the card in force, from the records that
    are known now."""

    start: BusinessTime
    score: int | None
    tier: Tier
    is_reconstructed: bool = False


def load_months(unit: UnitOfWork, user_id: str, situation: Situation) -> tuple[MonthPoint, ...]:
    """Returns the last twelve months of the person, oldest first."""
    this_month = month_of(situation.now)
    first = this_month - MONTHS + 1
    last = unit.scores.load_before(user_id, month_start(first))
    by_month = {month_of(state.as_of): state for state in unit.scores.list_since(user_id, month_start(first))}
    by_month[this_month] = situation.present
    return tuple(_points(situation, first, last, by_month))


def _points(
    situation: Situation, first: int, last: ScoreState | None, by_month: dict[int, ScoreState]
) -> Iterator[MonthPoint]:
    for month in range(first, month_of(situation.now) + 1):
        last = by_month.get(month, last)
        if last is None:
            yield _reconstruct(situation, month)
        else:
            yield MonthPoint(month_start(month), last.score, last.tier)


def _reconstruct(situation: Situation, month: int) -> MonthPoint:
    card, behaviour = situation.cards.at(situation.now), situation.behaviour
    end = BusinessTime(month_start(month + 1) - _INSTANT)
    score = evaluate(card, behaviour.records, end, behaviour.shared, behaviour.ignored_partners).score
    return MonthPoint(month_start(month), score, card.tier_of(score), is_reconstructed=True)
