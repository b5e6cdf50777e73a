"""A person's own view of the score: how it came about, what would change it, and what merchants would decide."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.domain.decisions.behaviour import DIMENSIONS
from gateway.domain.decisions.decision import state_by
from gateway.domain.decisions.settlement import Windows
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.money import Money
from gateway.domain.scoring.card import Scorecard
from gateway.domain.scoring.history import Cause, ScoreState
from gateway.domain.scoring.reasons import describe_reason
from gateway.domain.scoring.record import OPTIONAL_DIMENSIONS, Dimension
from gateway.domain.scoring.score import DecidedScore, Measurement
from gateway.domain.scoring.tier import Tier
from gateway.domain.scoring.what_if import (
    Choice,
    OpenObligation,
    Projection,
    Situation,
    project_score,
    score_without,
)
from gateway.domain.text import Texts
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.ordinary_requests import OrdinaryRequests, OrdinaryRequestService
from gateway.services.scoring.person_time import load_business_time
from gateway.services.scoring.score_months import MonthPoint, load_months
from gateway.sources.contract import ScoreSource
from gateway.sources.remote.source import RemoteSource
from gateway.sources.scorecard.source import ScorecardSource
from gateway.store.database import Database
from gateway.store.identity.users import UserRow
from gateway.store.merchants.merchants import Counterpart
from gateway.store.scoring.scores import read_state
from gateway.store.unit import UnitOfWork

_CONTEST = Windows().contest
_UNKNOWN_REASON = Texts("There is no text for this reason any more.", "该原因的说明已不再提供。")
_NO_CATALOGUE = Texts("The text of this reason cannot be read now.", "目前无法读取该原因的说明。")
"""The provider has not responded since the start of this process."""


@dataclass(frozen=True, slots=True)
class DescribedReason:
    """A reason of a score with its texts. `points` are lost or missing points, None if the score source does not say.
    `advice` is None without one."""

    code: str
    text: Texts
    advice: Texts | None
    points: int | None


@dataclass(frozen=True, slots=True)
class DimensionPoints:
    """The points of a dimension, of at most `possible`. `is_shared` is None for a dimension that cannot be chosen.
    `without` is the score state once a shared dimension is no longer shared."""

    dimension: Dimension
    points: int
    possible: int
    is_shared: bool | None
    without: ScoreState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardView:
    """What only the scorecard can tell: the card in force, the months, oldest first, the dimensions, and the what-if.
    `projection` is None without a choice."""

    card: Scorecard
    months: tuple[MonthPoint, ...]
    dimensions: tuple[DimensionPoints, ...]
    situation: Situation
    projection: Projection | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonScore:
    """A person's score as of the business time `now`. The overdue obligations and breaches of the measurement count
    against the person now; those in `open_here` are of decisions of this deployment, the others of records or of the
    score provider. `next_tier` is None at the best one. `starter_limits` are the credit limits of a person with too few
    records, empty for others. `scorecard` is None with another score source."""

    now: BusinessTime
    measurement: Measurement
    open_here: int
    next_tier: Tier | None
    reasons: tuple[DescribedReason, ...]
    requests: OrdinaryRequests
    starter_limits: tuple[Money, ...]
    scorecard: ScorecardView | None

    @property
    def is_blocked(self) -> bool:
        """Whether merchants decline requests, because something is overdue or broken."""
        return self._open > 0

    @property
    def is_blocked_elsewhere(self) -> bool:
        """Whether merchants decline requests because of what is overdue or broken elsewhere."""
        return self._open > self.open_here

    @property
    def _open(self) -> int:
        return self.measurement.open_overdue + self.measurement.open_breaches


class PersonScoreService:
    """Loads a person's score for the person, and writes what the person chooses to share."""

    def __init__(self, database: Database, source: ScoreSource, requests: OrdinaryRequestService) -> None:
        self._database, self._source, self._requests = database, source, requests
        self._scorecard = source if isinstance(source, ScorecardSource) else None

    def load(self, user_id: str, choice: Choice | None = None) -> PersonScore:
        """The person's score, computed first if it is due, and the result of the choice. Raises NotFound, and
        Unavailable (SCORE_UNAVAILABLE) if the score cannot be fetched."""
        now = self._database.read(lambda unit: load_business_time(unit, user_id))
        measurement = self._source.measure(user_id, now)
        return self._database.read(lambda unit: self._describe(unit, user_id, measurement, choice or Choice(), now))

    def choose_sharing(self, user_id: str, dimension: Dimension, *, share: bool) -> None:
        """Writes whether the person shares an optional dimension, and computes the score again at once. Raises NotFound
        with another score source, and InvalidInput for a dimension that gives no points or is not optional."""
        scorecard = self._scorecard
        if scorecard is None:
            raise NotFound("The score source has no dimensions to choose.")

        def choose(unit: UnitOfWork) -> None:
            now = load_business_time(unit, user_id)
            if dimension not in OPTIONAL_DIMENSIONS or not _possible_points(scorecard.cards.at(now), dimension):
                raise InvalidInput("INVALID", f"{dimension} cannot be chosen.", ("dimension",))
            unit.scores.choose(user_id, dimension, unit.wall, share=share)
            unit.scores.mark_due(user_id, now, Cause.CHOICE)
            scorecard.compute(unit, user_id, now)

        self._database.write(choose)

    def describe_reasons(self, decided: DecidedScore) -> tuple[DescribedReason, ...]:
        """The reasons of the score with which a decision was made."""
        return tuple(self._describe_reason(code, None, decided.card) for code in decided.reasons)

    def _describe(
        self, unit: UnitOfWork, user_id: str, measured: Measurement, choice: Choice, now: BusinessTime
    ) -> PersonScore:
        user = _load_user(unit, user_id)
        overdue, breaches = unit.decisions.count_against(user_id, now)
        measurement = replace(
            measured,
            open_overdue=measured.open_overdue + overdue,
            open_breaches=measured.open_breaches + breaches,
        )
        view = self._load_view(unit, self._scorecard, user_id, choice, now) if self._scorecard else None
        better = [tier for tier in Tier if tier.rank > max(measured.tier.rank, Tier.BUILDING.rank)]
        next_tier = better[0] if better else None
        return PersonScore(
            now=now,
            measurement=measurement,
            open_here=overdue + breaches,
            next_tier=next_tier,
            reasons=self._reasons(measured, view),
            requests=self._requests.list_requests(unit, user, measurement, next_tier),
            starter_limits=self._requests.starter_limits(measured.tier),
            scorecard=view,
        )

    def _load_view(
        self, unit: UnitOfWork, scorecard: ScorecardSource, user_id: str, choice: Choice, now: BusinessTime
    ) -> ScorecardView:
        row = unit.scores.load(user_id)
        assert row is not None  # it was measured
        card, state = scorecard.cards.at(now), read_state(row)
        situation = Situation(
            cards=scorecard.cards,
            behaviour=scorecard.load_behaviour(unit, user_id, now),
            present=state,
            now=now,
            obligations=_open_obligations(unit, user_id),
            contest=_CONTEST,
        )
        return ScorecardView(
            card=card,
            months=load_months(unit, user_id, situation),
            dimensions=tuple(_dimension_points(card, situation, dimension) for dimension in Dimension),
            situation=situation,
            projection=None if choice.is_empty else project_score(situation, choice),
        )

    def _reasons(self, measured: Measurement, view: ScorecardView | None) -> tuple[DescribedReason, ...]:
        if view is None:
            return tuple(self._describe_reason(code, None, measured.card) for code in measured.reasons)
        present = view.situation.present
        return tuple(self._describe_reason(each.code, each.points, present.card) for each in present.reasons)

    def _describe_reason(self, code: str, points: int | None, version: str) -> DescribedReason:
        """The reason with its texts by the score source: of the card with this version, or of another one that still
        has them."""
        if isinstance(self._source, RemoteSource) and code in self._source.provider.reasons:
            texts = self._source.provider.reasons[code]
            return DescribedReason(code, Texts(texts.en, texts.zh), None, points)
        for card in self._cards(version):
            try:
                return DescribedReason(code, *describe_reason(card, code), points)
            except KeyError:
                continue
        is_missing = isinstance(self._source, RemoteSource) and not self._source.provider.reasons
        return DescribedReason(code, _NO_CATALOGUE if is_missing else _UNKNOWN_REASON, None, points)

    def _cards(self, version: str) -> Iterator[Scorecard]:
        if self._scorecard is not None:
            own = self._scorecard.cards.of_version(version)
            yield from filter(None, [own])
            yield from self._scorecard.cards


