"""What a score would be after some steps."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import InvalidInput
from gateway.domain.money import Money
from gateway.domain.scoring.evaluation import evaluate
from gateway.domain.scoring.history import Behaviour, compute_states
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.domain.scoring.what_if import (
    MOST_KEPT,
    WAITS,
    Choice,
    OpenObligation,
    Projection,
    Sharing,
    Situation,
    months_later,
    project_score,
    score_without,
)
from gateway.kit.clock import BusinessTime
from gateway.services.identity.persona_records import CATALOGUE
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import CARDS, HUNDRED, history, months_before, record

CONTEST = timedelta(days=14)
COUNTS = BusinessTime(NOON + CONTEST)
BILLS = Dimension.FINANCIAL_CAPACITY


def situation(
    *records: BehaviourRecord, shared: frozenset[Dimension] = frozenset(Dimension), obligations: Any = ()
) -> Situation:
    """A person with these records, whose score was computed now."""
    behaviour = Behaviour(records=list(records), shared=shared)
    (present,) = compute_states(CARDS, behaviour, None, NOON, None)
    return Situation(
        cards=CARDS, behaviour=behaviour, present=present, now=NOON, obligations=obligations, contest=CONTEST
    )


def persona(handle: str, *more: BehaviourRecord, **options: Any) -> Situation:
    blueprint = next(each for each in CATALOGUE if each.handle == handle)
    return situation(*blueprint.records("p", NOON), *more, **options)


def obligation(days: int, *, overdue: bool = False, name: str = "dec") -> OpenObligation:
    due_at = BusinessTime(NOON + timedelta(days=days))
    late_from = BusinessTime(due_at + CONTEST) if overdue else None
    return OpenObligation(name, Dimension.CREDIT_HISTORY, "Moon Shop", "prt", HUNDRED, due_at, late_from)


def scored(projection: Projection) -> tuple[int | None, Tier, BusinessTime]:
    return projection.state.score, projection.state.tier, projection.reached_at


def test_no_step_leaves_the_score() -> None:
    known = persona("good")
    assert Choice().is_empty
    projection = project_score(known, Choice())
    assert (projection.state, projection.unchanged, projection.until) == (known.present, known.present, NOON)


@pytest.mark.parametrize("own", [False, True])
def test_settling_what_is_overdue_changes_no_score_until_it_counts_as_late(own: bool) -> None:
    known = persona("excellent", obligations=(obligation(-3, overdue=True),)) if own else persona("overdue")
    projection = project_score(known, Choice(settle=True))
    assert scored(projection) == (known.present.score, known.present.tier, NOON)
    assert projection.state.open_overdue == 0
    assert projection.late_from == (COUNTS - timedelta(days=3) if own else COUNTS)
    assert projection.late is not None
    assert (projection.late.score, projection.late.as_of) == ((known.present.score or 0) - 18, projection.late_from)


def test_late_settlement_is_included_once_it_counts() -> None:
    projection = project_score(persona("overdue"), Choice(settle=True, wait=3))
    assert (projection.state.score, projection.late_from, projection.late) == (742, COUNTS, None)


@pytest.mark.parametrize("written_off", [False, True])
def test_settling_what_is_broken_makes_it_late(written_off: bool) -> None:
    ended_at = months_before(NOON, 0) if written_off else None
    broken = record(RecordKind.BROKEN, at=months_before(NOON, 1), ended_at=ended_at)
    projection = project_score(persona("excellent", broken), Choice(settle=True))
    assert (projection.unchanged.score, projection.state.score, projection.late) == (680, 762, None)


def test_settling_what_is_broken_within_the_dispute_window_leaves_no_record() -> None:
    broken = record(RecordKind.BROKEN, at=NOON, counts_from=COUNTS)
    projection = project_score(persona("excellent", broken), Choice(settle=True, wait=3))
    assert (projection.unchanged.score, projection.state.score) == (680, 780)


def test_finishing_what_is_open_counts_when_it_is_due() -> None:
    known = persona("just-below", obligations=(obligation(10, name="a"), obligation(40, name="b")))
    projection = project_score(known, Choice(finish=True))
    # Two payments give 8 points, and two more months with a kept obligation 3.
    assert scored(projection) == (710, Tier.EXCELLENT, NOON + timedelta(days=40))
    assert projection.until == NOON + timedelta(days=40)
    assert (projection.unchanged.score, projection.unchanged.tier) == (699, Tier.VERY_GOOD)


def test_overdue_and_far_obligations_are_not_finished_on_time() -> None:
    known = persona("good", obligations=(obligation(-1, overdue=True), obligation(2000, name="far")))
    assert known.finishable == ()
    assert project_score(known, Choice(finish=True)).state.score == known.present.score


def test_further_obligations_are_kept_one_a_month_with_other_partners() -> None:
    known = persona("fair")
    projection = project_score(known, Choice(keep=3))
    assert projection.until == months_later(NOON, 2)
    # Two more partners, up to five, give 40 points, two more months 3, and three more units 14.
    assert projection.state.score == 570 + 57
    assert known.kept_amount == Money(10_000, "CNY")


def test_person_without_a_score_gets_one_by_three_kept_obligations() -> None:
    known = situation()
    assert project_score(known, Choice(keep=2)).state.score is None
    assert project_score(known, Choice(keep=3)).state.tier is Tier.BUILDING


def test_verified_document_counts_at_once() -> None:
    known = persona("building")
    projection = project_score(known, Choice(verify=True))
    assert scored(projection) == (445, Tier.BUILDING, NOON)
    assert projection.state.has_document
    assert project_score(persona("excellent"), Choice(verify=True)).state.score == 780


def test_bills_can_be_shared_only_if_they_were_assessed() -> None:
    bills = record(RecordKind.MONTHS, at=NOON, dimension=BILLS, months=12)
    stale = replace(bills, at=months_before(NOON, 24))
    kept = history(NOON)
    assert situation(*kept, bills).sharing is Sharing.SHARED
    assert situation(*kept, shared=frozenset()).sharing is Sharing.ASSESSMENT_NEEDED
    assert situation(*kept, stale, shared=frozenset()).sharing is Sharing.ASSESSMENT_NEEDED
    known = situation(*kept, bills, shared=frozenset())
    assert known.sharing is Sharing.POSSIBLE
    assert project_score(known, Choice(share=True)).state.score == (known.present.score or 0) + 70
    needed = situation(*kept, shared=frozenset())
    assert project_score(needed, Choice(share=True)).state == needed.present


def test_score_without_a_shared_dimension_has_lost_its_points_at_once() -> None:
    state = score_without(persona("threshold"), BILLS)
    assert (state.score, state.tier) == (630, Tier.GOOD)


def test_missed_obligation_counts_after_its_dispute_window() -> None:
    projection = project_score(persona("excellent"), Choice(miss=True))
    assert projection.until == COUNTS
    assert scored(projection) == (680, Tier.VERY_GOOD, COUNTS)
    assert projection.unchanged.score == 780


def test_tier_is_held_while_the_score_ages() -> None:
    """A tier that was computed above its cut-off is held in the month in which the score ages below it."""
    known = persona("just-below")
    held = replace(known, present=replace(known.present, score=700, tier=Tier.EXCELLENT))
    january = month_start(month_of(NOON) + 2)
    assert scored(project_score(held, Choice(wait=3))) == (699, Tier.VERY_GOOD, january)


@pytest.mark.parametrize("numbers", [{"keep": -1}, {"keep": MOST_KEPT + 1}, {"wait": 1}, {"wait": -3}])
def test_number_that_cannot_be_chosen_is_refused(numbers: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refused:
        Choice(**numbers)
    assert refused.value.field == (*numbers,)


def test_month_without_the_day_ends_at_its_last_day() -> None:
    end = BusinessTime(NOON.replace(year=2027, month=11, day=30))
    assert months_later(end, 3).date().isoformat() == "2028-02-29"


finished = st.builds(
    lambda kind, dimension, partner, day, waits: record(
        kind,
        at=BusinessTime(NOON - timedelta(days=day)),
        dimension=dimension,
        partner=f"p{partner}",
        counts_from=BusinessTime(NOON - timedelta(days=day - waits))
        if kind in {RecordKind.LATE, RecordKind.BROKEN}
        else None,
    ),
    st.sampled_from([RecordKind.KEPT, RecordKind.KEPT, RecordKind.LATE, RecordKind.BROKEN]),
    st.sampled_from([Dimension.FULFILMENT, Dimension.CREDIT_HISTORY]),
    st.integers(0, 5),
    st.integers(0, 1500),
    st.integers(0, 30),
)
BASE = [record(at=months_before(NOON, 2), partner=f"scored-{number}") for number in range(3)]
choices = st.builds(
    Choice,
    settle=st.booleans(),
    finish=st.booleans(),
    keep=st.integers(0, MOST_KEPT),
    verify=st.booleans(),
    share=st.booleans(),
    wait=st.sampled_from(WAITS),
    miss=st.booleans(),
)
obligations = st.lists(st.integers(-5, 200), max_size=3).map(
    lambda days: tuple(obligation(day, overdue=day < 0, name=f"dec-{number}") for number, day in enumerate(days))
)
situations = st.builds(
    lambda records, open_, score: _held(situation(*BASE, *records, obligations=open_), score),
    st.lists(finished, max_size=30),
    obligations,
    st.integers(0, 20),
)


def _held(known: Situation, above: int) -> Situation:
    """The person, whose score was up to 20 points better before."""
    before = (known.present.score or 0) + above
    return replace(known, present=replace(known.present, score=before, tier=CARDS.at(NOON).tier_of(before)))


@given(situations, choices, st.integers(1, MOST_KEPT))
@settings(max_examples=100)
def test_keeping_more_never_lowers(known: Situation, choice: Choice, more: int) -> None:
    less, kept = (
        project_score(known, replace(choice, wait=12, keep=keep))
        for keep in (min(choice.keep, more), max(choice.keep, more))
    )
    assert less.until == kept.until
    assert (less.state.score or 0) <= (kept.state.score or 0)
    assert less.state.tier.rank <= kept.state.tier.rank


@given(situations, choices)
@settings(max_examples=100)
def test_missing_never_raises(known: Situation, choice: Choice) -> None:
    waiting = replace(choice, wait=12)
    missed, kept = (project_score(known, replace(waiting, miss=miss)).state for miss in (True, False))
    assert (missed.score or 0) <= (kept.score or 0)
    assert missed.tier.rank <= kept.tier.rank


@given(situations, st.sampled_from(WAITS))
@settings(max_examples=100)
def test_waiting_alone_is_the_later_evaluation(known: Situation, months: int) -> None:
    end = months_later(NOON, months)
    projection = project_score(known, Choice(wait=months))
    later = [known.present, *compute_states(CARDS, known.behaviour, known.present, end, None)][-1]
    assert projection.state == projection.unchanged == later
    if months:
        assert later.score == evaluate(CARDS.at(end), known.behaviour.records, end, known.behaviour.shared).score


@given(situations, choices)
@settings(max_examples=100)
def test_result_holds_from_the_moment_at_which_it_is_reached(known: Situation, choice: Choice) -> None:
    projection = project_score(known, choice)
    assert NOON <= projection.reached_at <= projection.until
    assert projection.state.as_of <= projection.until
