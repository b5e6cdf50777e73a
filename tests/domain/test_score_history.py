"""The history of a score: when it is computed, and how a tier is held."""

from copy import copy
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.domain.scoring.card_versions import CardVersions
from gateway.domain.scoring.history import Behaviour, Cause, ScoreState, compute_states, correct_states, next_due
from gateway.domain.scoring.record import BehaviourRecord, Dimension, RecordKind, month_of, month_start
from gateway.domain.scoring.tier import Tier
from gateway.kit.clock import BusinessTime
from gateway.services.identity.persona_records import CATALOGUE
from tests.support.clock import BUSINESS_NOON as NOON
from tests.support.records import CARDS, history, months_before, record

DECEMBER, JANUARY, FEBRUARY = (month_start(month_of(NOON) + months) for months in (1, 2, 3))

TOMORROW = BusinessTime(NOON + timedelta(days=1))


def behaviour(handle: str, *more: BehaviourRecord) -> Behaviour:
    """What is known about a persona whose score does not age within the year."""
    persona = next(each for each in CATALOGUE if each.handle == handle)
    return Behaviour(records=[*persona.records("p", NOON), *more], shared=frozenset(Dimension))


def excellent_state(held_until: BusinessTime | None = None, score: int = 700) -> ScoreState:
    """A computed state of the tier EXCELLENT at NOON."""
    (state,) = compute_states(CARDS, behaviour("threshold"), None, NOON, None)
    return replace(state, score=score, held_until=held_until)


def after(
    known: Behaviour, previous: ScoreState, until: BusinessTime, cause: Cause | None = None
) -> list[tuple[BusinessTime, Tier, BusinessTime | None]]:
    states = compute_states(CARDS, known, previous, until, cause)
    return [(state.as_of, state.tier, state.held_until) for state in states]


def test_first_state_is_computed_at_once() -> None:
    (state,) = compute_states(CARDS, behaviour("good"), None, NOON, Cause.IMPORT)
    assert (state.as_of, state.score, state.tier, state.cause) == (NOON, 640, Tier.GOOD, Cause.FIRST)


def test_each_months_start_is_computed_in_order() -> None:
    states = list(compute_states(CARDS, behaviour("threshold"), excellent_state(), FEBRUARY, None))
    assert [(state.as_of, state.cause) for state in states] == [
        (DECEMBER, Cause.MONTH),
        (JANUARY, Cause.MONTH),
        (FEBRUARY, Cause.MONTH),
    ]


def test_tier_that_ages_below_its_cut_off_is_held_for_a_month() -> None:
    assert after(behaviour("just-below"), excellent_state(), JANUARY) == [
        (DECEMBER, Tier.EXCELLENT, JANUARY),
        (JANUARY, Tier.VERY_GOOD, None),
    ]


def test_held_tier_is_no_longer_held_once_the_score_is_back() -> None:
    held = excellent_state(JANUARY, 699)
    assert after(behaviour("threshold"), held, NOON, Cause.IMPORT) == [(NOON, Tier.EXCELLENT, None)]


def test_held_tier_stays_held_if_the_score_rises_below_the_cut_off() -> None:
    held = excellent_state(DECEMBER, 698)
    assert after(behaviour("just-below"), held, NOON, Cause.RECORD) == [(NOON, Tier.EXCELLENT, DECEMBER)]


def test_tier_is_lost_at_once_six_points_below_its_cut_off() -> None:
    assert after(behaviour("good"), excellent_state(), DECEMBER) == [(DECEMBER, Tier.GOOD, None)]


@pytest.mark.parametrize("held", [True, False])
def test_counted_negative_lowers_the_tier_at_once(held: bool) -> None:
    counts_from = BusinessTime(NOON + timedelta(days=3))
    late = record(RecordKind.LATE, at=NOON, counts_from=counts_from, amount=None)
    previous = excellent_state(DECEMBER if held else None, 699 if held else 700)
    states = after(behaviour("threshold", late), previous, counts_from)
    assert states == [(counts_from, Tier.VERY_GOOD, None)]


