"""Cancelling a decision."""

from datetime import timedelta

import pytest

from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.errors import (
    ConsentRefused,
    GatewayError,
    IdempotencyConflict,
    InvalidInput,
    NotFound,
    StateConflict,
)
from gateway.domain.events import Actor, Topic
from gateway.domain.identity.principal import Principal
from gateway.kit.clock import WallTime
from gateway.services.decisions.transitions import CancelCommand
from tests.services.asks import car, request_command, waiver
from tests.support.demo_world import DemoWorld


def requested(world: DemoWorld, handle: str = "excellent") -> DecisionState:
    return world.requester.request(world.user_token(world.grant(handle)), request_command(car(world.clock()))).decision


def refused(world: DemoWorld, command: CancelCommand, token: Principal | None = None) -> GatewayError:
    """The error of a cancel, which must have changed nothing."""
    before = world.contents()
    with pytest.raises(GatewayError) as refusal:
        world.transitions.cancel(token or world.merchant_token(), command)
    assert world.contents() == before
    return refusal.value


def test_approved_decision_is_cancelled(world: DemoWorld) -> None:
    decision = requested(world)
    assert decision.available_transitions == (Transition.ACTIVATE, Transition.CANCEL)
    world.clock.advance(hours=1)
    cancelled = world.transitions.cancel(world.merchant_token(), CancelCommand(decision.id, "key-2", "Changed plans"))
    assert (cancelled.status, cancelled.available_transitions) == (Status.CANCELLED, ())
    assert (cancelled.created_at, cancelled.updated_at) == (decision.created_at, world.now)
    assert (cancelled.outcome, cancelled.id) == (decision.outcome, decision.id)
    events = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    assert [(event.topic, event.before, event.after, event.actor, event.note) for event in events] == [
        (Topic.DECISION_APPROVED, None, Status.APPROVED, Actor.GATEWAY, None),
        (Topic.DECISION_CANCELLED, Status.APPROVED, Status.CANCELLED, Actor.MERCHANT, "Changed plans"),
    ]
    assert events[1].occurred_at == world.now
    assert world.rows("SELECT id FROM outbox WHERE topic = 'DECISION_CANCELLED'") == [(events[1].id,)]
    assert world.counts()["access_log"] == 1, "cancelling reads nothing about the person"


def test_cancel_releases_committed_amount(world: DemoWorld) -> None:
    consent, now = world.grant("excellent", waiver("3000.00")), world.clock()
    first = world.requester.request(world.user_token(consent), request_command(car(now))).decision
    world.transitions.cancel(world.merchant_token(), CancelCommand(first.id, "key-2", "Changed plans"))
    second = world.requester.request(world.user_token(consent), request_command(car(now), "key-3", "order-2")).decision
    assert second.status is Status.APPROVED


def test_expired_approval_releases_committed_amount(world: DemoWorld) -> None:
    consent = world.grant("excellent", waiver("3000.00"))
    first = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    assert first.valid_until is not None
    world.clock.now = WallTime(first.valid_until - timedelta(microseconds=1))
    with pytest.raises(ConsentRefused):
        world.requester.request(world.user_token(consent), request_command(car(world.clock()), "key-2", "order-2"))
    world.clock.now = WallTime(first.valid_until)
    second = world.requester.request(
        world.user_token(consent), request_command(car(world.clock()), "key-2", "order-2")
    ).decision
    assert second.status is Status.APPROVED


def test_repeated_cancel_returns_the_same_decision(world: DemoWorld) -> None:
    decision = requested(world)
    command = CancelCommand(decision.id, "key-2", "Changed plans")
    first = world.transitions.cancel(world.merchant_token(), command)
    before = world.contents()
    world.clock.advance(hours=23)
    assert world.transitions.cancel(world.merchant_token(), command) == first
    assert world.contents() == before


