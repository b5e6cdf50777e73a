"""Evaluates a person's behaviour records by a scorecard. Pure, and independent of the order of the records."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.card_rules import Characteristic, Measure
from gateway.domain.scoring.record import (
    FINISHED_KINDS,
    IDENTITY_KINDS,
    KEPT_KINDS,
    OPTIONAL_DIMENSIONS,
    BehaviourRecord,
    Dimension,
    RecordKind,
    month_of,
)
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE


@dataclass(frozen=True, slots=True)
class Measured:
    """The value of one characteristic, in parts of 1/`scale` of the card, and its points. `by_dimension` has the points
    of each dimension of the characteristic."""

    characteristic: Characteristic
    value: int
    points: int
    by_dimension: Mapping[Dimension, int]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The score of a person at one moment, None without enough records, and how it was computed.

    `finished` is the number of records of finished obligations, `oldest_at` the time of the oldest. `open_overdue` is
    the number of open obligations elsewhere that are overdue or broken. `identity` is the level of identity, 0 to 3.
    """

    score: int | None
    measured: tuple[Measured, ...]
    finished: int
    oldest_at: datetime | None
    open_overdue: int
    identity: int

    @property
    def has_document(self) -> bool:
        """Whether an identity document was verified."""
        return self.identity > IDENTITY_KINDS.index(RecordKind.DOCUMENT)

    @property
    def dimension_points(self) -> Mapping[Dimension, int]:
        """The points of each dimension. Together with the base they are the score, unless that is limited to 350."""
        totals = dict.fromkeys(Dimension, 0)
        for each in self.measured:
            for dimension, points in each.by_dimension.items():
                totals[dimension] += points
        return totals


