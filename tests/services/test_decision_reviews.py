"""Manual reviews: consent, score and credit limit are checked again when the operator decides."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from gateway.domain.decisions.outcome import Approval, Decline, ManualReview
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status, Transition
from gateway.domain.errors import ConsentRefused, GatewayError, InvalidInput, NotFound, StateConflict
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.services.decisions.transitions import CancelCommand
from gateway.store.decisions.pages import Filter, Window
from merchants.online_shop.adapter import OnlineShop
from tests.fixtures.demo import DemoDatabase
from tests.services.asks import car, order, request_command, waiver
from tests.support.at_once import at_once
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld, ReferringCars
from tests.support.units import reading


@pytest.fixture
def world(demo_database: DemoDatabase, clock: MovableClock) -> Iterator[DemoWorld]:
    with demo_database.open(clock, adapters=(ReferringCars, OnlineShop)) as world:
        yield world


def referred(world: DemoWorld, number: int = 1, deposit: str = "3000.00", ceiling: str = "9000.00") -> DecisionState:
    consent = world.grant("fair", waiver(ceiling))
    command = request_command(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    return world.requester.request(world.user_token(consent), command).decision


def pending(world: DemoWorld) -> list[str]:
    """The ids of the merchant's decisions in manual review."""
    in_review = Filter(statuses=frozenset({Status.PENDING}))
    with reading(world.database) as unit:
        return [state.id for state in unit.decision_pages.load_page(world.merchant(), in_review, Window(10), world.now)]


def refused(world: DemoWorld, call: Callable[[], object], kind: type[GatewayError]) -> GatewayError:
    """The error of a review, which must have changed nothing."""
    before = world.contents()
    with pytest.raises(kind) as refusal:
        call()
    assert world.contents() == before
    return refusal.value


def test_referred_request_waits_for_review_and_reserves_nothing(world: DemoWorld) -> None:
    decision = referred(world)
    assert (decision.status, decision.available_transitions) == (Status.PENDING, (Transition.CANCEL,))
    assert isinstance(decision.outcome, ManualReview)
    assert (decision.settlement, world.exposure("fair")) == (None, 0)
    assert pending(world) == [decision.id]
    assert world.reviews.list_rules(decision.id) == ("excellent", "very-good", "good", "starter")


def test_approve_applies_due_transitions_first(world: DemoWorld) -> None:
    """The shop's expired approvals use the limit of 3,000 yuan, because the scheduler has not run."""
    token = world.user_token(world.grant("fair", client=world.client("online_shop")))
    for number in range(6):
        made = world.requester.request(
            token, request_command(order("500.00"), f"else-{number}", f"else-{number}")
        ).decision
        assert made.status is Status.APPROVED
    decision = referred(world)
    refused(world, lambda: world.reviews.approve(decision.id), InvalidInput)
    world.clock.advance(timedelta(days=1, minutes=1))
    assert world.exposure("fair") == 300_000
    assert world.reviews.approve(decision.id).status is Status.APPROVED
    assert (world.exposure("fair"), world.mismatches()) == (150_000, [])


def test_ask_whose_period_has_passed_is_not_approved(world: DemoWorld) -> None:
    """A request can be in manual review for longer than its rental."""
    decision = referred(world)
    world.clock.advance(timedelta(days=4))
    assert pending(world) == [decision.id]
    late = refused(world, lambda: world.reviews.approve(decision.id), InvalidInput)
    assert (late.code, late.field) == ("INVALID_PERIOD", ("ask", "carRental", "rental", "start"))
    assert world.reviews.decline(decision.id, ["TIER_BELOW_REQUIRED"]).status is Status.DECLINED


