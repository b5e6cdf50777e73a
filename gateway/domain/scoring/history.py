"""The history of a person's score: one state for each evaluation, and the rules by which a tier is held.

A tier rises at once. It falls at once if a record lowers the score, or if the score is far below the cut-off. If the
score ages below the cut-off, the tier is held until the next month's start, and lost if the score is still below then.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.reasons import ScoreReason, find_reasons
from gateway.domain.scoring.record import NEGATIVE_KINDS, BehaviourRecord, Dimension, month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime


class Cause(StrEnum):
    """Why a score was computed. FIRST: there was none. MONTH: a month began. RECORD: a record was added or changed.
    NEGATIVE: a late or broken obligation began to count. CORRECTION: a record that had counted was removed or
    contested. IMPORT: records were imported. CHOICE: the person changed what is shared. CARD: another version of the
    card came into force."""

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
    cards: CardVersions, behaviour: Behaviour, previous: ScoreState | None, now: BusinessTime, cause: Cause | None
) -> Iterator[ScoreState]:
    """Yields the states after `previous`, in order: at each month's start, at each moment at which a record was added
    or begins to count, and at each change of the card. With a `cause`, also one at `now`, for a change that has no
    moment of its own; for RECORD only if there was no such moment."""
    if previous is None:
        yield _compute(cards.at(now), behaviour, None, now, Cause.FIRST)
        return
    moments = _moments(cards, behaviour, previous.as_of, now)
    for moment, why in moments:
        previous = _compute(cards.at(moment), behaviour, previous, moment, why)
        yield previous
    if cause is not None and not (cause is Cause.RECORD and moments):
        yield _compute(cards.at(now), behaviour, previous, now, cause)


def next_due(cards: CardVersions, behaviour: Behaviour, now: BusinessTime) -> BusinessTime:
    """Returns when the score must be computed again: at the next month's start, or before, when a negative record
    begins to count or the card changes."""
    moments = [month_start(month_of(now) + 1)]
    moments += [each.counts_from for each in behaviour.records if each.counts_from and each.counts_from > now]
    change = cards.next_change(now)
    return min([*moments, change] if change else moments)


def _moments(
    cards: CardVersions, behaviour: Behaviour, after: BusinessTime, until: BusinessTime
) -> list[tuple[BusinessTime, Cause]]:
    moments: dict[BusinessTime, Cause] = {}
    for month in range(month_of(after) + 1, month_of(until) + 1):
        moments[month_start(month)] = Cause.MONTH
    for record in behaviour.records:
        if after < record.at <= until:
            moments[record.at] = Cause.RECORD
    for moment in cards.changes_between(after, until):
        moments[moment] = Cause.CARD
    for record in behaviour.records:
        begins = record.counts_from or record.at
        if record.kind in NEGATIVE_KINDS and after < begins <= until:
            moments[begins] = Cause.NEGATIVE
    return sorted(moments.items())


def _compute(
    card: Scorecard, behaviour: Behaviour, previous: ScoreState | None, moment: BusinessTime, cause: Cause
) -> ScoreState:
    evaluation = evaluate(card, behaviour.records, moment, behaviour.shared, behaviour.ignored_partners)
    tier, held_until = _tier(card, evaluation.score, previous, moment, cause)
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
    if cause is Cause.MONTH:
        if previous.held_until is not None:
            return (previous.tier, previous.held_until) if moment < previous.held_until else (reached, None)
        until = min(month_start(month_of(moment) + 1), BusinessTime(moment + card.rules.longest_hold))
        return previous.tier, until
    if previous.held_until is not None and score >= previous.score:
        return previous.tier, previous.held_until
    return reached, None