def test_negative_counts_from_its_moment_although_it_is_computed_later() -> None:
    counts_from = BusinessTime(NOON + timedelta(days=3))
    late = record(RecordKind.LATE, at=NOON, counts_from=counts_from)
    states = list(compute_states(CARDS, behaviour("threshold", late), excellent_state(), DECEMBER, None))
    assert [(state.as_of, state.cause) for state in states] == [(counts_from, Cause.NEGATIVE), (DECEMBER, Cause.MONTH)]


@pytest.mark.parametrize("why", ["contested", "of an ignored partner"])
def test_negative_that_does_not_count_is_no_cause(why: str) -> None:
    late = record(RecordKind.LATE, at=NOON, counts_from=TOMORROW, partner="late")
    if why == "contested":
        late = replace(late, contested_at=NOON)
    known = replace(behaviour("threshold", late), ignored_partners=() if why == "contested" else ("late",))
    states = compute_states(CARDS, known, excellent_state(), DECEMBER, None)
    assert [state.cause for state in states] == [Cause.MONTH]
    assert next_due(CARDS, known, NOON, excellent_state()) == DECEMBER


def test_choice_that_lowers_the_score_is_no_ageing() -> None:
    known = replace(behaviour("threshold"), shared=frozenset())
    assert after(known, excellent_state(), NOON, Cause.CHOICE) == [(NOON, Tier.GOOD, None)]


def test_choice_is_no_ageing_although_it_is_computed_later() -> None:
    states = compute_states(CARDS, behaviour("just-below"), excellent_state(), JANUARY, Cause.CHOICE, TOMORROW)
    assert [(state.as_of, state.tier, state.cause) for state in states] == [
        (TOMORROW, Tier.VERY_GOOD, Cause.CHOICE),
        (DECEMBER, Tier.VERY_GOOD, Cause.MONTH),
        (JANUARY, Tier.VERY_GOOD, Cause.MONTH),
    ]


def test_record_without_a_moment_of_its_own_is_computed_now() -> None:
    assert after(behaviour("excellent"), excellent_state(), NOON, Cause.RECORD) == [(NOON, Tier.EXCELLENT, None)]
    kept = record(at=BusinessTime(NOON + timedelta(hours=1)))
    later = BusinessTime(NOON + timedelta(hours=2))
    assert len(after(behaviour("excellent", kept), excellent_state(), later, Cause.RECORD)) == 1


def test_score_is_due_at_the_next_months_start_or_when_a_negative_begins_to_count() -> None:
    state = excellent_state()
    assert next_due(CARDS, behaviour("good"), NOON, state) == DECEMBER
    counts_from = BusinessTime(NOON + timedelta(days=3))
    late = record(RecordKind.LATE, at=NOON, counts_from=counts_from)
    assert next_due(CARDS, behaviour("good", late), NOON, state) == counts_from
    assert next_due(CARDS, behaviour("good", late), counts_from, state) == DECEMBER


def test_person_with_too_few_records_is_unscored_with_one_reason() -> None:
    known = Behaviour(records=history(NOON, 2))
    (state,) = compute_states(CARDS, known, None, NOON, None)
    assert (state.score, state.tier, [reason.code for reason in state.reasons]) == (
        None,
        Tier.UNSCORED,
        ["TOO_FEW_RECORDS"],
    )


def test_record_at_a_months_start_does_not_end_a_tier_that_ages() -> None:
    phone = record(RecordKind.PHONE, at=DECEMBER, dimension=Dimension.IDENTITY, amount=None)
    assert after(behaviour("just-below", phone), excellent_state(), DECEMBER) == [(DECEMBER, Tier.EXCELLENT, JANUARY)]


@pytest.mark.parametrize("cause", [Cause.CHOICE, Cause.RECORD, Cause.IMPORT])
def test_tier_is_held_no_longer_than_its_date(cause: Cause) -> None:
    held = excellent_state(DECEMBER, 699)
    record_then = record(RecordKind.PHONE, at=DECEMBER, dimension=Dimension.IDENTITY, amount=None)
    assert after(behaviour("just-below", record_then), held, DECEMBER, cause)[-1] == (DECEMBER, Tier.VERY_GOOD, None)


def test_card_that_begins_with_a_month_ends_a_held_tier_at_its_date() -> None:
    (card,) = CARDS
    next_card = copy(card)
    next_card.version, next_card.effective = "next", DECEMBER.date()
    states = list(
        compute_states(
            CardVersions([card, next_card]), behaviour("just-below"), excellent_state(DECEMBER, 699), DECEMBER, None
        )
    )
    assert [(state.tier, state.held_until, state.cause) for state in states] == [(Tier.VERY_GOOD, None, Cause.CARD)]


