"""Claims: a person says that an obligation was met, and it counts as kept unless the merchant contradicts that in
time."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.behaviour import record_of
from gateway.domain.decisions.claim import CLAIM_KINDS
from gateway.domain.decisions.decision import Decision
from gateway.domain.decisions.settlement import CLAIM_SILENCE
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind, ClaimKind, Status, SystemTransition, Transition
from gateway.domain.errors import InvalidInput
from gateway.domain.events import Topic
from gateway.domain.merchants import Product
from gateway.domain.scoring.record import BehaviourRecord, RecordKind
from gateway.kit.clock import BusinessTime
from tests.support.checkout import ROOT
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.decision_states import (
    DAY,
    DUE,
    GRACE,
    WINDOWS,
    active,
    after,
    approved,
    breached,
    changed,
    due_applied,
    flagged,
    new_state,
    yuan,
)

TICK = timedelta(microseconds=1)
OVERDUE = DUE + GRACE
ACCEPTED = BusinessTime(OVERDUE + CLAIM_SILENCE)
"""When a claim is accepted that was made before the due date."""


def claimed(state: DecisionState | None = None, at: BusinessTime = NOON) -> DecisionState:
    return after(state or active(), Decision.claim, at, ClaimKind.PAID)


def accepted(state: DecisionState | None = None) -> DecisionState:
    """The state after the silence, in which the scheduler has run in time."""
    return due_applied(due_applied(state or claimed(), OVERDUE)[0], ACCEPTED)[0]


def record(state: DecisionState, at: BusinessTime = ACCEPTED) -> BehaviourRecord | None:
    return record_of(state, "par_1", at)


def kind(state: DecisionState, at: BusinessTime = ACCEPTED) -> RecordKind | None:
    found = record(state, at)
    return None if found is None else found.kind


def refusal(state: DecisionState, said: ClaimKind = ClaimKind.PAID) -> str:
    with pytest.raises(InvalidInput) as refused:
        changed(state, Decision.claim, NOON, said)
    return str(refused.value)


def test_claim_is_an_event_that_changes_neither_status_nor_amounts() -> None:
    state, event = changed(active(), Decision.claim, NOON + DAY, ClaimKind.PAID)
    assert (event.topic, event.before, event.after) == (Topic.DECISION_CLAIMED, Status.ACTIVE, Status.ACTIVE)
    assert (state.claim, state.claimed_at, state.updated_at) == (ClaimKind.PAID, NOON + DAY, NOON + DAY)
    before = active()
    assert (state.exposure, state.committed, state.settlement) == (before.exposure, before.committed, before.settlement)
    assert state.available_transitions == before.available_transitions
    assert record(state) is None


def test_silence_begins_when_the_merchant_could_report_a_missing_payment() -> None:
    """Before that it could not contradict the claim."""
    assert claimed().claim_ends_at == ACCEPTED
    voided = after(after(flagged(), Decision.open_dispute, OVERDUE), Decision.void_overdue, OVERDUE + DAY)
    assert claimed(voided, OVERDUE + 2 * DAY).claim_ends_at == OVERDUE + 2 * DAY + CLAIM_SILENCE


def test_uncontradicted_claim_is_a_kept_record_of_an_open_decision() -> None:
    state, names = due_applied(claimed(), BusinessTime(ACCEPTED - TICK))
    assert (names, kind(state)) == ([SystemTransition.MARK_OVERDUE], None)
    state, names = due_applied(state, ACCEPTED)
    assert names == [SystemTransition.ACCEPT_CLAIM]
    assert (state.status, state.exposure, state.committed) == (Status.ACTIVE, state.due, state.due)
    found = record(state)
    assert found is not None
    assert (found.kind, found.at, found.claimed_at, found.amount) == (RecordKind.KEPT, ACCEPTED, NOON, state.due)
    assert (found.counts_from, found.contested_at) == (None, None)


def test_late_scheduler_sets_the_flag_before_it_accepts_the_claim() -> None:
    state, names = due_applied(claimed(), BusinessTime(ACCEPTED + DAY))
    assert names == [SystemTransition.MARK_OVERDUE, SystemTransition.ACCEPT_CLAIM]
    assert state.claim_accepted_at == ACCEPTED + DAY


def test_flag_of_a_claimed_obligation_expires_as_usual() -> None:
    state = accepted()
    assert (state.overdue, state.next_transition_at) == (True, OVERDUE + WINDOWS.report)
    lapsed, names = due_applied(state, OVERDUE + WINDOWS.report)
    assert names == [SystemTransition.LAPSE]
    assert (lapsed.exposure, kind(lapsed)) == (yuan(0), RecordKind.KEPT)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (approved(), "Nothing is open"),
        (breached(), "Nothing is open"),
        (after(active(), Decision.settle, NOON), "Nothing is open"),
        (flagged(), "can be contested"),
        (after(flagged(), Decision.open_dispute, OVERDUE), "can be contested"),
        (due_applied(flagged(), OVERDUE + WINDOWS.report)[0], "can be contested"),
        (claimed(), "said before"),
        (accepted(), "said before"),
    ],
    ids=["approved", "breached", "fulfilled", "overdue", "contested", "lapsed", "claimed", "accepted"],
)
def test_claim_needs_an_open_decision_that_a_settlement_would_keep(state: DecisionState, reason: str) -> None:
    assert reason in refusal(state)


def test_each_product_has_its_claim() -> None:
    assert set(CLAIM_KINDS) == set(Product)
    assert "cannot be said" in refusal(active(), ClaimKind.RETURNED)


def test_withdrawn_claim_is_never_accepted_and_final() -> None:
    state, event = changed(claimed(), Decision.withdraw_claim, NOON + DAY)
    assert (event.topic, state.claim_withdrawn_at) == (Topic.DECISION_CLAIM_WITHDRAWN, NOON + DAY)
    assert (state.claim_ends_at, state.next_transition_at) == (None, OVERDUE)
    assert kind(accepted(state)) is None
    assert "said before" in refusal(state)
    for other in (state, active(), accepted()):
        with pytest.raises(InvalidInput):
            changed(other, Decision.withdraw_claim, NOON + DAY)


def delivered(state: DecisionState, now: BusinessTime, at: BusinessTime) -> DecisionState:
    decision = Decision(state)
    event = decision.note_claim_delivery(now, at)
    assert (event is None) == (decision.state is state)
    return decision.state


def test_later_delivery_postpones_the_acceptance_once() -> None:
    late = BusinessTime(OVERDUE + 2 * DAY)
    state = delivered(claimed(), late, late)
    assert state.claim_ends_at == late + CLAIM_SILENCE
    assert delivered(state, late + DAY, late) is state
    assert delivered(state, late + DAY, late + DAY) is state, "only the first delivery counts"


def test_delivery_before_the_silence_begins_is_the_first_one() -> None:
    state = delivered(claimed(), NOON + DAY, NOON + DAY)
    assert (state.claim_told_at, state.claim_ends_at) == (NOON + DAY, ACCEPTED)
    late = BusinessTime(OVERDUE + 2 * DAY)
    assert delivered(state, late, late) is state


def test_delivery_while_there_is_a_breach_is_the_first_one() -> None:
    breached_at = BusinessTime(OVERDUE + DAY)
    state = after(claimed(), Decision.report_breach, breached_at, BreachKind.NOT_PAID)
    told = delivered(state, breached_at + DAY, breached_at + DAY)
    voided = after(told, Decision.void_breach, breached_at + 2 * DAY)
    assert voided.claim_ends_at == breached_at + DAY + CLAIM_SILENCE
    assert delivered(voided, breached_at + 3 * DAY, breached_at + 3 * DAY) is voided


def test_delivery_about_a_claim_that_has_ended_changes_nothing() -> None:
    for state in (
        accepted(),
        active(),
        after(claimed(), Decision.withdraw_claim, NOON + DAY),
        after(claimed(), Decision.settle, NOON + DAY),
    ):
        assert delivered(state, ACCEPTED + DAY, ACCEPTED + DAY) is state


Contradiction = Callable[[DecisionState, BusinessTime], DecisionState]


def part_settled(state: DecisionState, now: BusinessTime) -> DecisionState:
    return after(state, Decision.settle, now, yuan(10_000))


def flag_confirmed(state: DecisionState, now: BusinessTime) -> DecisionState:
    return after(after(due_applied(state, now)[0], Decision.open_dispute, now), Decision.reject_dispute, now)


@pytest.mark.parametrize("contradict", [part_settled, flag_confirmed])
@pytest.mark.parametrize("state", [claimed(), accepted()], ids=["open", "accepted"])
def test_contradicted_claim_has_no_record(contradict: Contradiction, state: DecisionState) -> None:
    now = BusinessTime(ACCEPTED - DAY) if state.claim_is_open else BusinessTime(ACCEPTED + DAY)
    contradicted = contradict(state, now)
    assert (contradicted.claim_contradicted_at, contradicted.claim_ends_at) == (now, None)
    assert kind(due_applied(contradicted, BusinessTime(ACCEPTED + 30 * DAY))[0]) is None
    assert "said before" in refusal(contradicted)


@pytest.mark.parametrize("state", [claimed(), accepted()], ids=["open", "accepted"])
def test_extension_removes_the_claim_and_allows_another_one(state: DecisionState) -> None:
    extended = after(state, Decision.extend, ACCEPTED, BusinessTime(ACCEPTED + 30 * DAY))
    assert (extended.claim, extended.claimed_at, extended.claim_accepted_at) == (None, None, None)
    assert kind(extended) is None
    again = claimed(extended, BusinessTime(ACCEPTED + DAY))
    assert again.claim_ends_at == ACCEPTED + 30 * DAY + GRACE + CLAIM_SILENCE


def test_reduction_contradicts_nothing_and_lowers_the_amount_of_the_record() -> None:
    for state in (accepted(after(claimed(), Decision.reduce, NOON, yuan(20_000))), accepted()):
        reduced = after(state, Decision.reduce, ACCEPTED, yuan(5_000))
        found = record(reduced)
        assert found is not None
        assert (found.kind, found.amount) == (RecordKind.KEPT, yuan(5_000))


def test_breach_replaces_the_record_and_a_void_one_restores_it() -> None:
    broken = breached(accepted(), BusinessTime(ACCEPTED + DAY))
    found = record(broken, broken.updated_at)
    assert found is not None
    assert (found.kind, found.counts_from) == (RecordKind.BROKEN, ACCEPTED + DAY + WINDOWS.contest)
    contested = after(broken, Decision.open_dispute, broken.updated_at)
    restored = after(contested, Decision.void_breach, ACCEPTED + 2 * DAY)
    assert record(restored, restored.updated_at) == record(accepted())


def test_open_claim_waits_during_a_breach_and_goes_on_if_that_is_void() -> None:
    broken = breached(claimed(), NOON + DAY)
    assert (broken.claim_is_open, broken.claim_ends_at) == (False, None)
    contested = after(broken, Decision.open_dispute, NOON + DAY)
    voided = after(contested, Decision.void_breach, NOON + 2 * DAY)
    assert voided.claim_ends_at == ACCEPTED
    assert kind(accepted(voided)) is RecordKind.KEPT


def test_open_claim_waits_during_a_dispute() -> None:
    contested = after(due_applied(claimed(), OVERDUE)[0], Decision.open_dispute, OVERDUE)
    assert due_applied(contested, BusinessTime(ACCEPTED + DAY)) == (contested, [])
    upheld = after(contested, Decision.void_overdue, ACCEPTED + DAY)
    assert due_applied(upheld, BusinessTime(ACCEPTED + DAY))[1] == [SystemTransition.ACCEPT_CLAIM]


def test_dispute_about_the_flag_does_not_suspend_the_kept_record() -> None:
    found = record(after(accepted(), Decision.open_dispute, ACCEPTED + DAY))
    assert found is not None
    assert (found.kind, found.contested_at) == (RecordKind.KEPT, None)


def test_fulfilment_keeps_the_time_of_the_record_and_rests_on_the_report() -> None:
    """Another month could lower the score: of a partner only some records of a month count."""
    state = after(accepted(), Decision.settle, ACCEPTED + DAY, None, NOON)
    found = record(state, state.updated_at)
    assert found is not None
    assert (found.kind, found.at, found.claimed_at) == (RecordKind.KEPT, ACCEPTED, None)


def test_late_settlement_counts_as_late_although_it_was_claimed() -> None:
    state = after(accepted(), Decision.settle, ACCEPTED + DAY)
    found = record(state, state.updated_at)
    assert found is not None
    assert (found.kind, found.at, found.counts_from) == (RecordKind.LATE, ACCEPTED + DAY, OVERDUE + WINDOWS.contest)


def test_fulfilment_after_the_flag_expired_does_not_take_the_record_away() -> None:
    lapsed = due_applied(accepted(), BusinessTime(OVERDUE + WINDOWS.report))[0]
    state, event = changed(lapsed, Decision.settle, lapsed.updated_at)
    assert event.transition is Transition.FULFILL
    assert record(state, state.updated_at) == record(lapsed)


def test_claim_before_the_fulfilment_adds_nothing() -> None:
    without, claim = after(active(), Decision.settle, NOON + DAY), after(claimed(), Decision.settle, NOON + DAY)
    assert record(claim, claim.updated_at) == record(without, without.updated_at)


def test_document_has_the_silence() -> None:
    text = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    section = text.partition("\n## Claims of the person\n")[2].partition("\n## ")[0]
    days = set(re.findall(r"(\d+) days", section))
    assert days == {str(CLAIM_SILENCE.days)}
    assert f"| {CLAIM_SILENCE.days} days after the merchant could contradict a [claim]" in text


def test_decision_without_a_due_date_has_a_silence_from_the_claim_on() -> None:
    """Rows of older versions have none."""
    fields: dict[str, Any] = {"status": Status.ACTIVE, "due": yuan(30_000), "activated_at": NOON}
    assert claimed(new_state(**fields)).claim_ends_at == NOON + CLAIM_SILENCE
