"""What holds for each move of a merchant's: once for each key, by nobody else, and nothing where it is refused."""

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
)
from tests.services.promises import DAY, THREADS, activated, requested, yuan
from tests.support.at_once import at_once
from tests.support.clock import BUSINESS_NOON
from tests.support.demo_world import DemoWorld

Move = Callable[[DecisionTransitions, Principal], DecisionState]
MOVES: list[tuple[str, Callable[[str, str], Move]]] = [
    ("activate", lambda d, k: lambda m, t: m.activate(t, ActivateCommand(d, k))),
    (
        "extend",
        lambda d, k: lambda m, t: m.extend(t, ExtendCommand(d, k, BUSINESS_NOON + 27 * DAY, "x")),
    ),
    ("fulfill", lambda d, k: lambda m, t: m.fulfill(t, FulfillCommand(d, k, None, yuan("1.00")))),
    ("breach", lambda d, k: lambda m, t: m.report_breach(t, BreachCommand(d, k, BreachKind.OTHER))),
    ("cancel", lambda d, k: lambda m, t: m.cancel(t, CancelCommand(d, k, None))),
]
EACH_MOVE = pytest.mark.parametrize("move", [pytest.param(move, id=name) for name, move in MOVES])


def ready(world: DemoWorld, move: Callable[[str, str], Move]) -> DecisionState:
    """A decision that allows the move."""
    return requested(world) if move in {MOVES[0][1], MOVES[4][1]} else activated(world)


@EACH_MOVE
def test_the_same_key_does_its_work_once(world: DemoWorld, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    first = move(decision.id, "once")(world.transitions, token)
    after = world.contents()
    assert move(decision.id, "once")(world.transitions, token) == first
    assert world.contents() == after


@EACH_MOVE
def test_the_same_key_with_another_decision_is_refused(world: DemoWorld, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    move(decision.id, "once")(world.transitions, token)
    other = requested(world, number=2)
    with pytest.raises(IdempotencyConflict) as refused:
        move(other.id, "once")(world.transitions, token)
    assert refused.value.differing == (("decisionId",),)


@EACH_MOVE
def test_another_merchants_decision_does_not_exist(world: DemoWorld, move: Callable[[str, str], Move]) -> None:
    decision = ready(world, move)
    before = world.contents()
    for which in (decision.id, "dec_test_none"):
        with pytest.raises(NotFound) as refused:
            move(which, "k")(world.transitions, world.merchant_token(world.client("online_shop")))
        assert refused.value.field == ("decisionId",)
    assert world.contents() == before


@EACH_MOVE
def test_eight_at_once_with_keys_of_their_own(world: DemoWorld, move: Callable[[str, str], Move]) -> None:
    decision, token = ready(world, move), world.merchant_token()
    calls = [partial(move(decision.id, f"k{n}"), world.transitions, token) for n in range(THREADS)]
    answers = at_once(calls)
    unexpected = [each for each in answers if isinstance(each, Exception) and not isinstance(each, GatewayError)]
    assert unexpected == []
    won = len([each for each in answers if isinstance(each, DecisionState)])
    repeatable = move is MOVES[2][1]  # part settlements of one yuan each
    assert won == (THREADS if repeatable else 1)
    assert world.mismatches() == []


def test_a_refused_move_changes_nothing(world: DemoWorld) -> None:
    decision, moves, token = activated(world), world.transitions, world.merchant_token()
    before = world.contents()
    long, evil = "x" * 256, "javascript:alert(1)"
    attempts: list[tuple[Callable[[], DecisionState], str]] = [
        (lambda: moves.activate(token, ActivateCommand(decision.id, "k")), "INVALID_TRANSITION"),
        (lambda: moves.cancel(token, CancelCommand(decision.id, "k", None)), "INVALID_TRANSITION"),
        (lambda: moves.fulfill(token, FulfillCommand(decision.id, "k", None, yuan("3000.01"))), "INVALID_AMOUNT"),
        (lambda: moves.fulfill(token, FulfillCommand(decision.id, "", None)), "INVALID"),
        (lambda: moves.extend(token, ExtendCommand(decision.id, "k", world.now, "now")), "INVALID_PERIOD"),
        (lambda: moves.extend(token, ExtendCommand(decision.id, "k", world.now + 30 * DAY, long)), "INVALID"),
        (lambda: moves.report_breach(token, BreachCommand(decision.id, "k", BreachKind.OTHER, note="\n")), "INVALID"),
        (
            lambda: moves.report_breach(token, BreachCommand(decision.id, "k", BreachKind.OTHER, evidence=(evil,))),
            "INVALID",
        ),
        (
            lambda: moves.report_breach(
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


def test_bad_input_is_an_error_with_its_place(world: DemoWorld) -> None:
    decision = activated(world)
    with pytest.raises(InvalidInput) as refused:
        world.transitions.fulfill(
            world.merchant_token(), FulfillCommand(decision.id, "k", None, Money.parse("1.00", "EUR"))
        )
    assert (refused.value.code, refused.value.field) == ("UNSUPPORTED_CURRENCY", ("settledAmount", "currency"))