def _load_user(unit: UnitOfWork, user_id: str) -> UserRow:
    user = unit.users.load(user_id)
    if user is None:
        raise NotFound("The account does not exist.")
    return user


def _open_obligations(unit: UnitOfWork, user_id: str) -> tuple[OpenObligation, ...]:
    states = [each for each in unit.decisions.list_reserving(user_id) if each.status is Status.ACTIVE]
    merchants = unit.load_counterparts({each.merchant_id for each in states})
    current = (state_by(each, unit.business_time(each.merchant_id)) for each in states)
    return tuple(_obligation(each, merchants[each.merchant_id]) for each in current if _is_open(each))


def _is_open(state: DecisionState) -> bool:
    """Whether the obligation can be finished on time or is overdue. One whose overdue flag is contested or has expired
    is neither, nor is one of which nothing is left to fulfil."""
    is_in_time = state.flagged_at is None and state.lapsed_at is None
    return state.due_at is not None and bool(state.due.minor) and (state.overdue or is_in_time)


def _obligation(state: DecisionState, merchant: Counterpart) -> OpenObligation:
    assert state.due_at is not None
    return OpenObligation(
        id=state.id,
        dimension=DIMENSIONS[state.product],
        merchant_name=merchant.name,
        partner=merchant.partner_id,
        amount=state.due,
        due_at=state.due_at,
        late_from=replace(state, status=Status.FULFILLED).late_counts_from if state.overdue else None,
    )


def _dimension_points(card: Scorecard, situation: Situation, dimension: Dimension) -> DimensionPoints:
    is_shared = dimension in situation.behaviour.shared if dimension in OPTIONAL_DIMENSIONS else None
    return DimensionPoints(
        dimension=dimension,
        points=situation.present.dimension_points.get(dimension, 0),
        possible=_possible_points(card, dimension),
        is_shared=is_shared,
        without=score_without(situation, dimension) if is_shared else None,
    )


def _possible_points(card: Scorecard, dimension: Dimension) -> int:
    """The most points of a dimension. Characteristics of several dimensions count for their first one."""
    return sum(max(each.points) for each in card.characteristics if each.dimensions[0] is dimension)
