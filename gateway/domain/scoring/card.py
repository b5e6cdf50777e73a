"""The scorecard: how many points a person's behaviour records are worth. It is data, read from a scorecard.toml.

Each characteristic measures one thing in the records, such as the units of kept rentals, and has points at some values
(its knots). Between two knots the points are linear, rounded down. The score is the base plus all points.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

from gateway.domain.currency import EXPONENTS
from gateway.domain.errors import Misconfigured
from gateway.domain.scoring.record import IDENTITY_KINDS, BehaviourRecord, Dimension, RecordKind
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, CutOffs, Tier, tier_of
from gateway.domain.text import Texts


class Measure(StrEnum):
    """What a characteristic measures. KEPT_UNITS, LATE_UNITS, BROKEN_UNITS: the units of records; a broken obligation
    counts as late too. PARTNERS: partners with a kept obligation in the card's window. KEPT_MONTHS: months of the
    window with one. ASSESSED_MONTHS: the newest assessment, of 12 months. IDENTITY_LEVEL: 0 to 3. NOTHING: always
    zero, for a dimension that is reserved."""

    KEPT_UNITS = "KEPT_UNITS"
    PARTNERS = "PARTNERS"
    KEPT_MONTHS = "KEPT_MONTHS"
    LATE_UNITS = "LATE_UNITS"
    BROKEN_UNITS = "BROKEN_UNITS"
    ASSESSED_MONTHS = "ASSESSED_MONTHS"
    IDENTITY_LEVEL = "IDENTITY_LEVEL"
    NOTHING = "NOTHING"


NEGATIVE_MEASURES = frozenset({Measure.LATE_UNITS, Measure.BROKEN_UNITS})


@dataclass(frozen=True, slots=True)
class Characteristic:
    """One characteristic. `knots` are values of the measure from 0 on, `points` the points at each; a larger value has
    the points of the last knot. `name`, `reason`, `absent` and `advice` are texts for the person: `reason` says why
    points are missing or lost, `absent` the same for a person without any such record."""

    id: str
    measure: Measure
    dimensions: tuple[Dimension, ...]
    knots: tuple[int, ...]
    points: tuple[int, ...]
    name: Texts
    reason: Texts
    absent: Texts
    advice: Texts

    @property
    def is_negative(self) -> bool:
        """Whether its points are losses."""
        return self.measure in NEGATIVE_MEASURES

    def points_at(self, value: int, scale: int) -> int:
        """Returns the points of a value that is given in parts of 1/`scale`, rounded down."""
        knots, points = self.knots, self.points
        for index in range(1, len(knots)):
            if value < knots[index] * scale:
                low, base = knots[index - 1] * scale, points[index - 1]
                return base + (points[index] - base) * (value - low) // (knots[index] * scale - low)
        return points[-1]


@dataclass(frozen=True, slots=True)
class Fade:
    """How a record loses weight, in whole months since its time: it has full weight until `full`, then less each month,
    and none from `zero` on."""

    full: int
    zero: int

    def weight(self, age: int) -> Fraction:
        """Returns the weight at this age in months, from 1 to 0."""
        if age <= self.full:
            return Fraction(1)
        return max(Fraction(self.zero - age, self.zero - self.full), Fraction(0))


@dataclass(frozen=True, slots=True)
class UnitBand:
    """Obligations of at least `minor` minor units are worth `units`."""

    minor: int
    units: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRules:
    """The rules of a card besides its characteristics.

    `base` are everybody's points. `minimum_records` finished records, of which the oldest is at least `minimum_age`
    old, are needed for a score. `bands` are by currency, largest amount first; an obligation in another currency, or
    without an amount, is worth `smallest_unit`. `deposit_share` is the part of a unit for an obligation with a paid
    deposit. At most `most_a_month` and `most_a_year` kept records of one partner and dimension count. `window` is the
    length, in months, for partners and months; `assessment_life` that of an assessment. `drop_at`: so many points below
    the cut-off a held tier is lost at once. `longest_hold`: how long a tier is held at most. A partner's negative
    records are ignored while more than `upheld_percent` of at least `least_disputes` decided disputes with it were
    upheld.
    """

    base: int
    minimum_records: int
    minimum_age: timedelta
    bands: Mapping[str, tuple[UnitBand, ...]]
    smallest_unit: Fraction
    deposit_share: Fraction
    most_a_month: int
    most_a_year: int
    window: int
    assessment_life: int
    kept_fade: Fade
    negative_fade: Fade
    drop_at: int
    longest_hold: timedelta
    upheld_percent: int
    least_disputes: int
    most_reasons: int
    least_points: int

    def ignores_partner(self, upheld: int, decided: int) -> bool:
        """Returns whether a partner's negative records do not count, because too many disputes with it were upheld."""
        return decided >= self.least_disputes and upheld * 100 > decided * self.upheld_percent


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
        ages = range(fade.zero)
        return tuple(tuple(int(unit * share * fade.weight(age) * self.scale) for unit in self._units) for age in ages)

    def _check(self) -> None:
        rules = self.rules
        if not (self.name and self.version):
            raise self.error("scorecard and version must be words")
        if type(self.effective) is not date:  # a datetime is a date too
            raise self.error("effective must be a date")
        for unit in (rules.minimum_records, rules.most_a_month, rules.most_a_year, rules.window, rules.most_reasons):
            if unit < 1:
                raise self.error("minimum, caps, window and reasons must be at least 1")
        for fade in (rules.kept_fade, rules.negative_fade):
            if not 0 <= fade.full < fade.zero:
                raise self.error("a fade must end after it begins")
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
