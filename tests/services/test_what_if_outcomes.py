"""The what-if of a person's open obligations agrees with what their outcomes later give."""

from datetime import timedelta

from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.scoring.what_if import Choice, Projection
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand, FulfillCommand
from gateway.services.scoring.person_scores import PersonScore
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld

PERSON = "just-below"


def load(world: DemoWorld, choice: Choice | None = None) -> PersonScore:
    return world.container.person_scores.load(world.user(PERSON), choice)


def project(world: DemoWorld, choice: Choice) -> Projection:
    view = load(world, choice).scorecard
    assert view is not None
    assert view.projection is not None
    return view.projection


def rent(world: DemoWorld) -> str:
    """An active rental of the person, which is due in four days."""
    result = world.request(world.grant(PERSON), request_command(car(world.now)))
    world.transitions.activate(world.merchant_token(), ActivateCommand(result.decision.id, "activate"))
    return result.decision.id


def settle(world: DemoWorld, decision_id: str) -> None:
    world.transitions.fulfill(world.merchant_token(), FulfillCommand(decision_id, "settle"))


def test_finished_obligation_gives_what_the_what_if_said(world: DemoWorld) -> None:
    decision_id = rent(world)
    expected = project(world, Choice(finish=True))
    world.clock.advance(days=4)
    settle(world, decision_id)
    actual = load(world).measurement
    assert (actual.score, actual.tier) == (expected.state.score, expected.state.tier)
    assert actual.score != expected.unchanged.score


def test_settled_overdue_obligation_gives_what_the_what_if_said(world: DemoWorld) -> None:
    decision_id = rent(world)
    world.clock.advance(days=8)
    world.scheduler.apply_due()
    assert load(world).is_blocked
    expected = project(world, Choice(settle=True))
    settle(world, decision_id)
    actual = load(world)
    assert not actual.is_blocked
    assert (actual.measurement.score, actual.measurement.tier) == (expected.state.score, expected.state.tier)
    assert expected.late is not None
    world.clock.advance(expected.late.as_of - world.now)
    later = load(world).measurement
    assert (later.score, later.tier, later.as_of) == (expected.late.score, expected.late.tier, expected.late.as_of)


def test_settled_breach_gives_what_the_what_if_said(world: DemoWorld) -> None:
    decision_id = rent(world)
    command = BreachCommand(decision_id, "breach", BreachKind.DAMAGED)
    world.transitions.report_breach(world.merchant_token(), command)
    world.clock.advance(timedelta(days=15))
    broken = load(world)
    assert broken.is_blocked
    expected = project(world, Choice(settle=True))
    assert (expected.unchanged.score or 0) < (expected.state.score or 0)
    settle(world, decision_id)
    actual = load(world)
    assert not actual.is_blocked
    assert (actual.measurement.score, actual.measurement.tier) == (expected.state.score, expected.state.tier)
