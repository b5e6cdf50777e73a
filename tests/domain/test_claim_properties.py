"""Claims in any history of a decision: they change nothing that others see, never harm the person, and are never worth
more than a reported fulfilment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.decisions.behaviour import record_of
from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.dispute import require_contestable
from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, ClaimKind, Status
from gateway.domain.errors import GatewayError
from gateway.domain.scoring.record import BehaviourRecord, RecordKind
from gateway.kit.clock import BusinessTime
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import DAY, DUE, GRACE, active, yuan

CLAIMS = ("claim", "withdraw", "deliver")
OTHERS = (
    *("part", "settle", "settle in time", "reduce", "extend"),
    *("damaged", "not paid", "dispute", "uphold", "reject"),
)
RANK = {RecordKind.BROKEN: 0, RecordKind.LATE: 1, None: 2, RecordKind.KEPT: 3}

LIKELY = (*CLAIMS, "claim", "claim", *(("wait",) * 8), *OTHERS)
steps = st.lists(st.tuples(st.integers(0, 12 * 24), st.sampled_from(LIKELY)), max_size=14)


@dataclass(frozen=True)
class Moment:
    """A decision after one step, with its record, and whether the step was possible."""

    now: BusinessTime
    state: DecisionState
    record: BehaviourRecord | None
    done: bool

    @property
    def kind(self) -> RecordKind | None:
        return None if self.record is None else self.record.kind


class History:
    """Runs steps as the services do: what is due comes first, and the record follows each event."""

    def __init__(self) -> None:
        self.now, self.decision = NOON, Decision(active())
        self.record: BehaviourRecord | None = None

    def run(self, steps: Sequence[tuple[int, str]], *, without: Sequence[str] = ()) -> list[Moment]:
        moments = []
        for hours, name in steps:
            self.now = BusinessTime(self.now + timedelta(hours=hours))
            self._apply_due()
            done = name not in without and self._try(name)
            self._apply_due()
            moments.append(Moment(self.now, self.decision.state, self.record, done))
        return moments

    def _apply_due(self) -> None:
        before = self.decision.state.status
        for event in self.decision.apply_due(self.now):
            self._follow(before)
            before = event.after

    def _try(self, name: str) -> bool:
        before = self.decision.state.status
        try:
            self._step(name)
        except GatewayError:
            return False
        self._follow(before)
        return True

    def _follow(self, before: Status) -> None:
        state = self.decision.state
        at = self.record.at if self.record is not None and before is state.status else self.now
        self.record = record_of(state, "par_1", at)

    def _step(self, name: str) -> None:
        decision, state, now = self.decision, self.decision.state, self.now
        match name:  # "wait" and what is not possible now do nothing
            case "claim":
                decision.claim(now, ClaimKind.PAID)
            case "withdraw":
                decision.withdraw_claim(now)
            case "deliver":
                decision.note_claim_delivery(now, now)
            case "part":
                decision.settle(now, yuan(5_000))
            case "settle":
                decision.settle(now)
            case "settle in time":
                decision.settle(now, None, NOON)
            case "reduce":
                decision.reduce(now, yuan(state.due.minor - 1_000))
            case "extend":
                decision.extend(now, BusinessTime(now + 5 * DAY))
            case "damaged":
                decision.report_breach(now, BreachKind.DAMAGED)
            case "not paid":
                decision.report_breach(now, BreachKind.NOT_PAID)
            case "dispute":
                require_contestable(state, now)
                decision.open_dispute(now)
            case "uphold" if state.contested and state.status is Status.BREACHED:
                decision.void_breach(now)
            case "uphold" if state.contested:
                decision.void_overdue(now)
            case "reject" if state.contested:
                decision.reject_dispute(now)


def seen_by_others(moment: Moment) -> tuple[object, ...]:
    state = moment.state
    amounts = (state.exposure, state.committed, state.settlement)
    return state.status, *amounts, state.available_transitions, state.counts_against(moment.now)


@given(steps)
def test_claims_change_nothing_that_others_see(steps: list[tuple[int, str]]) -> None:
    with_claims, without = History().run(steps), History().run(steps, without=CLAIMS)
    assert list(map(seen_by_others, with_claims)) == list(map(seen_by_others, without))
    others = [number for number, (_, name) in enumerate(steps) if name not in CLAIMS]
    assert [with_claims[number].done for number in others] == [without[number].done for number in others]


@given(steps)
def test_claims_never_harm_the_person(steps: list[tuple[int, str]]) -> None:
    """With claims the record is the same, or a kept one instead of none. So what is broken or late stays so."""
    pairs = zip(History().run(steps), History().run(steps, without=CLAIMS), strict=True)
    for claimed, other in pairs:
        assert claimed.kind is other.kind or (claimed.kind, other.kind) == (RecordKind.KEPT, None)
        if claimed.kind is not other.kind:
            assert claimed.state.claim_stands
            assert claimed.record is not None
            assert claimed.record.claimed_at == claimed.state.claimed_at


@given(steps)
def test_claims_are_never_worth_more_than_a_reported_fulfilment(steps: list[tuple[int, str]]) -> None:
    """Had the merchant reported the fulfilment instead, there would be a kept record of this amount, and earlier."""
    history = History()
    for number, moment in enumerate(history.run(steps)):
        if steps[number][1] != "claim" or not moment.done:
            continue
        (*_, fulfilled) = History().run([*steps[:number], (steps[number][0], "settle")])
        assert fulfilled.record is not None
        assert fulfilled.kind is RecordKind.KEPT
        later = [each for each in History().run(steps)[number:] if each.state.claimed_at == moment.state.claimed_at]
        for each in later:
            assert RANK[each.kind] <= RANK[fulfilled.kind]
            if each.record is not None and each.record.claimed_at is not None and each.record.amount is not None:
                assert each.record.amount <= (fulfilled.record.amount or yuan(0))
                assert each.record.at >= fulfilled.record.at + CLAIM_SILENCE


@given(steps)
def test_a_merchant_always_has_its_time_to_contradict(steps: list[tuple[int, str]]) -> None:
    for moment in History().run(steps):
        state = moment.state
        if state.claim_accepted_at is not None and state.claimed_at is not None:
            told_at = max(state.claimed_at, state.claim_told_at or NOON, (state.due_at or DUE) + GRACE)
            assert state.claim_accepted_at >= told_at + CLAIM_SILENCE


@given(steps)
def test_decision_has_one_claim_unless_its_due_date_is_moved(steps: list[tuple[int, str]]) -> None:
    moments = History().run(steps)
    claims = sum(each.done for each, (_, name) in zip(moments, steps, strict=True) if name == "claim")
    extensions = sum(each.done for each, (_, name) in zip(moments, steps, strict=True) if name == "extend")
    assert claims <= 1 + extensions


@given(steps)
def test_no_transition_is_left_due(steps: list[tuple[int, str]]) -> None:
    for moment in History().run(steps):
        at = moment.state.next_transition_at
        assert at is None or at > moment.now
