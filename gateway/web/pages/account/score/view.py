"""The view of a person's score: the number and its tier, the dimensions, the reasons and the switches."""

from dataclasses import dataclass

from gateway.domain.scoring.record import Dimension
from gateway.domain.scoring.tier import CUT_OFFS, HIGHEST_SCORE, LOWEST_SCORE, Tier
from gateway.services.scoring.person_scores import DimensionPoints, PersonScore, ScorecardView
from gateway.web.site.consent_parts import TIERS
from gateway.web.texts import Texts, msgid

DIMENSIONS = {
    Dimension.CREDIT_HISTORY: msgid("Payments"),
    Dimension.FULFILMENT: msgid("Rentals and stays"),
    Dimension.SHOPPING: msgid("Paid orders"),
    Dimension.FINANCIAL_CAPACITY: msgid("Covered bills"),
    Dimension.IDENTITY: msgid("Identity"),
    Dimension.SOCIAL_RELATIONS: msgid("Social relations"),
}
NOT_USED = (
    (
        msgid("Income and wealth"),
        msgid("The score is about whether you keep agreements, not what you own. Nobody can pay for a better score."),
    ),
    (
        msgid("Friends and contacts"),
        msgid("Your score depends only on what you do yourself, and changes nobody else's score."),
    ),
    (
        msgid("Location and browsing"),
        msgid("Where you are and what you read says nothing about whether you keep an agreement."),
    ),
    (
        msgid("Nationality, gender and health"),
        msgid("Nobody may be treated differently because of them."),
    ),
    (
        msgid("Open requests, inquiries and declines"),
        msgid("The score never falls because a merchant asks about you or declines your request."),
    ),
)
"""What no score uses, each with the reason."""
_HELD = msgid("You keep this tier until %(date)s at the latest, although it begins at %(score)s.")
_NEXT = msgid("The next tier, “%(tier)s”, begins at %(score)s. Points missing: %(points)s.")
_SCALE = msgid("on the scale from %(lowest)s to %(highest)s")
_NEEDED = msgid("A score needs %(records)s completed agreements. The oldest must have ended %(age)s ago or earlier.")
_VERIFY = msgid("First verify an identity document. Then merchants can approve a first small agreement.")
_VERIFIED = msgid("Your identity document is verified, so merchants can approve a first small agreement.")
_SMALL = msgid("At first an agreement can be for up to %(amount)s, and only one can be open at a time.")
_DEPOSIT = msgid("Agreements for which you pay the deposit count too, each with %(percent)s percent of its weight.")
_POINTS = msgid("%(points)s of at most %(possible)s points (%(percent)s percent)")
_UNUSED = msgid("worth 0 points")
_LOST = msgid("%(points)s points lost")
_MISSING = msgid("about %(points)s points fewer than people of the next tier")
_MISSING_AT_BEST = msgid("about %(points)s points fewer than most people of this tier")
_ADDS = msgid("It adds %(points)s points now. Without it your score is %(score)s, “%(tier)s”.")
_ADDS_NOTHING = msgid("It adds no points now.")
_ADDS_WITHOUT_SCORE = msgid("It adds %(points)s points as soon as you have a score.")


@dataclass(frozen=True, slots=True)
class ReasonView:
    """A reason, its advice and the points behind it; each "" without one."""

    text: str
    advice: str
    points: str


@dataclass(frozen=True, slots=True)
class DimensionView:
    """A dimension with its share of the possible points. `value` is for the bar, which cannot be negative."""

    name: str
    points: str
    value: int
    possible: int


@dataclass(frozen=True, slots=True)
class SwitchView:
    """The switch of an optional dimension. `can_choose`: it gives points. `effect` is what it does now, or ""."""

    dimension: Dimension
    is_shared: bool
    can_choose: bool
    effect: str


@dataclass(frozen=True, slots=True)
class ScoreView:
    """The score in the person's language. Sentences that do not apply are "". `beginning` is how to begin with too few
    records, empty for others."""

    score: int | None
    scale: str
    tier: str
    as_of: str
    held: str
    next_tier: str
    is_blocked_here: bool
    is_blocked_elsewhere: bool
    beginning: tuple[str, ...]
    reasons: tuple[ReasonView, ...]


