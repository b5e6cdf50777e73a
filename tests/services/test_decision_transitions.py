"""Rules for every transition by a merchant: idempotency, access, concurrency, and rejected input."""

from collections.abc import Callable
from functools import partial

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.errors import GatewayError, IdempotencyConflict, InvalidInput, NotFound
from gateway.domain.identity.principal import Principal
from gateway.domain.money import Money
from gateway.services.decisions.transitions import (
    ActivateCommand,
    BreachCommand,
    CancelCommand,
    DecisionTransitions,
    ExtendCommand,
    FulfillCommand,
    ReduceCommand,
)
from tests.services.decisions import DAY, THREADS, activate_decision, request_decision, yuan
from tests.support.at_once import at_once
from tests.support.clock import BUSINESS_NOON
from tests.support.demo_world import DemoWorld

TransitionCall = Callable[[DecisionTransitions, Principal], DecisionState]
TRANSITIONS: list[tuple[str, Callable[[str, str], TransitionCall]]] = [
    ("activate", lambda d, k: lambda m, t: m.activate(t, ActivateCommand(d, k))),
    (
        "extend",
        lambda d, k: lambda m, t: m.extend(t, ExtendCommand(d, k, BUSINESS_NOON + 27 * DAY, "x")),
    ),
    ("reduce", lambda d, k: lambda m, t: m.reduce(t, ReduceCommand(d, k, yuan("0.00"), "x"))),
    ("fulfill", lambda d, k: lambda m, t: m.fulfill(t, FulfillCommand(d, k, None, yuan("1.00")))),
    ("breach", lambda d, k: lambda m, t: m.report_breach(t, BreachCommand(d, k, BreachKind.OTHER))),
    ("cancel", lambda d, k: lambda m, t: m.cancel(t, CancelCommand(d, k, None))),
]
EACH_TRANSITION = pytest.mark.parametrize(
    "transition", [pytest.param(transition, id=name) for name, transition in TRANSITIONS]
)


def ready(world: DemoWorld, transition: Callable[[str, str], TransitionCall]) -> DecisionState:
    """A decision that allows the transition."""
    before_activation = {make for name, make in TRANSITIONS if name in {"activate", "cancel"}}
    return request_decision(world) if transition in before_activation else activate_decision(world)


@EACH_TRANSITION
def test_repeated_key_applies_once(world: DemoWorld, transition: Callable[[str, str], TransitionCall]) -> None:
    decision, token = ready(world, transition), world.merchant_token()
    first = transition(decision.id, "once")(world.transitions, token)
    after = world.contents()
    assert transition(decision.id, "once")(world.transitions, token) == first
    assert world.contents() == after


@EACH_TRANSITION
def test_reused_key_for_another_decision_is_rejected(
    world: DemoWorld, transition: Callable[[str, str], TransitionCall]
) -> None:
    decision, token = ready(world, transition), world.merchant_token()
    transition(decision.id, "once")(world.transitions, token)
    other = request_decision(world, number=2)
    with pytest.raises(IdempotencyConflict) as refused:
        transition(other.id, "once")(world.transitions, token)
    assert refused.value.differing == (("decisionId",),)


@EACH_TRANSITION
def test_decision_of_another_merchant_is_not_found(
    world: DemoWorld, transition: Callable[[str, str], TransitionCall]
) -> None:
    decision = ready(world, transition)
    before = world.contents()
    for which in (decision.id, "dec_test_none"):
        with pytest.raises(NotFound) as refused:
            transition(which, "k")(world.transitions, world.merchant_token(world.client("online_shop")))
        assert refused.value.field == ("decisionId",)
    assert world.contents() == before


@pytest.mark.postgresql
@EACH_TRANSITION
@pytest.mark.slow
def test_one_of_concurrent_transitions_succeeds(
    world: DemoWorld, transition: Callable[[str, str], TransitionCall]
) -> None:
    decision, token = ready(world, transition), world.merchant_token()
    calls = [partial(transition(decision.id, f"k{n}"), world.transitions, token) for n in range(THREADS)]
    answers = at_once(calls)
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, GatewayError)]
    assert unexpected == []
    won = len([each for each in answers if isinstance(each, DecisionState)])
    repeatable = transition is dict(TRANSITIONS)["fulfill"]  # partial settlements of one yuan each
    assert won == (THREADS if repeatable else 1)
    assert world.mismatches() == []


def test_rejected_transition_changes_nothing(world: DemoWorld) -> None:
    decision, transitions, token = activate_decision(world), world.transitions, world.merchant_token()
    before = world.contents()
    long, evil = "x" * 256, "javascript:alert(1)"
    attempts: list[tuple[Callable[[], DecisionState], str]] = [
        (lambda: transitions.activate(token, ActivateCommand(decision.id, "k")), "INVALID_TRANSITION"),
        (lambda: transitions.cancel(token, CancelCommand(decision.id, "k", None)), "INVALID_TRANSITION"),
        (lambda: transitions.fulfill(token, FulfillCommand(decision.id, "k", None, yuan("3000.01"))), "INVALID_AMOUNT"),
        (lambda: transitions.fulfill(token, FulfillCommand(decision.id, "", None)), "INVALID"),
        (lambda: transitions.extend(token, ExtendCommand(decision.id, "k", world.now, "now")), "INVALID_PERIOD"),
        (lambda: transitions.extend(token, ExtendCommand(decision.id, "k", world.now + 30 * DAY, long)), "INVALID"),
        (
            lambda: transitions.reduce(token, ReduceCommand(decision.id, "k", yuan("3000.00"), "x")),
            "INVALID_AMOUNT",
        ),
        (lambda: transitions.reduce(token, ReduceCommand(decision.id, "k", yuan("1.00"), long)), "INVALID"),
        (lambda: transitions.reduce(token, ReduceCommand(decision.id, "k", yuan("1.00"), "")), "INVALID"),
        (
            lambda: transitions.report_breach(token, BreachCommand(decision.id, "k", BreachKind.OTHER, note="\n")),
            "INVALID",
        ),
        (
            lambda: transitions.report_breach(
                token, BreachCommand(decision.id, "k", BreachKind.OTHER, evidence=(evil,))
            ),
            "INVALID",
        ),
        (
            lambda: transitions.report_breach(
                token, BreachCommand(decision.id, "k", BreachKind.OTHER, evidence=("https://a.example/",) * 11)
            ),
            "INVALID",
        ),
    ]
    for attempt, code in attempts:
        with pytest.raises(GatewayError) as refused:
            attempt()
        assert refused.value.code == code
    assert world.contents() == before


def test_invalid_input_is_rejected_with_its_field(world: DemoWorld) -> None:
    decision = activate_decision(world)
    with pytest.raises(InvalidInput) as refused:
        world.transitions.fulfill(
            world.merchant_token(), FulfillCommand(decision.id, "k", None, Money.parse("1.00", "EUR"))
        )
    assert (refused.value.code, refused.value.field) == ("UNSUPPORTED_CURRENCY", ("settledAmount", "currency"))