class _Facts:
    """What the characteristics measure, collected in one pass over the records. Units are in parts of 1/`scale`."""

    def __init__(
        self,
        card: Scorecard,
        records: Iterable[BehaviourRecord],
        now: datetime,
        shared: Collection[Dimension],
        ignored_partners: Collection[str],
    ) -> None:
        rules, this_month = card.rules, month_of(now)
        self.finished, self.open_overdue, self.identity = 0, 0, 0
        self.oldest_at: datetime | None = None
        self.partners: set[str] = set()
        self.kept_months: set[int] = set()
        self.units: dict[tuple[Measure, Dimension], int] = {}
        self._kept: dict[tuple[str, Dimension, int], dict[int, list[int]]] = {}
        assessments: dict[Dimension, tuple[datetime, int]] = {}
        for record in records:
            if not record.counts_at(now):
                continue
            kind, age = record.kind, this_month - record.month
            if kind in FINISHED_KINDS:
                if kind in KEPT_KINDS:
                    if age >= rules.kept_fade.zero:
                        continue
                    self._add_kept(card, record, age)
                elif record.partner in ignored_partners or not self._add_negative(card, record, this_month):
                    continue
                elif kind is RecordKind.BROKEN and record.ended_at is None and not record.is_own:
                    self.open_overdue += 1  # policies count breaches of this deployment by its decisions
                self.finished += 1
                if self.oldest_at is None or record.at < self.oldest_at:
                    self.oldest_at = record.at
            elif kind is RecordKind.MONTHS:
                newest = assessments.get(record.dimension)
                assessed = (record.at, record.months or 0)
                if age < rules.assessment_life and (newest is None or assessed > newest):
                    assessments[record.dimension] = assessed
            elif kind is RecordKind.OVERDUE:
                self.open_overdue += 1
            else:
                self.identity = max(self.identity, IDENTITY_KINDS.index(kind) + 1)
        self.months = {
            dimension: months
            for dimension, (_, months) in assessments.items()
            if dimension not in OPTIONAL_DIMENSIONS or dimension in shared
        }
        for (_, dimension, _), by_month in self._kept.items():
            self._add(Measure.KEPT_UNITS, dimension, _capped(by_month, rules.most_a_month, rules.most_a_year))

    def _add_kept(self, card: Scorecard, record: BehaviourRecord, age: int) -> None:
        if age < card.rules.window:
            self.partners.add(record.partner)
            self.kept_months.add(record.month)
        year = self._kept.setdefault((record.partner, record.dimension, record.month // 12), {})
        year.setdefault(record.month, []).append(card.weight(record, age))

    def _add_negative(self, card: Scorecard, record: BehaviourRecord, this_month: int) -> bool:
        """Adds the units of a late or broken obligation. Returns False if it has faded away. A broken one does not
        fade before it is written off."""
        since = record.ended_at if record.kind is RecordKind.BROKEN else record.at
        units = card.weight(record, 0 if since is None else max(this_month - month_of(since), 0))
        self._add(Measure.LATE_UNITS, record.dimension, units)
        if record.kind is RecordKind.BROKEN:
            self._add(Measure.BROKEN_UNITS, record.dimension, units)
        return units > 0

    def _add(self, measure: Measure, dimension: Dimension, units: int) -> None:
        self.units[measure, dimension] = self.units.get((measure, dimension), 0) + units


def _capped(by_month: Mapping[int, list[int]], most_a_month: int, most_a_year: int) -> int:
    """Returns the largest sum of weights of one year that the caps allow. Taking the largest first is best, because a
    month is a part of a year. Any other choice could let a further kept obligation lower the score."""
    allowed: list[int] = []
    for weights in by_month.values():
        allowed += sorted(weights, reverse=True)[:most_a_month] if len(weights) > most_a_month else weights
    if len(allowed) > most_a_year:
        allowed = sorted(allowed, reverse=True)[:most_a_year]
    return sum(allowed)


def evaluate(
    card: Scorecard,
    records: Iterable[BehaviourRecord],
    now: datetime,
    shared: Collection[Dimension] = (),
    ignored_partners: Collection[str] = (),
) -> Evaluation:
    """Returns the score of these records at `now` (business time). `shared` are the optional dimensions that the person
    has chosen to share. Late and broken records of `ignored_partners` do not count."""
    facts = _Facts(card, records, now, shared, ignored_partners)
    measured = tuple(_measure(card, each, facts) for each in card.characteristics)
    rules = card.rules
    is_scored = facts.finished >= rules.minimum_records and now - (facts.oldest_at or now) >= rules.minimum_age
    total = rules.base + sum(each.points for each in measured)
    return Evaluation(
        min(max(total, LOWEST_SCORE), HIGHEST_SCORE) if is_scored else None,
        measured,
        facts.finished,
        facts.oldest_at,
        facts.open_overdue,
        facts.identity,
    )


def _measure(card: Scorecard, characteristic: Characteristic, facts: _Facts) -> Measured:
    measure, scale = characteristic.measure, card.scale
    dimensions = characteristic.dimensions
    parts: dict[Dimension, int] = {}
    match measure:
        case Measure.KEPT_UNITS | Measure.LATE_UNITS | Measure.BROKEN_UNITS:
            parts = {each: facts.units.get((measure, each), 0) for each in dimensions}
            value = sum(parts.values())
        case Measure.PARTNERS:
            value = len(facts.partners) * scale
        case Measure.KEPT_MONTHS:
            value = len(facts.kept_months) * scale
        case Measure.ASSESSED_MONTHS:
            value = max(facts.months.get(each, 0) for each in dimensions) * scale
        case Measure.IDENTITY_LEVEL:
            value = facts.identity * scale
        case Measure.NOTHING:
            value = 0
    points = characteristic.points_at(value, scale)
    return Measured(characteristic, value, points, _divide(points, dimensions, parts))


def _divide(points: int, dimensions: tuple[Dimension, ...], parts: Mapping[Dimension, int]) -> Mapping[Dimension, int]:
    """Returns the points of each dimension, in proportion to its part of the value. All of them are the first
    dimension's if the value has no parts."""
    total = sum(parts.values())
    if len(dimensions) == 1 or not total:
        return {dimensions[0]: points}
    divided, rest = {}, points
    for dimension in dimensions[1:]:
        divided[dimension] = (
            points * parts[dimension] // total if points > 0 else -(-points * parts[dimension] // total)
        )
        rest -= divided[dimension]
    return {dimensions[0]: rest, **divided}