def describe_score(texts: Texts, person: PersonScore) -> ScoreView:
    """The score, its tier and its reasons."""
    measurement = person.measurement
    return ScoreView(
        score=measurement.score,
        scale=texts.gettext(_SCALE, lowest=LOWEST_SCORE, highest=HIGHEST_SCORE),
        tier=texts.gettext(TIERS[measurement.tier]),
        as_of=texts.date(measurement.as_of),
        held=_describe_held(texts, person),
        next_tier=_describe_next(texts, person),
        is_blocked_here=person.open_here > 0,
        is_blocked_elsewhere=person.is_blocked_elsewhere,
        beginning=_describe_beginning(texts, person),
        reasons=_describe_reasons(texts, person),
    )


def describe_dimensions(texts: Texts, view: ScorecardView) -> tuple[DimensionView, ...]:
    """Each dimension with its points."""
    return tuple(
        DimensionView(
            name=texts.gettext(DIMENSIONS[each.dimension]),
            points=_describe_points(texts, each),
            value=max(each.points, 0),
            possible=each.possible,
        )
        for each in view.dimensions
    )


def describe_switches(texts: Texts, view: ScorecardView) -> dict[Dimension, SwitchView]:
    """The switch of each optional dimension."""
    return {
        each.dimension: SwitchView(each.dimension, each.is_shared, bool(each.possible), _describe_effect(texts, each))
        for each in view.dimensions
        if each.is_shared is not None
    }


def _describe_held(texts: Texts, person: PersonScore) -> str:
    until, view = person.measurement.held_until, person.scorecard
    if until is None or view is None:
        return ""
    return texts.gettext(_HELD, date=texts.date(until), score=view.card.cut_off(person.measurement.tier))


def _describe_next(texts: Texts, person: PersonScore) -> str:
    score, tier, view = person.measurement.score, person.next_tier, person.scorecard
    if score is None or tier is None:
        return ""
    cut_off = view.card.cut_off(tier) if view else _cut_off(tier)
    return texts.gettext(_NEXT, tier=texts.gettext(TIERS[tier]), score=cut_off, points=max(cut_off - score, 0))


def _cut_off(tier: Tier) -> int:
    """The lowest score of a tier with a score source that has no card."""
    return next(score for score, each in CUT_OFFS if each is tier)


def _describe_beginning(texts: Texts, person: PersonScore) -> tuple[str, ...]:
    """How a person with too few records gets a first agreement, and a score. What is overdue must be settled first."""
    sentences, view = list[str](), person.scorecard
    if person.starter_limits and not person.is_blocked:
        limits = texts.comma.join(map(texts.money, person.starter_limits))
        sentences.append(texts.gettext(_VERIFIED if person.measurement.has_document else _VERIFY))
        sentences.append(texts.gettext(_SMALL, amount=limits))
    if view is not None and person.measurement.score is None:
        rules = view.card.rules
        needed = texts.gettext(_NEEDED, records=rules.minimum_records, age=texts.length(rules.minimum_age))
        deposit = texts.gettext(_DEPOSIT, percent=int(rules.deposit_share * 100))
        sentences = [needed, *sentences, deposit]
    return tuple(sentences)


def _describe_reasons(texts: Texts, person: PersonScore) -> tuple[ReasonView, ...]:
    negative = set()
    if person.scorecard is not None:
        negative = {each.id.upper() for each in person.scorecard.card.characteristics if each.is_negative}

    def describe(code: str, points: int | None) -> str:
        if not points:
            return ""
        missing = _MISSING if person.next_tier else _MISSING_AT_BEST
        return texts.gettext(_LOST if code in negative else missing, points=points)

    return tuple(
        ReasonView(
            text=each.text.text(texts.language),
            advice=each.advice.text(texts.language) if each.advice else "",
            points=describe(each.code, each.points),
        )
        for each in person.reasons
    )


def _describe_points(texts: Texts, each: DimensionPoints) -> str:
    if not each.possible:
        return texts.gettext(_UNUSED)
    percent = max(each.points, 0) * 100 // each.possible
    return texts.gettext(_POINTS, points=each.points, possible=each.possible, percent=percent)


def _describe_effect(texts: Texts, each: DimensionPoints) -> str:
    without = each.without
    if without is None or not each.possible:
        return ""
    if not each.points:
        return texts.gettext(_ADDS_NOTHING)
    if without.score is None:
        return texts.gettext(_ADDS_WITHOUT_SCORE, points=each.points)
    tier = texts.gettext(TIERS[without.tier])
    return texts.gettext(_ADDS, points=each.points, score=without.score, tier=tier)
