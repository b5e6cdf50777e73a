"""The history of a person's score: one state for each evaluation, and the rules by which a tier is held.

A tier rises at once. It falls at once if a record lowers the score, or if the score is far below the cut-off. If the
score ages below the cut-off, the tier is held until the next month's start, and lost if the score is still below then.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from operator import itemgetter

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.reasons import ScoreReason, find_reasons
from gateway.domain.scoring.record import (
    FINISHED_KINDS,
    NEGATIVE_KINDS,
    BehaviourRecord,
    Dimension,
    month_of,
    month_start,
)
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime


class Cause(StrEnum):
    """Why a score was computed. FIRST: there was none. MONTH: a month began. RECORD: a record was added or changed.
    NEGATIVE: a late or broken obligation began to count. CORRECTION: a record that had counted was contested, removed
    or found to be wrong. IMPORT: records were imported. CHOICE: the person changed what is shared. CARD: another
    version of the card came into force."""

    FIRST = "FIRST"
    MONTH = "MONTH"
    RECORD = "RECORD"
    NEGATIVE = "NEGATIVE"
    CORRECTION = "CORRECTION"
    IMPORT = "IMPORT"
    CHOICE = "CHOICE"
    CARD = "CARD"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreState:
    """A person's score at one moment. `held_until`: until when the tier is held although the score is below its
    cut-off, None if it is not. `card` and `card_hash` name the card's version and content."""

    as_of: BusinessTime
    score: int | None
    tier: Tier
    held_until: BusinessTime | None
    card: str
    card_hash: str
    dimension_points: Mapping[Dimension, int]
    reasons: tuple[ScoreReason, ...]
    open_overdue: int
    has_document: bool
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """All that is known about a person for the score: the records, the optional dimensions that the person shares, and
    the partners whose negative records are ignored."""

    records: Sequence[BehaviourRecord]
    shared: Collection[Dimension] = ()
    ignored_partners: Collection[str] = ()


def compute_states(
    cards: CardVersions,
    behaviour: Behaviour,
    previous: ScoreState | None,
    now: BusinessTime,
    cause: Cause | None,
    changed_at: BusinessTime | None = None,
) -> Iterator[ScoreState]:
    """Yields the states after `previous`, in order: at each month's start, at each moment at which a record was added
    or begins to count, and at each change of the card. With a `cause`, also one for a change of which no record tells
    the moment. It is at `changed_at`, so that what the change lowers is not taken for ageing, or at `now` if that is
    not known or is one of the others; for RECORD then only if there is no other."""
    if previous is None:
        yield _compute(cards.at(now), behaviour, None, now, Cause.FIRST)
        return
    moments = [(moment, why, False) for moment, why in _moments(cards, behaviour, previous, now)]
    if cause is not None:
        if changed_at is None or not previous.as_of < changed_at <= now or changed_at in {each[0] for each in moments}:
            changed_at = None
        at = changed_at or now
        has_aged = any(why is Cause.MONTH and moment <= at for moment, why, _ in moments)
        is_lower = has_aged and _has_lowered(cards, behaviour, previous)
        if cause is not Cause.RECORD or changed_at is not None or is_lower or not moments:
            moments.append((at, cause, is_lower))
            moments.sort(key=itemgetter(0))
    for moment, why, is_lower in moments:
        held_until = previous.held_until
        if held_until is not None and previous.as_of < held_until < moment:
            previous = _compute(cards.at(held_until), behaviour, previous, held_until, Cause.MONTH)
            yield previous
        previous = _compute(cards.at(moment), behaviour, previous, moment, why, is_lower=is_lower)
        yield previous
    held_until = previous.held_until
    if held_until is not None and previous.as_of < held_until <= now:
        yield _compute(cards.at(held_until), behaviour, previous, held_until, Cause.MONTH)


def correct_states(
    cards: CardVersions, behaviour: Behaviour, before: ScoreState | None, present: ScoreState, now: BusinessTime
) -> Sequence[ScoreState]:
    """Returns the states after a correction. They begin after `before`, the last state before the corrected record had
    counted, so that the tier is restored too; or after the present state if that leads to a better tier, because a
    correction never lowers one."""
    restored = list(compute_states(cards, behaviour, before, now, Cause.CORRECTION))
    restored[-1] = replace(restored[-1], cause=Cause.CORRECTION)
    continued = list(compute_states(cards, behaviour, present, now, Cause.CORRECTION))
    return restored if restored[-1].tier.rank >= continued[-1].tier.rank else continued


