"""The score that a person sees: its state, history, dimensions and reasons, the what-if, the choices, and what
merchants would decide."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.transitions import BreachKind, Status
from gateway.domain.errors import InvalidInput, NotFound
from gateway.domain.money import Money
from gateway.domain.scoring.history import Behaviour, compute_states
from gateway.domain.scoring.reasons import TOO_FEW_RECORDS
from gateway.domain.scoring.record import Dimension, month_of, month_start
from gateway.domain.scoring.score import Measurement
from gateway.domain.scoring.tier import Tier
from gateway.domain.scoring.what_if import Choice, Sharing
from gateway.kit.clock import BusinessTime
from gateway.services.scoring.person_scores import (
    DimensionPoints,
    PersonScore,
    PersonScoreService,
    ScorecardView,
)
from gateway.services.scoring.score_months import MONTHS
from tests.support.demo_world import DemoWorld
from tests.support.factories import make_decision
from tests.support.person_scores import new_person
from tests.support.units import writing

BILLS = Dimension.FINANCIAL_CAPACITY


def load(world: DemoWorld, handle: str = "good", choice: Choice | None = None) -> PersonScore:
    return world.container.person_scores.load(world.user(handle), choice)


def view_of(score: PersonScore) -> ScorecardView:
    assert score.scorecard is not None
    return score.scorecard


def dimension(score: PersonScore, name: Dimension) -> DimensionPoints:
    return next(each for each in view_of(score).dimensions if each.dimension is name)


def decide(world: DemoWorld, handle: str, **fields: Any) -> str:
    """A decision with a consent of the persona."""
    consent = world.grant(handle)
    with writing(world.database) as unit:
        return make_decision(unit, consent, **fields)


def test_present_state_has_its_dimensions_and_reasons(world: DemoWorld) -> None:
    score = load(world)
    measurement = score.measurement
    assert (measurement.score, measurement.tier, measurement.as_of) == (640, Tier.GOOD, world.now)
    assert score.next_tier is Tier.VERY_GOOD
    points = {each.dimension: each.points for each in view_of(score).dimensions}
    assert view_of(score).card.rules.base + sum(points.values()) == 640
    possible = {each.dimension: each.possible for each in view_of(score).dimensions}
    assert view_of(score).card.rules.base + sum(possible.values()) == 950
    assert possible[Dimension.SOCIAL_RELATIONS] == 0
    assert [reason.code for reason in score.reasons] == list(measurement.reasons)
    assert all(reason.text.zh and reason.advice and reason.points for reason in score.reasons)


def test_score_that_is_due_is_computed_first(world: DemoWorld) -> None:
    load(world)
    world.clock.advance(days=40)
    assert load(world).measurement.as_of == month_start(month_of(world.now))


def test_business_time_is_that_of_the_persons_partner(world: DemoWorld) -> None:
    world.move_partner(timedelta(days=40))
    assert load(world).now == world.now + timedelta(days=40)
    assert world.container.person_scores.load(new_person(world)).now == world.now


def test_history_has_one_point_a_month_and_carries_gaps(world: DemoWorld) -> None:
    first = view_of(load(world)).months
    assert [point.is_reconstructed for point in first] == [True] * (MONTHS - 1) + [False]
    assert (first[-1].score, first[-1].tier) == (640, Tier.GOOD)
    world.clock.advance(days=70)  # from November to February
    with writing(world.database) as unit:  # computed in no month between
        unit.scores.mark_due(world.user("good"), world.now)
    world.execute("DELETE FROM score_snapshots WHERE cause = 'MONTH'")
    months = view_of(load(world)).months
    assert [point.start for point in months] == [month_start(month_of(world.now) - back) for back in range(11, -1, -1)]
    assert [point.score for point in months if not point.is_reconstructed] == [640] * 4


def test_months_before_the_first_computation_are_computed_from_the_records(world: DemoWorld) -> None:
    """As if the score had been computed at the end of each month, with what was known then."""
    months = view_of(load(world)).months
    scores = [point.score for point in months]
    assert scores[:7] == [None] * 7, "the records are of the last five months"
    known = [score for score in scores if score is not None]
    assert known == sorted(known)
    assert known[0] < known[-2] < known[-1] == 640
    assert [point.tier for point in months] == [view_of(load(world)).card.tier_of(score) for score in scores]
    user_id, scorecard = world.user("good"), world.container.scorecard
    end = BusinessTime(month_start(month_of(world.now)) - timedelta(microseconds=1))
    with writing(world.database) as unit:
        behaviour = scorecard.load_behaviour(unit, user_id, world.now)
    past = Behaviour(records=[each for each in behaviour.records if each.at <= end], shared=behaviour.shared)
    (state,) = compute_states(scorecard.cards, past, None, end, None)
    assert months[-2].score == state.score


def test_reconstructed_months_end_at_the_first_computation(world: DemoWorld) -> None:
    load(world)
    world.clock.advance(days=31)
    world.execute("UPDATE score_snapshots SET score = 500, tier = 'BUILDING' WHERE cause = 'FIRST'")
    months = view_of(load(world)).months
    assert [(point.score, point.is_reconstructed) for point in months[-2:]] == [(500, False), (640, False)]
    assert all(point.is_reconstructed for point in months[:-2])
    world.clock.advance(days=365)
    assert not any(point.is_reconstructed for point in view_of(load(world)).months)


def test_last_state_of_a_month_is_its_point(world: DemoWorld) -> None:
    load(world)
    user_id = world.user("good")
    world.container.person_scores.choose_sharing(user_id, BILLS, share=False)
    world.clock.advance(days=30)
    months = view_of(load(world)).months
    assert [point.score for point in months[-2:]] == [588, 588]


def test_reason_of_an_older_card_version_does_not_fail(world: DemoWorld) -> None:
    load(world)
    world.execute("""UPDATE person_scores SET reasons = '[["GONE", 12]]'""")
    (reason,) = load(world).reasons
    assert (reason.code, reason.points) == ("GONE", 12)
    assert reason.text.en
    assert reason.text.zh


def test_switch_changes_the_score_at_once(world: DemoWorld) -> None:
    user_id, service = world.user("good"), world.container.person_scores
    before = load(world)
    without = dimension(before, BILLS).without
    assert dimension(before, BILLS).is_shared
    assert without is not None
    service.choose_sharing(user_id, BILLS, share=False)
    after = load(world)
    assert dimension(after, BILLS) == DimensionPoints(BILLS, 0, 70, is_shared=False, without=None)
    assert after.measurement.score == without.score == 640 - dimension(before, BILLS).points
    assert after.measurement.tier is without.tier is Tier.FAIR
    assert world.source.measure(user_id, world.now).score == after.measurement.score
    service.choose_sharing(user_id, BILLS, share=True)
    assert load(world).measurement.score == 640


def test_choice_is_written_with_wall_time(world: DemoWorld) -> None:
    world.move_partner(timedelta(days=40))
    world.clock.advance(hours=1)
    world.container.person_scores.choose_sharing(world.user("good"), BILLS, share=False)
    rows = world.rows("SELECT is_shared, chosen_at FROM score_choices WHERE user_id = :user", user=world.user("good"))
    ((is_shared, chosen_at),) = rows
    assert not is_shared
    assert str(world.clock().date()) in str(chosen_at)


@pytest.mark.parametrize("refused", [Dimension.SOCIAL_RELATIONS, Dimension.SHOPPING])
def test_only_an_optional_dimension_with_points_can_be_chosen(world: DemoWorld, refused: Dimension) -> None:
    with pytest.raises(InvalidInput):
        world.container.person_scores.choose_sharing(world.user("good"), refused, share=True)
    assert world.rows("SELECT dimension FROM score_choices WHERE user_id = :user", user=world.user("good")) == [
        (BILLS.value,)
    ]


def test_what_if_finishes_the_persons_open_obligations(world: DemoWorld) -> None:
    due_at = BusinessTime(world.now + timedelta(days=20))
    decide(world, "just-below", status=Status.ACTIVE, activated_at=world.now, due_at=due_at)
    score = load(world, "just-below", Choice(finish=True))
    view = view_of(score)
    (obligation,) = view.situation.finishable
    assert (obligation.partner, obligation.dimension) == (world.partner_id, Dimension.FULFILMENT)
    assert (obligation.amount, obligation.due_at) == (Money(300_000, "CNY"), due_at)
    assert view.projection is not None
    assert (view.projection.until, view.projection.state.tier) == (due_at, Tier.EXCELLENT)
    assert load(world, "just-below").scorecard is not None
    assert view_of(load(world, "just-below")).projection is None


ACTIVE: dict[str, Any] = {"status": Status.ACTIVE}


@pytest.mark.parametrize(
    ("fields", "finishable", "overdue"),
    [
        pytest.param({"status": Status.APPROVED}, 0, 0, id="unused"),
        pytest.param(ACTIVE, 1, 0, id="open"),
        pytest.param({**ACTIVE, "due": Money(0, "CNY")}, 0, 0, id="nothing left"),
        pytest.param({**ACTIVE, "due_at": 0}, 0, 1, id="due, and not yet flagged"),
        pytest.param({**ACTIVE, "overdue_at": 0}, 0, 1, id="overdue"),
        pytest.param({**ACTIVE, "overdue_at": 0, "contested_at": 0}, 0, 0, id="contested"),
        pytest.param({**ACTIVE, "overdue_at": 0, "lapsed_at": 0}, 0, 0, id="lapsed"),
        pytest.param({"status": Status.BREACHED, "breached_at": 0, "breach_kind": BreachKind.OTHER}, 0, 0, id="broken"),
    ],
)
def test_only_open_obligations_can_be_finished(
    world: DemoWorld, fields: dict[str, Any], finishable: int, overdue: int
) -> None:
    moments = {name: world.now if value == 0 else value for name, value in fields.items()}
    decide(world, "good", **{"due_at": BusinessTime(world.now + timedelta(days=20)), **moments})
    situation = view_of(load(world)).situation
    assert (len(situation.finishable), len(situation.overdue)) == (finishable, overdue)


def test_overdue_obligation_blocks_and_can_be_settled(world: DemoWorld) -> None:
    decide(world, "good", status=Status.ACTIVE, due_at=world.now, overdue_at=world.now)
    score = load(world, "good", Choice(settle=True))
    assert (score.measurement.open_overdue, score.is_blocked) == (1, True)
    projection = view_of(score).projection
    assert projection is not None
    assert (projection.state.score, projection.state.open_overdue) == (640, 0)
    assert not load(world, "fair").is_blocked


def test_bills_without_records_need_an_assessment(world: DemoWorld) -> None:
    assert view_of(load(world, "building")).situation.sharing is Sharing.SHARED
    person = world.container.person_scores.load(new_person(world))
    assert view_of(person).situation.sharing is Sharing.ASSESSMENT_NEEDED


def test_person_without_records_sees_how_to_begin(world: DemoWorld) -> None:
    score = world.container.person_scores.load(new_person(world))
    assert (score.measurement.score, score.measurement.tier, score.next_tier) == (None, Tier.UNSCORED, Tier.FAIR)
    assert [reason.code for reason in score.reasons] == [TOO_FEW_RECORDS]
    assert score.starter_limits == (Money(20_000, "CNY"),)


@pytest.mark.parametrize(("handle", "is_starter"), [("unscored", True), ("building", True), ("fair", False)])
def test_starters_of_both_tiers_have_a_limit(world: DemoWorld, handle: str, is_starter: bool) -> None:
    assert load(world, handle).starter_limits == ((Money(20_000, "CNY"),) if is_starter else ())


def test_what_is_overdue_is_here_or_elsewhere(world: DemoWorld) -> None:
    elsewhere = load(world, "overdue")
    assert (elsewhere.open_here, elsewhere.is_blocked, elsewhere.is_blocked_elsewhere) == (0, True, True)
    decide(world, "good", status=Status.BREACHED, breached_at=world.now, breach_kind=BreachKind.DAMAGED)
    world.clock.advance(days=60)
    here = load(world, "good")
    assert (here.open_here, here.is_blocked, here.is_blocked_elsewhere) == (1, True, False)


class OtherSource:
    """A score source that is not the scorecard."""

    def measure(self, user_id: str, now: BusinessTime) -> Measurement:
        return Measurement(612, Tier.GOOD, now, now + timedelta(hours=1), reasons=("FEW_RETURNS",))


@pytest.fixture
def other(world: DemoWorld) -> PersonScoreService:
    return PersonScoreService(world.database, OtherSource(), world.container.person_scores._requests)


def test_other_source_has_reasons_and_no_what_if(world: DemoWorld, other: PersonScoreService) -> None:
    score = other.load(world.user("good"), Choice(keep=1))
    assert (score.measurement.score, score.next_tier, score.scorecard) == (612, Tier.VERY_GOOD, None)
    assert [(reason.code, reason.points, reason.advice) for reason in score.reasons] == [("FEW_RETURNS", None, None)]
    assert score.reasons[0].text.zh


def test_other_source_has_no_dimensions_to_choose(world: DemoWorld, other: PersonScoreService) -> None:
    with pytest.raises(NotFound):
        other.choose_sharing(world.user("good"), BILLS, share=False)


@pytest.mark.parametrize(
    "call",
    [
        lambda service: service.load("usr_test_unknown"),
        lambda service: service.choose_sharing("usr_test_unknown", BILLS, share=True),
    ],
)
def test_unknown_person_is_not_found(world: DemoWorld, call: Callable[[PersonScoreService], object]) -> None:
    with pytest.raises(NotFound):
        call(world.container.person_scores)


def test_page_writes_nothing_if_the_score_is_not_due(world: DemoWorld) -> None:
    load(world)
    before = world.contents()
    load(world, "good", Choice(keep=3, miss=True, wait=12))
    assert world.contents() == before
