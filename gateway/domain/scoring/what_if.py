"""What a person's score would be after some steps, if nothing else changes: settling what is overdue or broken,
finishing what is open, keeping or missing further obligations, verifying a document, sharing a dimension, and waiting.

It is computed by the same rules as the score itself.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, Cause, ScoreState, compute_states
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of
from gateway.kit.clock import BusinessTime

MOST_KEPT = 6
"""How many more obligations a choice can keep: one a month, each with another partner."""
WAITS = (0, 3, 6, 12)
"""For how many months a choice can wait."""
LONGEST = 36
"""An obligation that is due in more months is not finished by a choice."""
_MONTHS_OF_YEAR = 12


@dataclass(frozen=True, slots=True)
class OpenObligation:
    """An open obligation of a person in this deployment, with the name of the merchant and the id of its partner.
    `late_from` is when it would begin to count as late if it is settled now, None unless it is overdue."""

    id: str
    dimension: Dimension
    merchant_name: str
    partner: str
    amount: Money
    due_at: BusinessTime
    late_from: BusinessTime | None = None

    @property
    def is_overdue(self) -> bool:
        """Whether its due date and grace period have passed."""
        return self.late_from is not None


class Sharing(StrEnum):
    """Whether the person can share if bills are covered. ASSESSMENT_NEEDED: no records of it exist."""

    SHARED = "SHARED"
    POSSIBLE = "POSSIBLE"
    ASSESSMENT_NEEDED = "ASSESSMENT_NEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The steps that a person chooses. `keep` is a number of further obligations, `wait` a number of months. Raises
    InvalidInput for a number that cannot be chosen."""

    settle: bool = False
    finish: bool = False
    keep: int = 0
    verify: bool = False
    share: bool = False
    wait: int = 0
    miss: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.keep <= MOST_KEPT:
            raise InvalidInput("INVALID", f"Up to {MOST_KEPT} more obligations can be kept.", ("keep",))
        if self.wait not in WAITS:
            raise InvalidInput("INVALID", f"Months to wait: {', '.join(map(str, WAITS))}.", ("wait",))

    @property
    def is_empty(self) -> bool:
        """Whether no step is chosen."""
        return self == Choice()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that is known about a person at `now`. `present` is the score state at `now`. `contest` is how long a person
    can contest a late or broken obligation before it counts."""

    cards: CardVersions
    behaviour: Behaviour
    present: ScoreState
    now: BusinessTime
    obligations: Sequence[OpenObligation]
    contest: timedelta

    @property
    def overdue(self) -> tuple[BehaviourRecord, ...]:
        """The overdue obligations: reported ones, and those in this deployment."""
        reported = [each for each in self.behaviour.records if each.kind is RecordKind.OVERDUE]
        known = {each.id for each in reported}
        own = [
            _record(each.id, RecordKind.OVERDUE, each, each.due_at)
            for each in self.obligations
            if each.is_overdue and each.id not in known
        ]
        return (*reported, *own)

    @property
    def broken(self) -> tuple[BehaviourRecord, ...]:
        """The broken obligations. Those that were written off can be settled too."""
        return tuple(each for each in self.behaviour.records if each.kind is RecordKind.BROKEN)

    @property
    def finishable(self) -> tuple[OpenObligation, ...]:
        """The open obligations that can be finished on time."""
        last = months_later(self.now, LONGEST)
        return tuple(each for each in self.obligations if not each.is_overdue and each.due_at <= last)

    @property
    def sharing(self) -> Sharing:
        """Whether the person can share if bills are covered."""
        if Dimension.FINANCIAL_CAPACITY in self.behaviour.shared:
            return Sharing.SHARED
        rules = self.cards.at(self.now).rules
        newest = month_of(self.now) - rules.assessment_life
        is_assessed = any(
            each.dimension is Dimension.FINANCIAL_CAPACITY and each.counts_at(self.now) and each.month > newest
            for each in self.behaviour.records
        )
        return Sharing.POSSIBLE if is_assessed else Sharing.ASSESSMENT_NEEDED

    @property
    def kept_amount(self) -> Money | None:
        """The amount of a further obligation: the smallest one that is worth most by the card."""
        return _full_amount(self.cards.at(self.now))


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """The result of a choice. `state` is the score state at `until`; its score and tier are reached at `reached_at`.
    `unchanged` is the state at `until` without the choice. `late_from` is when the settled obligations count as late,
    None if none does. `late` is the state at that moment if it is after `until`, else None."""

    state: ScoreState
    until: BusinessTime
    reached_at: BusinessTime
    unchanged: ScoreState
    late_from: BusinessTime | None
    late: ScoreState | None


def project_score(situation: Situation, choice: Choice) -> Projection:
    """Returns the score after the steps of the choice, if nothing else changes."""
    now = situation.now
    behaviour, moments = _apply(situation, choice)
    until = max([months_later(now, choice.wait), *moments])
    is_changed = behaviour is not situation.behaviour
    states = _states(situation, behaviour, until, at_once=is_changed)
    late_from = _late_from(situation) if choice.settle else None
    late = None
    if late_from is not None and late_from > until:
        late = _states(situation, behaviour, late_from, at_once=True)[-1]
    return Projection(
        state=states[-1],
        until=until,
        reached_at=max(_first_like_last(states), now),
        unchanged=_states(situation, situation.behaviour, until, at_once=False)[-1],
        late_from=late_from,
        late=late,
    )


def score_without(situation: Situation, dimension: Dimension) -> ScoreState:
    """Returns the score once the person no longer shares an optional dimension. Its points are lost at once."""
    shared = frozenset(situation.behaviour.shared) - {dimension}
    return _states(situation, replace(situation.behaviour, shared=shared), situation.now, at_once=True)[-1]


def months_later(moment: BusinessTime, months: int) -> BusinessTime:
    """Returns the moment so many months later, or the end of that month if it is shorter."""
    year, month = divmod(month_of(moment) + months, _MONTHS_OF_YEAR)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return BusinessTime(moment.replace(year=year, month=month + 1, day=day))


def _states(situation: Situation, behaviour: Behaviour, until: BusinessTime, *, at_once: bool) -> list[ScoreState]:
    """The present state and those after it. `at_once`: something changes now, without a moment of its own."""
    cards, states = situation.cards, [situation.present]
    if at_once:
        states += compute_states(cards, behaviour, states[-1], situation.now, Cause.CHOICE)
    states += compute_states(cards, behaviour, states[-1], until, None)
    return states


def _first_like_last(states: Sequence[ScoreState]) -> BusinessTime:
    first = states[-1]
    for state in reversed(states):
        if (state.score, state.tier) != (first.score, first.tier):
            break
        first = state
    return first.as_of


def _apply(situation: Situation, choice: Choice) -> tuple[Behaviour, list[BusinessTime]]:
    """The behaviour after all steps, and the moments at which steps have their effect. The behaviour is the same object
    if no step changes it."""
    now, behaviour = situation.now, situation.behaviour
    records, moments, shared = list(behaviour.records), list[BusinessTime](), frozenset(behaviour.shared)
    if choice.settle:
        records = _settled(situation, records)
    if choice.finish:
        for each in situation.finishable:
            records.append(_record(f"finished {each.id}", RecordKind.KEPT, each, max(each.due_at, now)))
            moments.append(records[-1].at)
    for number in range(choice.keep):
        records.append(_further(situation, RecordKind.KEPT, f"kept {number}", months_later(now, number)))
        moments.append(records[-1].at)
    if choice.verify:
        records.append(
            BehaviourRecord(
                id="document", dimension=Dimension.IDENTITY, kind=RecordKind.DOCUMENT, partner="document", at=now
            )
        )
    if choice.share and situation.sharing is Sharing.POSSIBLE:
        shared |= {Dimension.FINANCIAL_CAPACITY}
    if choice.miss:
        counts_from = BusinessTime(now + situation.contest)
        records.append(replace(_further(situation, RecordKind.BROKEN, "missed", now), counts_from=counts_from))
        moments.append(counts_from)
    if records == list(behaviour.records) and shared == frozenset(behaviour.shared):
        return behaviour, moments
    return replace(behaviour, records=records, shared=shared), moments


def _settled(situation: Situation, records: Sequence[BehaviourRecord]) -> list[BehaviourRecord]:
    """The records after everything overdue or broken was settled now. What was overdue counts as late once its dispute
    window is over. So does what was broken, at once; but it leaves no record within its own dispute window."""
    now, overdue, broken = situation.now, situation.overdue, situation.broken
    replaced = {each.id for each in (*overdue, *broken)}
    moments = _late_moments(situation)
    late = [replace(each, kind=RecordKind.LATE, at=now, counts_from=moments[each.id]) for each in overdue]
    late += [
        replace(each, kind=RecordKind.LATE, at=now, counts_from=None, ended_at=None)
        for each in broken
        if each.counts_from is None or each.counts_from <= now
    ]
    return [*(each for each in records if each.id not in replaced), *late]


def _late_moments(situation: Situation) -> dict[str, BusinessTime]:
    """When each overdue obligation begins to count as late if it is settled now, by id."""
    moments = {each.id: BusinessTime(situation.now + situation.contest) for each in situation.overdue}
    return moments | {each.id: each.late_from for each in situation.obligations if each.late_from is not None}


def _late_from(situation: Situation) -> BusinessTime | None:
    return max([max(each, situation.now) for each in _late_moments(situation).values()], default=None)


def _record(record_id: str, kind: RecordKind, obligation: OpenObligation, at: BusinessTime) -> BehaviourRecord:
    return BehaviourRecord(
        id=record_id,
        dimension=obligation.dimension,
        kind=kind,
        partner=obligation.partner,
        at=at,
        amount=obligation.amount,
    )


def _further(situation: Situation, kind: RecordKind, name: str, at: BusinessTime) -> BehaviourRecord:
    """A record of one more obligation, with a partner of its own."""
    return BehaviourRecord(
        id=name, dimension=Dimension.FULFILMENT, kind=kind, partner=name, at=at, amount=situation.kept_amount
    )


def _full_amount(card: Scorecard) -> Money | None:
    return next((Money(bands[0].minor, currency) for currency, bands in card.rules.bands.items()), None)