def next_due(cards: CardVersions, behaviour: Behaviour, now: BusinessTime, state: ScoreState) -> BusinessTime:
    """Returns when the score must be computed again, `state` being the present one: at the next month's start, or
    before, when a negative record begins to count, the card changes, a tier is held no longer, or the oldest record of
    a person without a score is old enough."""
    moments = [month_start(month_of(now) + 1)]
    moments += [begins for begins in _negative_moments(behaviour) if begins > now]
    moments += [each for each in (cards.next_change(now), state.held_until) if each is not None and each > now]
    if state.score is None:
        moments += [moment for moment in _old_enough(cards, behaviour, now) if moment > now]
    return min(moments)


def _moments(
    cards: CardVersions, behaviour: Behaviour, previous: ScoreState, until: BusinessTime
) -> list[tuple[BusinessTime, Cause]]:
    """The moments after the previous state. A month's start keeps its cause if a record was added at the same time,
    because what ages then is held."""
    after = previous.as_of
    moments: dict[BusinessTime, Cause] = {}
    if previous.score is None:
        moments = {each: Cause.RECORD for each in _old_enough(cards, behaviour, until) if after < each <= until}
    moments |= {each.at: Cause.RECORD for each in behaviour.records if after < each.at <= until}
    for month in range(month_of(after) + 1, month_of(until) + 1):
        moments[month_start(month)] = Cause.MONTH
    for moment in cards.changes_between(after, until):
        moments[moment] = Cause.CARD
    moments |= {begins: Cause.NEGATIVE for begins in _negative_moments(behaviour) if after < begins <= until}
    return sorted(moments.items())


def _negative_moments(behaviour: Behaviour) -> Iterator[BusinessTime]:
    """When each late or broken record begins to count, without those that are contested or ignored."""
    for record in behaviour.records:
        is_ignored = record.contested_at is not None or record.partner in behaviour.ignored_partners
        if record.kind in NEGATIVE_KINDS and not is_ignored:
            yield record.counts_from or record.at


def _has_lowered(cards: CardVersions, behaviour: Behaviour, previous: ScoreState) -> bool:
    """Whether a change has lowered the score that was computed before it. What has aged since does not matter."""
    moment = previous.as_of
    score = evaluate(cards.at(moment), behaviour.records, moment, behaviour.shared, behaviour.ignored_partners).score
    return score is not None and previous.score is not None and score < previous.score


def _old_enough(cards: CardVersions, behaviour: Behaviour, now: BusinessTime) -> Iterator[BusinessTime]:
    """When each record becomes old enough for a score."""
    age = cards.at(now).rules.minimum_age
    return (BusinessTime(each.at + age) for each in behaviour.records if each.kind in FINISHED_KINDS)


def _compute(
    card: Scorecard,
    behaviour: Behaviour,
    previous: ScoreState | None,
    moment: BusinessTime,
    cause: Cause,
    *,
    is_lower: bool = False,
) -> ScoreState:
    evaluation = evaluate(card, behaviour.records, moment, behaviour.shared, behaviour.ignored_partners)
    tier, held_until = _tier(card, evaluation.score, previous, moment, cause)
    if is_lower:
        tier, held_until = card.tier_of(evaluation.score), None
    return ScoreState(
        as_of=moment,
        score=evaluation.score,
        tier=tier,
        held_until=held_until,
        card=card.version,
        card_hash=card.hash,
        dimension_points=evaluation.dimension_points,
        reasons=find_reasons(card, evaluation),
        open_overdue=evaluation.open_overdue,
        has_document=evaluation.has_document,
        cause=cause,
    )


def _tier(
    card: Scorecard, score: int | None, previous: ScoreState | None, moment: datetime, cause: Cause
) -> tuple[Tier, BusinessTime | None]:
    """The tier at a moment, and until when it is held. A decrease at a month's start is ageing; any other decrease has
    a cause of its own and lowers the tier at once."""
    reached = card.tier_of(score)
    if score is None or previous is None or previous.score is None or reached.rank >= previous.tier.rank:
        return reached, None
    if card.cut_off(previous.tier) - score >= card.rules.drop_at:
        return reached, None
    if previous.held_until is not None:
        is_held = moment < previous.held_until and (cause is Cause.MONTH or score >= previous.score)
        return (previous.tier, previous.held_until) if is_held else (reached, None)
    if cause is not Cause.MONTH:
        return reached, None
    return previous.tier, min(month_start(month_of(moment) + 1), BusinessTime(moment + card.rules.longest_hold))