@pytest.mark.parametrize(
    ("handle", "status"),
    [("excellent", Status.CANCELLED), ("building", Status.DECLINED)],
    ids=["cancelled", "declined"],
)
def test_cancel_of_closed_decision_is_rejected(world: DemoWorld, handle: str, status: Status) -> None:
    decision = requested(world, handle)
    if decision.status is Status.APPROVED:
        world.transitions.cancel(world.merchant_token(), CancelCommand(decision.id, "key-2", "Changed plans"))
    error = refused(world, CancelCommand(decision.id, "key-3", "Changed plans"))
    assert isinstance(error, StateConflict)
    assert (error.code, error.status, error.transitions) == ("INVALID_TRANSITION", status, ())


def test_cancel_is_rejected_from_expiry_on(world: DemoWorld) -> None:
    decision = requested(world)
    assert decision.valid_until is not None
    world.clock.now = WallTime(decision.valid_until)
    error = refused(world, CancelCommand(decision.id, "key-2", "Changed plans"))
    assert isinstance(error, StateConflict)
    assert (error.code, error.status, error.transitions) == ("DECISION_EXPIRED", Status.EXPIRED, ())
    world.clock.advance(microseconds=-1)
    command = CancelCommand(decision.id, "key-2", "Changed plans")
    assert world.transitions.cancel(world.merchant_token(), command).status is Status.CANCELLED


def test_cancel_is_possible_after_revoked_consent(world: DemoWorld) -> None:
    consent = world.grant()
    decision = world.requester.request(world.user_token(consent), request_command(car(world.clock()))).decision
    world.revoke(consent)
    world.clock.advance(timedelta(hours=1))
    command = CancelCommand(decision.id, "key-2", "Changed plans")
    assert world.transitions.cancel(world.merchant_token(), command).status is Status.CANCELLED


@pytest.mark.parametrize("known", [True, False], ids=["foreign", "unknown"])
def test_decision_of_another_merchant_looks_unknown(world: DemoWorld, known: bool) -> None:
    decision = requested(world)
    command = CancelCommand(decision.id if known else "dec_test_nothing", "key-2", "Changed plans")
    error = refused(world, command, world.merchant_token(world.client("online_shop")))
    assert isinstance(error, NotFound)
    assert (error.code, error.field, error.message) == ("NOT_FOUND", ("decisionId",), "There is no such decision.")


@pytest.mark.parametrize(
    ("key", "reason", "field"),
    [
        pytest.param("", "Changed plans", "idempotencyKey", id="no-key"),
        pytest.param("key-2", "", "reason", id="no-reason"),
        pytest.param("key-2", "x" * 256, "reason", id="long-reason"),
        pytest.param("key-2", "a\x00b", "reason", id="nul-in-reason"),
    ],
)
def test_invalid_cancel_is_rejected_with_its_field(world: DemoWorld, key: str, reason: str, field: str) -> None:
    error = refused(world, CancelCommand(requested(world).id, key, reason))
    assert isinstance(error, InvalidInput)
    assert (error.code, error.field) == ("INVALID", (field,))


def test_reused_key_with_another_input_is_rejected(world: DemoWorld) -> None:
    decision = requested(world)
    world.transitions.cancel(world.merchant_token(), CancelCommand(decision.id, "key-2", "Changed plans"))
    error = refused(world, CancelCommand(decision.id, "key-2", "Lost interest"))
    assert isinstance(error, IdempotencyConflict)
    assert error.differing == (("reason",),)


def test_key_of_a_request_can_be_used_for_cancel(world: DemoWorld) -> None:
    command = CancelCommand(requested(world).id, "key-1", "Changed plans")
    assert world.transitions.cancel(world.merchant_token(), command).status is Status.CANCELLED


@pytest.mark.parametrize("table", ["decision_log", "idempotency_records", "outbox"])
def test_failed_insert_rolls_back_the_cancel(world: DemoWorld, table: str) -> None:
    decision = requested(world)
    world.block_inserts(table)
    before = world.contents()
    with pytest.raises(Exception, match="full"):
        world.transitions.cancel(world.merchant_token(), CancelCommand(decision.id, "key-2", "Changed plans"))
    assert world.contents() == before
