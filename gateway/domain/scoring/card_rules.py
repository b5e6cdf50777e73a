"""The parts of a scorecard: its characteristics, and its rules besides them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fractions import Fraction

from gateway.domain.scoring.record import Dimension, RecordKind
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
MEASURED_KINDS = {
    Measure.KEPT_UNITS: RecordKind.KEPT,
    Measure.PARTNERS: RecordKind.KEPT,
    Measure.KEPT_MONTHS: RecordKind.KEPT,
    Measure.LATE_UNITS: RecordKind.LATE,
    Measure.BROKEN_UNITS: RecordKind.BROKEN,
    Measure.ASSESSED_MONTHS: RecordKind.MONTHS,
    Measure.IDENTITY_LEVEL: RecordKind.PHONE,
}
"""A kind of record that each measure needs. NOTHING needs none."""


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