def test_tier_is_held_only_as_long_as_the_card_allows() -> None:
    (card,) = CARDS
    short = copy(card)
    short.rules = replace(card.rules, longest_hold=timedelta(days=10))
    cards, known, until = CardVersions([short]), behaviour("just-below"), BusinessTime(DECEMBER + timedelta(days=10))
    held = list(compute_states(cards, known, excellent_state(), DECEMBER, None))[-1]
    assert (held.tier, held.held_until) == (Tier.EXCELLENT, until)
    assert next_due(cards, known, DECEMBER, held) == until
    states = list(compute_states(cards, known, excellent_state(), JANUARY, None))
    assert [(state.as_of, state.tier) for state in states] == [
        (DECEMBER, Tier.EXCELLENT),
        (until, Tier.VERY_GOOD),
        (JANUARY, Tier.VERY_GOOD),
    ]


def test_person_becomes_scored_when_the_oldest_record_is_old_enough() -> None:
    first = BusinessTime(NOON - timedelta(days=29))
    known = Behaviour(records=[record(at=first), record(at=NOON), record(at=NOON)])
    (unscored,) = compute_states(CARDS, known, None, NOON, None)
    assert unscored.score is None
    assert next_due(CARDS, known, NOON, unscored) == TOMORROW
    (scored,) = compute_states(CARDS, known, unscored, TOMORROW, None)
    assert (scored.as_of, scored.score is None) == (TOMORROW, False)
    assert next_due(CARDS, known, TOMORROW, scored) == DECEMBER


def test_correction_never_lowers_a_tier() -> None:
    """No computation lies before the corrected record."""
    held = excellent_state(DECEMBER, 690)
    for before in (None, replace(held, as_of=months_before(NOON, 0), tier=Tier.GOOD, held_until=None)):
        states = correct_states(CARDS, behaviour("just-below"), before, held, NOON)
        assert (states[-1].tier, states[-1].held_until, states[-1].cause) == (
            Tier.EXCELLENT,
            DECEMBER,
            Cause.CORRECTION,
        )


def test_removed_record_is_no_ageing_although_it_is_computed_later() -> None:
    """A record that is gone has no moment of its own. That of another record, or a month's start, is not its moment."""
    kept = record(at=BusinessTime(TOMORROW + timedelta(days=1)), amount=None)
    for more in ((), (kept,)):
        known = behaviour("just-below", *more)
        states = list(compute_states(CARDS, known, excellent_state(score=704), JANUARY, Cause.RECORD, TOMORROW))
        first = (states[0].as_of, states[0].tier, states[0].held_until, states[0].cause)
        assert first == (TOMORROW, Tier.VERY_GOOD, None, Cause.RECORD)


@pytest.mark.parametrize("cause", [Cause.IMPORT, Cause.CHOICE, Cause.NEGATIVE, Cause.RECORD])
def test_change_is_no_ageing_although_a_month_began_before_it(cause: Cause) -> None:
    """A month's start was not computed in time. It is computed with the change, which lowers the score."""
    just_after = BusinessTime(DECEMBER + timedelta(minutes=1))
    for changed_at in (just_after, DECEMBER):  # a score that was due already keeps its earlier moment
        states = list(compute_states(CARDS, behaviour("just-below"), excellent_state(), just_after, cause, changed_at))
        last = states[-1]
        assert (last.as_of, last.tier, last.held_until, last.cause) == (just_after, Tier.VERY_GOOD, None, cause)


def test_change_that_lowers_nothing_leaves_a_tier_held_that_has_aged() -> None:
    just_after = BusinessTime(DECEMBER + timedelta(minutes=1))
    (ageing,) = compute_states(CARDS, behaviour("just-below"), None, NOON, None)
    previous = replace(ageing, tier=Tier.EXCELLENT)  # 699 points now, as before
    states = compute_states(CARDS, behaviour("just-below"), previous, just_after, Cause.IMPORT, just_after)
    assert [(each.as_of, each.tier, each.held_until) for each in states][-1] == (just_after, Tier.EXCELLENT, JANUARY)
