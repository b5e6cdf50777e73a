"""The life of a promise: every step of the table, in time and money, and nothing beside it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import life
from gateway.domain.decision import STEPS, BreachKind, Happening, Status, Transition, available
from gateway.domain.dispute import Contested, contestable
from gateway.domain.errors import GatewayError, StateConflict
from gateway.domain.money import Money
from gateway.domain.standing import Standing
from tests.support.clock import NOON
from tests.support.standing import AMOUNT, APPROVAL, DAY, DUE, GRACE, WINDOWS, active, approved, breached, woken, yuan

TICK = timedelta(microseconds=1)


def refused(code: str, *call: Any) -> GatewayError:
    """The refusal of the call: a function and its arguments."""
    with pytest.raises(GatewayError) as refusal:
        call[0](*call[1:])
    assert refusal.value.code == code
    return refusal.value


def test_an_approval_holds_what_it_exposes() -> None:
    standing = approved()
    assert (standing.due, standing.held, standing.committed, standing.wakes_at) == (
        AMOUNT,
        AMOUNT,
        AMOUNT,
        NOON + 3 * DAY,
    )
    settlement = standing.settlement(NOON)
    assert settlement is not None
    assert (settlement.due, settlement.settled, settlement.due_at, settlement.overdue) == (AMOUNT, yuan(0), DUE, False)


def test_of_a_promise_that_came_to_nothing_nothing_is_outstanding() -> None:
    gone, _ = life.cancelled(approved(), NOON)
    until = approved().valid_until
    assert until is not None
    for standing, now in ((gone, NOON), (approved(), until)):  # whether a clock has come by or not
        settlement = standing.settlement(now)
        assert settlement is not None
        assert (settlement.due, settlement.settled, settlement.outstanding) == (AMOUNT, yuan(0), yuan(0))
    late = breached().settlement(NOON)
    assert late is not None
    assert late.outstanding == AMOUNT


def test_a_date_at_the_end_of_all_dates_is_too_far_off() -> None:
    end = NOON.replace(year=9999, month=12, day=31)
    assert refused("INVALID_PERIOD", life.extended, active(), NOON, end).field == ("dueAt",)


def test_a_referral_reserves_nothing_and_counts_against_its_consent() -> None:
    pending = life.new(yuan(40_000), Status.PENDING, None, NOON + DAY, WINDOWS)
    assert (pending.held, pending.committed, pending.settlement(NOON)) == (yuan(0), yuan(40_000), None)
    granted, step = life.approved(pending, APPROVAL, WINDOWS, NOON)
    assert (granted.status, granted.held, step.name) == (Status.APPROVED, AMOUNT, Happening.APPROVE)
    refusal, _ = life.declined(pending, NOON)
    assert (refusal.status, refusal.committed, refusal.wakes_at) == (Status.DECLINED, yuan(0), None)


def test_parts_free_their_part_and_the_last_one_ends_it() -> None:
    first, step = life.settled(active(), NOON, yuan(10_000))
    assert (first.status, first.held, first.outstanding, step.name) == (
        Status.ACTIVE,
        yuan(20_000),
        yuan(20_000),
        Happening.SETTLE_PART,
    )
    last, step = life.settled(first, NOON, yuan(20_000))
    assert (last.status, last.held, last.outstanding, step.name) == (
        Status.FULFILLED,
        yuan(0),
        yuan(0),
        Transition.FULFILL,
    )


@pytest.mark.parametrize(
    ("amount", "code", "place"),
    [
        (yuan(0), "INVALID_AMOUNT", "amount"),
        (yuan(30_001), "INVALID_AMOUNT", "amount"),
        (Money(1, "EUR"), "UNSUPPORTED_CURRENCY", "currency"),
    ],
)
def test_an_amount_that_cannot_be_settled_or_outstanding(amount: Money, code: str, place: str) -> None:
    assert refused(code, life.settled, active(), NOON, amount).field == ("settledAmount", place)
    error = refused(code, life.breached, active(), NOON, BreachKind.DAMAGED, amount)
    assert error.field == ("amountOutstanding", place)


def test_a_breach_is_made_good_as_a_whole() -> None:
    standing = breached()
    assert refused("INVALID_AMOUNT", life.settled, standing, NOON, yuan(1)).field == ("settledAmount", "amount")
    assert life.settled(standing, NOON, AMOUNT)[0].status is Status.FULFILLED
    assert life.settled(standing, NOON)[0].held == yuan(0)


def test_a_breach_over_a_part_frees_the_rest() -> None:
    standing, _ = life.breached(active(), NOON, BreachKind.NOT_PAID, yuan(5_000))
    assert (standing.settled, standing.held) == (yuan(25_000), yuan(5_000))


def test_moments_that_have_not_come_are_refused() -> None:
    later = NOON + TICK
    assert refused("INVALID_PERIOD", life.activated, approved(), NOON, later).field == ("handedOverAt",)
    assert refused("INVALID_PERIOD", life.settled, active(), NOON, None, later).field == ("settledAt",)
    assert life.activated(approved(), NOON, NOON - 1000 * DAY)[0].activated_at == NOON - 1000 * DAY


@pytest.mark.parametrize("due_at", [DUE, DUE - DAY, NOON, DUE + 366 * DAY + TICK])
def test_a_due_date_moves_later_within_reason(due_at: Any) -> None:
    assert refused("INVALID_PERIOD", life.extended, active(), NOON, due_at).field == ("dueAt",)


def test_extensions_together_have_one_bound() -> None:
    furthest, _ = life.extended(active(), NOON, DUE + 366 * DAY)
    assert refused("INVALID_PERIOD", life.extended, furthest, DUE + 365 * DAY, DUE + 367 * DAY).field == ("dueAt",)


def test_an_extension_takes_the_overdue_mark_away() -> None:
    late, _ = woken(active(), DUE + GRACE)
    assert late.overdue_at == DUE + GRACE
    assert refused("INVALID_PERIOD", life.extended, late, DUE + 2 * DAY, DUE + TICK).field == ("dueAt",)
    extended, _ = life.extended(late, DUE + 2 * DAY, DUE + 30 * DAY)
    assert (extended.overdue_at, extended.due_at, extended.wakes_at) == (None, DUE + 30 * DAY, DUE + 30 * DAY + GRACE)
    assert not extended.counts_against(DUE + 2 * DAY)


def test_the_clock_marks_what_is_late_and_lets_the_mark_lapse() -> None:
    assert woken(active(), DUE + GRACE - TICK)[1] == []
    late, steps = woken(active(), DUE + GRACE)
    assert steps == [Happening.MARK_OVERDUE]
    assert late.counts_against(DUE + GRACE)
    settlement = late.settlement(NOON)
    assert settlement is not None
    assert settlement.overdue
    assert late.held == AMOUNT
    lapsed, steps = woken(late, DUE + GRACE + 10 * DAY)
    assert steps == [Happening.LAPSE]
    assert (lapsed.held, lapsed.status, lapsed.wakes_at) == (yuan(0), Status.ACTIVE, None)
    assert not lapsed.counts_against(DUE + 1000 * DAY)
    assert available(lapsed.status, lapsed.barred) == (Transition.FULFILL,)
    late_word = refused("INVALID_TRANSITION", life.breached, lapsed, DUE + 20 * DAY, BreachKind.OTHER)
    assert late_word.message == (
        "A decision that is ACTIVE does not allow: report breach, as its overdue mark counts no more."
    )
    refused("INVALID_TRANSITION", life.extended, lapsed, DUE + 20 * DAY, DUE + 30 * DAY)
    assert life.settled(lapsed, DUE + 20 * DAY)[0].status is Status.FULFILLED


def test_the_window_begins_when_the_mark_is_set_not_when_it_could_have_been() -> None:
    late, steps = woken(active(), DUE + 500 * DAY)
    assert steps == [Happening.MARK_OVERDUE]
    assert late.wakes_at == DUE + 510 * DAY


def test_an_approval_runs_out_and_frees_what_it_held() -> None:
    ended, steps = woken(approved(), NOON + 3 * DAY)
    assert steps == [Happening.EXPIRE]
    assert (ended.status, ended.held, ended.wakes_at) == (Status.EXPIRED, yuan(0), None)
    refused("DECISION_EXPIRED", life.activated, approved(), NOON + 3 * DAY)


def test_a_breach_counts_once_its_window_is_over_and_is_written_off_in_the_end() -> None:
    standing = breached()
    assert not standing.counts_against(NOON + 5 * DAY - TICK)
    assert standing.counts_against(NOON + 5 * DAY)
    assert standing.held == AMOUNT
    off, steps = woken(standing, NOON + 100 * DAY)
    assert steps == [Happening.WRITE_OFF]
    assert (off.held, off.status) == (yuan(0), Status.BREACHED)
    assert off.counts_against(NOON + 100 * DAY)
    assert not life.settled(off, NOON + 101 * DAY)[0].counts_against(NOON + 101 * DAY)


@pytest.mark.parametrize("standing", [breached(), woken(active(), DUE + GRACE)[0]], ids=["breach", "overdue"])
def test_what_is_contested_neither_counts_nor_moves(standing: Standing) -> None:
    contested = life.contested(standing, DUE + 2 * DAY)
    assert not contested.counts_against(NOON + 1000 * DAY)
    settlement = contested.settlement(NOON + 1000 * DAY)
    assert settlement is not None
    assert not settlement.overdue
    assert contested.wakes_at is None
    assert contested.held == AMOUNT


def test_a_mark_stands_still_while_it_is_contested() -> None:
    late, _ = woken(active(), DUE + GRACE)
    back = life.uncontested(life.contested(late, DUE + 3 * DAY), DUE + 40 * DAY + TICK)
    assert (back.overdue_at, back.wakes_at) == (DUE + GRACE, DUE + GRACE + 47 * DAY + timedelta(seconds=1))
    assert back.counts_against(DUE + 41 * DAY)
    for again in (back, life.uncontested(life.contested(breached(), NOON), NOON)):
        assert refused("INVALID", contestable, again, DUE + 41 * DAY).message.endswith("decided or withdrawn.")
    fresh, _ = life.extended(back, DUE + 41 * DAY, DUE + 60 * DAY)
    marked, _ = woken(fresh, DUE + 60 * DAY + GRACE)
    assert marked.wakes_at == DUE + 70 * DAY + GRACE, "another date, another mark, another window"
    assert contestable(marked, DUE + 62 * DAY) is Contested.OVERDUE


def test_a_breach_after_a_mark_lifts_nothing_of_the_mark() -> None:
    late, _ = woken(active(), DUE + GRACE)
    standing = breached(late, DUE + 2 * DAY)
    assert standing.counts_against(DUE + 2 * DAY)
    settlement = standing.settlement(DUE + 2 * DAY)
    assert settlement is not None
    assert settlement.overdue
    assert not life.contested(standing, DUE + 3 * DAY).counts_against(DUE + 3 * DAY)


def test_a_voided_breach_is_as_if_it_had_not_been() -> None:
    back, step = life.breach_voided(life.contested(breached(), NOON), NOON)
    assert (back, step.name) == (replace(active(), voided_at=NOON), Happening.VOID_BREACH)
    late, _ = life.breach_voided(breached(at=DUE + 2 * DAY), DUE + 3 * DAY)
    assert woken(late, DUE + 1000 * DAY) == (late, []), "a promise does not become overdue by a breach that was none"
    off, _ = woken(breached(), NOON + 100 * DAY)
    assert life.breach_voided(off, NOON + 101 * DAY)[0].held == yuan(0), "what was freed is not taken up again"


def test_a_merchant_that_was_wrong_does_not_have_the_last_word() -> None:
    back, _ = life.breach_voided(breached(), NOON)
    assert available(back.status, back.barred) == (Transition.EXTEND, Transition.FULFILL)
    early = refused("INVALID_TRANSITION", life.breached, back, NOON + DAY, BreachKind.OTHER)
    assert "as a dispute about one was upheld" in early.message
    late, _ = woken(back, DUE + GRACE)
    assert life.breached(late, DUE + GRACE, BreachKind.NOT_PAID)[0].status is Status.BREACHED, "now the date has passed"
    cleared, _ = life.overdue_voided(life.contested(woken(active(), DUE + GRACE)[0], DUE + 2 * DAY), DUE + 3 * DAY)
    refused("INVALID_TRANSITION", life.breached, cleared, DUE + 3 * DAY, BreachKind.OTHER)


@given(st.sampled_from(Status), st.sampled_from([*Transition]))
def test_refusals_come_from_the_table(status: Status, name: Transition) -> None:
    standing = replace(approved(), status=status, valid_until=None)
    calls: dict[Transition, Any] = {
        Transition.ACTIVATE: lambda: life.activated(standing, NOON),
        Transition.EXTEND: lambda: life.extended(standing, NOON, DUE + DAY),
        Transition.FULFILL: lambda: life.settled(standing, NOON),
        Transition.REPORT_BREACH: lambda: life.breached(standing, NOON, BreachKind.OTHER),
        Transition.CANCEL: lambda: life.cancelled(standing, NOON),
    }
    if status in STEPS[name].sources:
        assert calls[name]()[1] is STEPS[name]
        return
    with pytest.raises(StateConflict) as refusal:
        calls[name]()
    assert (refusal.value.status, refusal.value.transitions) == (status, available(status))
