"""Property: the tier does not depend on when a score is read. Each month's start, each record and each version of the
card is computed in order, also if the first read comes years later."""

import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, Cause, ScoreState, compute_states, next_due
from gateway.domain.scoring.record import (
    NEGATIVE_KINDS,
    BehaviourRecord,
    Dimension,
    RecordKind,
    month_of,
    month_start,
)
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.sources.scorecard.card_files import SHIPPED, read_card
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import record

TEXT = SHIPPED.read_text(encoding="utf-8")
DAY = timedelta(days=1)
ALL = frozenset(Dimension)
KINDS = (*[RecordKind.KEPT] * 5, *sorted(NEGATIVE_KINDS))
DIMENSIONS = (Dimension.FULFILMENT, Dimension.CREDIT_HISTORY)
Reads = Callable[[BusinessTime], bool]


def cards_of(generator: random.Random) -> CardVersions:
    """The shipped card, followed by a version with other cut-offs on some day."""
    effective = (NOON + generator.randint(1, 300) * DAY).date()
    if generator.random() < 0.5:
        effective = effective.replace(day=1)
    changed = TEXT.replace("effective = 2026-11-01", f"effective = {max(effective, (NOON + DAY).date())}")
    changed = changed.replace('version = "2026-11-29"', 'version = "next"')
    for tier, score in (("FAIR", 550), ("GOOD", 600), ("VERY_GOOD", 650), ("EXCELLENT", 700)):
        changed = changed.replace(f"\n{tier} = {score}\n", f"\n{tier} = {score - generator.randint(0, 9)}\n")
    return CardVersions([read_card(TEXT, "first"), read_card(changed, "next")])


def some_record(generator: random.Random, at: BusinessTime, kind: RecordKind) -> BehaviourRecord:
    window = BusinessTime(at + 14 * DAY) if at > NOON and kind in NEGATIVE_KINDS else None
    partner, dimension = f"p{generator.randint(0, 6)}", generator.choice(DIMENSIONS)
    return record(kind, at=at, partner=partner, dimension=dimension, counts_from=window)


class Person:
    """A person with records that age, and some that are added until `until`."""

    def __init__(self, seed: int) -> None:
        generator = random.Random(seed)
        self.cards, self.until = cards_of(generator), BusinessTime(NOON + generator.randint(60, 700) * DAY)
        self.records = [
            some_record(generator, BusinessTime(NOON - generator.randint(0, 1_500) * DAY), RecordKind.KEPT)
            for _ in range(generator.randint(8, 40))
        ]
        self.records += [
            record(
                RecordKind.MONTHS,
                at=BusinessTime(NOON - generator.randint(0, 700) * DAY),
                dimension=dimension,
                months=generator.randint(0, 12),
                amount=None,
            )
            for dimension in (Dimension.SHOPPING, Dimension.FINANCIAL_CAPACITY)
        ]
        self.added = sorted(
            (
                some_record(
                    generator, BusinessTime(NOON + generator.random() * (self.until - NOON)), generator.choice(KINDS)
                )
                for _ in range(generator.randint(0, 6))
            ),
            key=lambda each: each.at,
        )

    def known_at(self, now: BusinessTime) -> Behaviour:
        return Behaviour(records=[*self.records, *(each for each in self.added if each.at <= now)], shared=ALL)

    def moments(self) -> list[BusinessTime]:
        """All moments at which something can change, and some more."""
        moments = {BusinessTime(NOON + days * DAY) for days in range(0, (self.until - NOON).days, 9)}
        moments |= {month_start(month) for month in range(month_of(NOON) + 1, month_of(self.until) + 1)}
        moments |= {moment for each in self.added for moment in (each.at, each.counts_from) if moment}
        moments |= set(self.cards.changes_between(NOON, self.until))
        return [*sorted(each for each in moments if NOON < each < self.until), self.until]

    def states(self, is_read: Reads) -> list[ScoreState]:
        """All computations, if the score is read at these moments and at the end."""
        states = list(compute_states(self.cards, self.known_at(NOON), None, NOON, None))
        due, pending, waiting = next_due(self.cards, self.known_at(NOON), NOON, states[-1]), None, list(self.added)
        for now in self.moments():
            while waiting and waiting[0].at <= now:  # as `OutcomeRepository` marks scores as due
                added = waiting.pop(0)
                pending = Cause.RECORD if added.counts_from is None else pending
                due = min(due, added.counts_from or added.at)
            if due <= now and (is_read(now) or now == self.until):
                known = self.known_at(now)
                states += compute_states(self.cards, known, states[-1], now, pending, due if pending else None)
                due, pending = next_due(self.cards, known, now, states[-1]), None
        return states


def result(states: list[ScoreState]) -> tuple[int | None, Tier, BusinessTime | None, str]:
    last = states[-1]
    return last.score, last.tier, last.held_until, last.card


@pytest.mark.parametrize("first", range(0, 120, 20))
def test_tier_does_not_depend_on_when_the_score_is_read(first: int) -> None:
    held = 0
    for seed in range(first, first + 20):
        person = Person(seed)
        always = person.states(lambda _: True)
        assert result(person.states(lambda _: False)) == result(always), seed
        some = set(random.Random(seed).choices(person.moments(), k=5))
        assert result(person.states(some.__contains__)) == result(always), seed
        held += any(state.held_until is not None for state in always)
    assert held, "some of the persons must have had a held tier"