def test_approve_uses_the_rule_that_grants_least_by_default(world: DemoWorld) -> None:
    decision = world.reviews.approve(referred(world).id)
    assert isinstance(decision.outcome, Approval)
    assert decision.outcome.terms.exposed == Money.parse("1500.00", "CNY")
    assert (decision.status, decision.provenance.rule_id, world.exposure("fair")) == (Status.APPROVED, "good", 150_000)
    other = world.reviews.approve(referred(world, 2, "1000.00").id, "excellent")
    assert isinstance(other.outcome, Approval)
    assert other.outcome.terms.exposed == Money.parse("1000.00", "CNY")
    timeline = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    assert [(event.topic, event.before, event.after, event.actor) for event in timeline] == [
        (Topic.DECISION_PENDING, None, Status.PENDING, Actor.GATEWAY),
        (Topic.DECISION_APPROVED, Status.PENDING, Status.APPROVED, Actor.OPERATOR),
    ]
    assert world.rows("SELECT count(*) FROM outbox WHERE topic = 'DECISION_APPROVED'") == [(2,)]
    assert pending(world) == []
    assert world.mismatches() == []


def test_decline_has_the_reasons_of_policy_or_operator(world: DemoWorld) -> None:
    decision = world.reviews.decline(referred(world).id)
    assert decision.status is Status.DECLINED
    assert decision.outcome == Decline(("REDUCED_FOR_TIER",))
    other = world.reviews.decline(referred(world, 2).id, ["TIER_BELOW_REQUIRED"])
    assert other.outcome == Decline(("TIER_BELOW_REQUIRED",))
    third = referred(world, 3)
    refusal = refused(world, lambda: world.reviews.decline(third.id, ["NO_SUCH"]), InvalidInput)
    assert refusal.field == ("reasons",)
    assert world.mismatches() == []


def test_only_decisions_in_manual_review_can_be_reviewed(world: DemoWorld) -> None:
    done = world.reviews.approve(referred(world).id)
    cancelled = referred(world, 2, "500.00")
    world.transitions.cancel(world.merchant_token(), CancelCommand(cancelled.id, "c", None))
    late = referred(world, 3, "500.00")
    world.clock.advance(timedelta(days=7))
    assert world.scheduler.apply_due() > 0  # otherwise an attempt would apply due transitions
    for decision_id in (done.id, cancelled.id, late.id):
        for attempt in (world.reviews.approve, world.reviews.decline):
            refused(world, lambda attempt=attempt, which=decision_id: attempt(which), StateConflict)  # type: ignore[misc]
    refused(world, lambda: world.reviews.approve("dec_test_none"), NotFound)
    assert pending(world) == []


def test_rule_that_does_not_approve_is_rejected(world: DemoWorld) -> None:
    decision = referred(world)
    for rule in ("otherwise", "fair", "", "no such"):
        assert refused(world, lambda rule=rule: world.reviews.approve(decision.id, rule), InvalidInput).field == (  # type: ignore[misc]
            "rule",
        )


def test_approve_checks_the_consent_again(world: DemoWorld) -> None:
    consent = world.grant("fair", waiver("9000.00"))
    command = request_command(car(world.clock()))
    decision = world.requester.request(world.user_token(consent), command).decision
    world.revoke(consent)
    assert refused(world, lambda: world.reviews.approve(decision.id), ConsentRefused).code == "CONSENT_REVOKED"
    assert world.reviews.decline(decision.id).status is Status.DECLINED, "declining needs no consent"


def test_approve_ignores_the_decisions_own_committed_amount(world: DemoWorld) -> None:
    assert world.reviews.approve(referred(world, 1, "3000.00", "3000.00").id).status is Status.APPROVED


def test_approve_checks_the_credit_limit_again(world: DemoWorld) -> None:
    """The credit limit of the tier FAIR is 3,000 yuan."""
    first, second = referred(world, 1), referred(world, 2)
    assert world.reviews.approve(first.id, "very-good").status is Status.APPROVED
    message = refused(world, lambda: world.reviews.approve(second.id, "very-good"), InvalidInput).message
    assert "credit limit" in message
    assert world.exposure("fair") == 210_000


@pytest.mark.postgresql
def test_one_of_concurrent_reviews_succeeds(world: DemoWorld) -> None:
    decision = referred(world)
    answers = at_once([lambda: world.reviews.approve(decision.id), lambda: world.reviews.decline(decision.id)] * 4)
    failures = [each for each in answers if isinstance(each, Exception)]
    assert len(failures) == len(answers) - 1
    assert {type(each) for each in failures} == {StateConflict}
    assert world.mismatches() == []
