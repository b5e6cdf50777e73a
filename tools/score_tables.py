"""The reference page of the shipped scorecard: its rules and points, and what records do to the personas' scores."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from fractions import Fraction

from gateway.domain.money import Money
from gateway.domain.scoring.card_rules import Fade, Measure
from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.domain.scoring.tier import HIGHEST_SCORE, LOWEST_SCORE, Tier
from gateway.kit.clock import BusinessTime
from gateway.services.identity.persona_records import CATALOGUE, PersonaBlueprint
from gateway.sources.scorecard.card_files import SHIPPED, load_card

Table = Callable[[tuple[str, ...], list[tuple[str, ...]]], str]
CARD = load_card(SHIPPED)
_LARGE = Money(100_000, "CNY")
NOW = BusinessTime(datetime(2026, 11, 15, 12, tzinfo=UTC))
"""A moment in the middle of a month. The scores of new personas are the same at any moment."""
_MEASURES = {
    Measure.KEPT_UNITS: "units",
    Measure.LATE_UNITS: "units, late and broken",
    Measure.BROKEN_UNITS: "units",
    Measure.PARTNERS: "partners",
    Measure.KEPT_MONTHS: "months",
    Measure.ASSESSED_MONTHS: "months of 12",
    Measure.IDENTITY_LEVEL: "1 phone, 2 document, 3 liveness",
    Measure.NOTHING: "reserved",
}


def scorecard_page(table: Table) -> tuple[str, str]:
    """Returns title and body of the page."""
    parts = [
        "[score.md](../score.md) explains these numbers.",
        f"`{CARD.name}`, version `{CARD.version}`, in force from {CARD.effective}. Hash `{CARD.hash}`.",
        *("## Points", _points(table)),
        *("## Units of an obligation", _units(table)),
        *("## Rules", _rules(table)),
        *("## Weight by age", _weights(table)),
        *("## Tiers", _tiers(table)),
        *("## Personas of the sandbox", _personas(table)),
        *("## What further records do", _changes(table)),
    ]
    return "Scorecard", "\n\n".join(parts)


def score_of(records: Iterable[BehaviourRecord], now: BusinessTime = NOW) -> int | None:
    """Returns the score of a person with these records who shares all dimensions."""
    return evaluate(CARD, records, now, frozenset(Dimension)).score


def points_of_one_partner() -> int:
    """Returns the points of a year in which one partner reports a kept rental and a kept payment on each day, and
    nobody else reports anything."""
    january = month_of(NOW) // 12 * 12
    year = [month_start(january + month) for month in range(12)]
    records = [
        _obligation(f"{start}-{dimension}-{day}", RecordKind.KEPT, start.replace(day=day), dimension, "partner")
        for start in year
        for day in range(1, 29)
        for dimension in (Dimension.FULFILMENT, Dimension.CREDIT_HISTORY)
    ]
    return (score_of(records, BusinessTime(year[-1].replace(day=31))) or 0) - CARD.rules.base


def score_after(persona: PersonaBlueprint, amount: Money) -> int | None:
    """Returns the score of a new persona with two further kept obligations of this amount."""
    return score_of(_with(persona, RecordKind.KEPT, amount, count=2))


def _points(table: Table) -> str:
    rows = [
        (
            f"`{each.id}`: {each.name.en}",
            ", ".join(each.dimensions),
            _MEASURES[each.measure],
            _list(each.knots),
            _list(each.points),
        )
        for each in CARD.characteristics
    ]
    head = ("characteristic", "dimensions", "measured in", "at", "points")
    start = f"Everybody has {CARD.rules.base} points. The score is limited to {LOWEST_SCORE}-{HIGHEST_SCORE}."
    return f"{start} Between two values the points are linear, rounded down.\n\n{table(head, rows)}"


def _units(table: Table) -> str:
    rules = CARD.rules
    rows = [
        (currency, *(f"{_units_text(band.units)} from {Money(band.minor, currency).amount}" for band in bands))
        for currency, bands in rules.bands.items()
    ]
    sentence = (
        f"An obligation in another currency, or without an amount, counts {_units_text(rules.smallest_unit)} units. One"
        f" for which the person had paid the deposit counts {_units_text(rules.deposit_share)} of its units."
    )
    width = max(len(row) for row in rows)
    return f"{table(('currency', *('units',) * (width - 1)), rows)}\n\n{sentence}"


def _rules(table: Table) -> str:
    rules = CARD.rules
    rows = [
        (
            "for a score",
            f"{rules.minimum_records} records of finished obligations, the oldest at least"
            f" {rules.minimum_age.days} days old",
        ),
        (
            "kept records that count, of one partner and dimension",
            f"at most {rules.most_a_month} a month and {rules.most_a_year} a calendar year",
        ),
        ("what one partner alone can add in a year", f"at most {points_of_one_partner()} points"),
        ("partners and months with a kept obligation are counted in", f"the last {rules.window} months"),
        ("an assessment counts for", f"{rules.assessment_life} months"),
        ("a held tier is lost at once", f"{rules.drop_at} points below its cut-off"),
        ("a tier is held for at most", f"{rules.longest_hold.days} days"),
        (
            "negative records of a partner are ignored",
            f"if more than {rules.upheld_percent} % of at least {rules.least_disputes} decided disputes were upheld",
        ),
        ("reasons", f"at most {rules.most_reasons}, each of at least {rules.least_points} points"),
    ]
    return table(("rule", "value"), rows)


def _weights(table: Table) -> str:
    rules = CARD.rules
    rows = []
    for name, fade in (("kept", rules.kept_fade), ("late, broken", rules.negative_fade)):
        middle = (fade.full + fade.zero) // 2
        rows.append((name, str(fade.full), f"{_percent(fade, middle)} after {middle}", str(fade.zero)))
    head = ("record", "full weight for, in months", "in between", "no weight after")
    return f"{table(head, rows)}\n\nA broken obligation does not fade before it is written off."


def _tiers(table: Table) -> str:
    names = [each.id for each in CARD.characteristics if any(each.id in points for points in CARD.typical.values())]
    rows = [(Tier.UNSCORED.value, "no score", *("" for _ in names)), (Tier.BUILDING.value, str(LOWEST_SCORE))]
    rows[1] += tuple("" for _ in names)
    for cut_off, tier in reversed(CARD.cut_offs):
        rows.append((tier.value, str(cut_off), *(str(CARD.typical[tier].get(name, 0)) for name in names)))
    return (
        "The points that people of a tier typically have are used for the reasons only.\n\n"
        f"{table(('tier', 'from', *(f'typical `{name}`' for name in names)), rows)}"
    )


def _personas(table: Table) -> str:
    rows = [
        (
            f"`{each.handle}`",
            _score_text(score_of(each.records("persona", NOW))),
            CARD.tier_of(score_of(each.records("persona", NOW))).value,
            each.identity.lower(),
            f"{each.shop_months}, {each.bill_months}",
            f"{each.rentals}, {each.payments}",
            f"{each.partners}, {each.months}",
            f"{each.late}, {each.overdue}",
        )
        for each in CATALOGUE
    ]
    head = (
        *("persona", "score", "tier", "identity", "months with orders, with bills covered"),
        *("kept rentals, payments", "partners, months", "late, overdue"),
    )
    amount = next(CATALOGUE[0].records("persona", NOW)).amount
    assert amount is not None
    return (
        f"Each obligation is {amount.amount} {amount.currency}, of partners outside the sandbox.\n\n{table(head, rows)}"
    )


def _changes(table: Table) -> str:
    amounts = [Money(band.minor, "CNY") for band in CARD.rules.bands["CNY"]]
    rows = [
        (
            f"`{each.handle}`",
            _result(each.records("persona", NOW)),
            *(_result(_with(each, RecordKind.KEPT, amount, count=2)) for amount in amounts),
            _result(_with(each, RecordKind.LATE, amounts[0])),
            _result(_with(each, RecordKind.BROKEN, amounts[0])),
        )
        for each in CATALOGUE
    ]
    kept = tuple(f"two kept, each from {amount.amount} {amount.currency}" for amount in amounts)
    head = ("persona", "new", *kept, "one late", "one broken")
    return f"The further obligations are rentals of one more partner.\n\n{table(head, rows)}"


def _with(persona: PersonaBlueprint, kind: RecordKind, amount: Money, *, count: int = 1) -> Iterator[BehaviourRecord]:
    """The records of a persona, and `count` further ones of a partner that has none of them."""
    yield from persona.records("persona", NOW)
    for number in range(count):
        yield _obligation(f"further-{number}", kind, NOW, Dimension.FULFILMENT, "further", amount)


def _obligation(
    record_id: str,
    kind: RecordKind,
    at: datetime,
    dimension: Dimension,
    partner: str,
    amount: Money = _LARGE,
) -> BehaviourRecord:
    return BehaviourRecord(
        id=record_id, dimension=dimension, kind=kind, partner=partner, at=BusinessTime(at), amount=amount
    )


def _result(records: Iterable[BehaviourRecord]) -> str:
    score = score_of(records)
    return "no score" if score is None else f"{score} {CARD.tier_of(score).value}"


def _score_text(score: int | None) -> str:
    return "none" if score is None else str(score)


def _list(values: Iterable[int]) -> str:
    return ", ".join(map(str, values))


def _units_text(units: Fraction) -> str:
    return f"{float(units):g}"


def _percent(fade: Fade, age: int) -> str:
    return f"{float(fade.weight(age) * 100):g} %"
