"""The scorecard: how many points a person's behaviour records are worth. It is data, read from a scorecard.toml.

Each characteristic measures one thing in the records, such as the units of kept rentals, and has points at some values
(its knots). Between two knots the points are linear, rounded down. The score is the base plus all points.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import Misconfigured
from gateway.domain.scoring.card_rules import MEASURED_KINDS, CardRules, Characteristic, Fade, Measure
from gateway.domain.scoring.record import IDENTITY_KINDS, KINDS_OF, BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, CutOffs, Tier, tier_of

MOST_REASONS = 4
"""A score has at most so many reasons. Decisions keep them."""

MOST_SOCIAL_POINTS = 10
"""The most points for social relations, if a card ever uses them."""

LONGEST_FADE = 1_200
"""The most months for which a record can have weight."""


class Scorecard:
    """One version of a card. Raises Misconfigured if a rule of it is wrong: its points must reach exactly from 350 to
    950, and must not fall with a better value. `hash` is SHA-256 hex over its canonical content."""

    def __init__(
        self,
        *,
        name: str,
        version: str,
        effective: date,
        rules: CardRules,
        cut_offs: CutOffs,
        characteristics: Sequence[Characteristic],
        typical: Mapping[Tier, Mapping[str, int]],
        document: Mapping[str, Any],
        source: str,
    ) -> None:
        self.name, self.version, self.effective = name, version, effective
        self.rules, self.cut_offs, self.source = rules, tuple(cut_offs), source
        self.characteristics = tuple(characteristics)
        self.typical = typical
        self.hash = hashlib.sha256(_canonical(document)).hexdigest()
        self._check()
        self._units = sorted({rules.smallest_unit, *(band.units for each in rules.bands.values() for band in each)})
        self._bands = {
            currency: tuple((band.minor, self._units.index(band.units)) for band in bands)
            for currency, bands in rules.bands.items()
        }
        self._smallest = self._units.index(rules.smallest_unit)
        self.scale = self._common_denominator()
        self._weights = {
            RecordKind.KEPT: self._weights_by_age(rules.kept_fade, Fraction(1)),
            RecordKind.KEPT_WITH_DEPOSIT: self._weights_by_age(rules.kept_fade, rules.deposit_share),
            RecordKind.LATE: self._weights_by_age(rules.negative_fade, Fraction(1)),
            RecordKind.BROKEN: self._weights_by_age(rules.negative_fade, Fraction(1)),
        }

    def tier_of(self, score: int | None) -> Tier:
        """Returns the tier of a score by the card's cut-offs, UNSCORED for None."""
        return tier_of(score, self.cut_offs)

    def cut_off(self, tier: Tier) -> int:
        """Returns the lowest score of a tier above UNSCORED."""
        return next((score for score, each in self.cut_offs if each is tier), LOWEST_SCORE)

    def next_tier(self, tier: Tier) -> Tier | None:
        """Returns the next better tier, None for the best. The one above UNSCORED is the lowest with a cut-off."""
        better = [each for _, each in self.cut_offs if each.rank > tier.rank]
        return better[-1] if better else None

    def weight(self, record: BehaviourRecord, age: int) -> int:
        """Returns the units of a record of a finished obligation at an age in months, in parts of 1/`scale`."""
        weights = self._weights[record.kind]
        return weights[age][self._band(record)] if age < len(weights) else 0

    def _band(self, record: BehaviourRecord) -> int:
        amount = record.amount
        if amount is not None:
            for minor, index in self._bands.get(amount.currency, ()):
                if amount.minor >= minor:
                    return index
        return self._smallest

    def _common_denominator(self) -> int:
        rules = self.rules
        units = lcm(*((unit * share).denominator for unit in self._units for share in (1, rules.deposit_share)))
        return units * lcm(*(fade.zero - fade.full for fade in (rules.kept_fade, rules.negative_fade)))

    def _weights_by_age(self, fade: Fade, share: Fraction) -> tuple[tuple[int, ...], ...]:
        """The weight of each unit by age in months, in parts of 1/`scale`."""
        length = fade.zero - fade.full
        parts = [int(unit * share * self.scale / length) for unit in self._units]  # exact, by the choice of `scale`
        months = (min(fade.zero - age, length) for age in range(fade.zero))
        return tuple(tuple(part * each for part in parts) for each in months)

    def _check(self) -> None:
        rules = self.rules
        if not (self.name and self.version):
            raise self.error("scorecard and version must be words")
        if type(self.effective) is not date:  # a datetime is a date too
            raise self.error("effective must be a date")
        counts = (rules.minimum_records, rules.most_a_month, rules.most_a_year, rules.window, rules.assessment_life)
        if min(*counts, rules.drop_at, rules.least_disputes, rules.most_reasons, rules.least_points) < 1:
            raise self.error(
                "minimum, caps, window, assessment_life, drop_at, at_least, most and least_points must be at least 1"
            )
        if rules.most_reasons > MOST_REASONS:
            raise self.error(f"reasons.most must be at most {MOST_REASONS}")
        if not rules.longest_hold:
            raise self.error("hold.longest must be longer than zero")
        for fade in (rules.kept_fade, rules.negative_fade):
            if not 0 <= fade.full < fade.zero:
                raise self.error("a fade must end after it begins")
            if fade.zero > LONGEST_FADE:
                raise self.error(f"a fade must end within {LONGEST_FADE} months")
        if not 0 < rules.deposit_share <= 1 or not 0 <= rules.upheld_percent <= 100:
            raise self.error("deposit_share and upheld_percent are parts of a whole")
        self._check_bands()
        self._check_cut_offs()
        ids = [each.id for each in self.characteristics]
        if len(set(ids)) != len(ids):
            raise self.error("two characteristics have the same id")
        for each in self.characteristics:
            self._check_characteristic(each)
        highest = rules.base + sum(max(each.points) for each in self.characteristics)
        lowest = rules.base + sum(min(each.points) for each in self.characteristics)
        if highest != HIGHEST_SCORE or lowest > LOWEST_SCORE:
            raise self.error(
                f"its points reach from {lowest} to {highest}; they must reach {HIGHEST_SCORE} exactly, and"
                f" {LOWEST_SCORE} or less"
            )
        self._check_typical()

    def _check_bands(self) -> None:
        for currency, bands in self.rules.bands.items():
            if currency not in EXPONENTS:
                raise self.error(f"unknown currency {currency}")
            grows = all(
                larger.minor > smaller.minor and larger.units >= smaller.units for larger, smaller in pairwise(bands)
            )
            if not bands or bands[-1].minor != 0 or not grows or any(band.units <= 0 for band in bands):
                raise self.error(f"the units of {currency} must begin at zero and grow with the amount")
            if bands[-1].units < self.rules.smallest_unit:
                raise self.error(f"a unit of {currency} is below the smallest one")
        if self.rules.smallest_unit <= 0:
            raise self.error("the smallest unit must be above zero")

    def _check_cut_offs(self) -> None:
        tiers = [tier for _, tier in self.cut_offs]
        scores = [score for score, _ in self.cut_offs]
        expected = [tier for tier in reversed(Tier) if tier.rank > Tier.BUILDING.rank]
        if set(tiers) != set(expected):
            raise self.error("tiers must have a cut-off for each tier from FAIR to EXCELLENT")
        grows = tiers == expected and scores == sorted(set(scores), reverse=True)
        if not grows or not LOWEST_SCORE < scores[-1] <= scores[0] <= HIGHEST_SCORE:
            raise self.error("the cut-offs must grow with the tier, within the scale")

    def _check_characteristic(self, each: Characteristic) -> None:
        knots, points = each.knots, each.points
        if len(knots) != len(points) or not knots or knots[0] != 0 or list(knots) != sorted(set(knots)):
            raise self.error("knots must begin at 0 and grow, with one number of points each", each.id)
        rising = list(points) == sorted(points)
        falling = list(points) == sorted(points, reverse=True)
        if points[0] != 0 or not (falling if each.is_negative else rising):
            raise self.error("points must begin at 0, and must not fall with a better value", each.id)
        if each.measure is Measure.IDENTITY_LEVEL and len(knots) != len(IDENTITY_KINDS) + 1:
            raise self.error("identity has one knot for each level", each.id)
        if not each.dimensions:
            raise self.error("has no dimension", each.id)
        if len(set(each.dimensions)) < len(each.dimensions):
            raise self.error("has a dimension twice", each.id)
        kind = MEASURED_KINDS.get(each.measure)
        for dimension in each.dimensions:
            if kind is not None and kind not in KINDS_OF[dimension]:
                raise self.error(f"{dimension} has no records for {each.measure}", each.id)
            if dimension is Dimension.SOCIAL_RELATIONS and points[-1] > MOST_SOCIAL_POINTS:
                raise self.error(f"{dimension} can give at most {MOST_SOCIAL_POINTS} points", each.id)
        highest = self._highest_value(each.measure)
        if highest is not None and knots[-1] > highest:
            raise self.error(f"no value is above {highest}", each.id)

    def _highest_value(self, measure: Measure) -> int | None:
        """The highest value of a measure, None if it has no limit."""
        limits = {Measure.ASSESSED_MONTHS: 12, Measure.KEPT_MONTHS: self.rules.window, Measure.NOTHING: 0}
        return limits.get(measure)

    def _check_typical(self) -> None:
        if self.typical.keys() != {tier for _, tier in self.cut_offs}:
            raise self.error("typical points are needed for each tier from FAIR to EXCELLENT")
        known = {each.id: each for each in self.characteristics}
        for tier, points in self.typical.items():
            for name, value in points.items():
                if name not in known or not min(known[name].points) <= value <= max(known[name].points):
                    raise self.error(f"the typical points of {tier} are not points of a characteristic", name)
            if self.rules.base + sum(points.values()) < self.cut_off(tier):
                raise self.error(f"the typical points of {tier} do not reach its cut-off")

    def error(self, why: str, characteristic: str | None = None) -> Misconfigured:
        """Returns the error for a fault of this card."""
        return card_error(self.source, why, characteristic)


def card_error(source: str, why: str, characteristic: str | None = None) -> Misconfigured:
    """Returns the error for a fault in the card of a file, and in one of its characteristics if there is one."""
    place = f", characteristic {characteristic}" if characteristic else ""
    return Misconfigured(f"{source}{place}: {why}")


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()
