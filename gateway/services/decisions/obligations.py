"""A person's decisions at all merchants, for the account page: open obligations with their disputes, and history."""

from dataclasses import dataclass

from gateway.domain.decisions.claim import CLAIM_KINDS
from gateway.domain.decisions.decision import Decision, state_by
from gateway.domain.decisions.dispute import Contested, ContestWindow, Dispute, contest_window, require_contestable
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.timeline import LoggedEvent
from gateway.domain.decisions.transitions import ClaimKind, Status
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.scoring.score import SCORE, DecidedScore
from gateway.kit.clock import BusinessTime
from gateway.services.decisions.disputes import DisputeService
from gateway.services.decisions.queries import read_event
from gateway.store.unit import UnitOfWork

LISTED = 20
"""The number of decisions on one page of a person's history."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """One decision with its state as of its partner's time. `contestable` is what the person can contest now, and
    `claimable` what the person can claim now, None if nothing. `contest_window` is that of its breach, None if there is
    none. `dispute` is the newest dispute about it, None if there is none."""

    state: DecisionState
    merchant_name: str
    contestable: Contested | None
    contest_window: ContestWindow | None
    claimable: ClaimKind | None
    dispute: Dispute | None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """One decision, with its state as of its partner's time."""

    decision: DecisionState
    merchant_name: str


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page of the decisions about a person, newest first. `next` is the id after which the next page begins, None if
    this is the last page."""

    decisions: tuple[PastDecision, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One decision with all that its parties have written: its events and disputes, oldest first. `contestable` is what
    the person can contest now, None if nothing. `contest_window` is that of its breach, None if there is none.
    `claimable` is the decision as it would be with a claim of now, None if nothing can be claimed. `score` is the score
    with which it was decided, None if its entry has none or the person's key was destroyed."""

    decision: DecisionState
    merchant_name: str
    events: tuple[LoggedEvent, ...]
    disputes: tuple[Dispute, ...]
    contestable: Contested | None
    contest_window: ContestWindow | None
    claimable: DecisionState | None
    score: DecidedScore | None


class ObligationService:
    """Reads a person's decisions. The number of statements does not depend on the number of decisions."""

    def __init__(self, disputes: DisputeService) -> None:
        self._disputes = disputes

    def list_obligations(self, unit: UnitOfWork, user_id: str) -> tuple[Obligation, ...]:
        """The person's approvals, active decisions and breaches, newest first. Then the late settlements that can be
        contested or are contested."""
        states = unit.decisions.list_reserving(user_id) + unit.decision_pages.list_late_settlements(user_id)
        names = _merchant_names(unit, states)
        disputes = self._disputes.list_newest(unit, (state.id for state in states))
        obligations = []
        for state in states:
            now = unit.business_time(state.merchant_id)
            claimed = _claimable(state_by(state, now), now)
            obligations.append(
                Obligation(
                    state=state.as_of(now),
                    merchant_name=names[state.merchant_id],
                    contestable=_contestable(state, now),
                    contest_window=contest_window(state, now),
                    claimable=claimed.claim if claimed else None,
                    dispute=disputes.get(state.id),
                )
            )
        return tuple(each for each in obligations if _is_current(each))

    def load_agreement(self, unit: UnitOfWork, user_id: str, decision_id: str) -> Agreement:
        """A decision about this person, with its history. Raises NotFound."""
        state = unit.decisions.load(decision_id)
        if state is None or unit.consents.load_user_id(state.consent_id) != user_id:
            raise NotFound("There is no such decision.")
        merchant_name = _merchant_names(unit, [state])[state.merchant_id]
        now = unit.business_time(state.merchant_id)
        rows = unit.decision_log.list_of_decision(decision_id)
        personals = unit.decision_log.open_all(rows)
        scores = [each[SCORE] for each in personals if each and SCORE in each]
        return Agreement(
            decision=state.as_of(now),
            merchant_name=merchant_name,
            events=tuple(map(read_event, rows, personals)),
            score=DecidedScore.from_document(scores[-1]) if scores else None,
            disputes=tuple(self._disputes.list_all(unit, decision_id)),
            contestable=_contestable(state, now),
            contest_window=contest_window(state, now),
            claimable=_claimable(state_by(state, now), now),
        )

    def list_history(self, unit: UnitOfWork, user_id: str, after: str | None = None) -> HistoryPage:
        """LISTED decisions about the person, newest first, from the one after `after`."""
        states = unit.decision_pages.list_of_user(user_id, LISTED + 1, before=after)
        names = _merchant_names(unit, states)
        decisions = tuple(
            PastDecision(state.as_of(unit.business_time(state.merchant_id)), names[state.merchant_id])
            for state in states[:LISTED]
        )
        return HistoryPage(decisions, states[LISTED - 1].id if len(states) > LISTED else None)


def _merchant_names(unit: UnitOfWork, states: list[DecisionState]) -> dict[str, str]:
    merchants = unit.load_counterparts({state.merchant_id for state in states})
    return {merchant_id: merchant.name for merchant_id, merchant in merchants.items()}


def _is_current(obligation: Obligation) -> bool:
    """Whether the decision is open, or a late settlement that can still change by a dispute."""
    if obligation.state.status is Status.FULFILLED:
        return obligation.state.contested or obligation.contestable is not None
    return obligation.state.status is not Status.EXPIRED


def _contestable(state: DecisionState, now: BusinessTime) -> Contested | None:
    try:
        return require_contestable(state, now)
    except InvalidInput:
        return None


def _claimable(state: DecisionState, now: BusinessTime) -> DecisionState | None:
    decision = Decision(state)
    try:
        decision.claim(now, CLAIM_KINDS[state.product])
    except InvalidInput:
        return None
    return decision.state
