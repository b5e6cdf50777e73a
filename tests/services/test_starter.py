"""The starter rule: a person with few records and a verified identity document gets one small approval at a time."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import InvalidInput
from gateway.domain.policies.comparison import ResultComparison
from gateway.domain.policies.rule import Verdict
from gateway.services.decisions.assessment import Assessment
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.shadows import ShadowPolicies
from gateway.services.decisions.transitions import CancelCommand
from merchants.car_rental import CarRental
from merchants.online_shop import OnlineShop
from tests.services.asks import car, order, request_command
from tests.services.decisions import DAY, THREADS, grant_to_shops
from tests.support.at_once import at_once
from tests.support.clock import MovableClock
from tests.support.demo_world import DemoWorld
from tests.support.documented import documented
from tests.support.policy import with_rules

REASONS = {"unscored": "NOT_SCORED", "building": "TIER_BELOW_REQUIRED"}
"""The personas that can be starters, with the reason of their declines."""


class InterruptedShadows(ShadowPolicies):
    """A shadow policy equal to the policy in force. `act` is called before its first evaluation: between the two phases
    of a request."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__({"car_rental": CarRental.policy})
        self._acts = [act]

    def evaluate(self, assessment: Assessment) -> Assessment:
        if self._acts:
            self._acts.pop()()
        return super().evaluate(assessment)


def rent(world: DemoWorld, handle: str, number: int = 1, deposit: str = "1000.00") -> DecisionState:
    command = request_command(car(world.clock(), deposit), f"rent-{number}", f"rent-{number}")
    return world.request(world.grant(handle), command).decision


def buy(world: DemoWorld, handle: str, number: int = 1, amount: str = "100.00") -> DecisionState:
    consent = world.grant(handle, client=world.client("online_shop"))
    return world.request(consent, request_command(order(amount), f"buy-{number}", f"buy-{number}")).decision


def preview(world: DemoWorld, handle: str) -> Any:
    ask, token = car(world.clock(), "1000.00"), world.user_token(world.grant(handle))
    return world.query(token, lambda query: world.decisions.preview(query, "carRental", ask, None)).outcome


def result(decision: DecisionState) -> tuple[Status, str, tuple[str, ...]]:
    return decision.status, decision.provenance.rule_id, decision.outcome.reasons


@pytest.mark.parametrize("handle", REASONS)
@pytest.mark.parametrize(
    ("deposit", "waived", "more"),
    [("500.00", "100.00", ()), ("1000.00", "200.00", ()), ("1000.01", "200.00", ()), ("3000.00", "200.00", True)],
)
def test_starter_gets_fair_share_up_to_the_limit(
    world: DemoWorld, handle: str, deposit: str, waived: str, more: object
) -> None:
    decision = rent(documented(world), handle, deposit=deposit)
    capped = ("AMOUNT_ABOVE_TIER_LIMIT",) if more else ()
    assert result(decision) == (Status.APPROVED, "starter", ("STARTER_LIMIT", *capped))
    assert isinstance(decision.outcome, Approval)
    assert decision.outcome.terms.exposed.amount == waived
    assert world.mismatches() == []


@pytest.mark.parametrize("handle", REASONS)
def test_person_without_document_is_no_starter(world: DemoWorld, handle: str) -> None:
    assert result(rent(world, handle))[::2] == (Status.DECLINED, (REASONS[handle],))
    assert preview(world, handle).reasons == (REASONS[handle],)


def test_better_tier_with_document_is_no_starter(world: DemoWorld) -> None:
    assert result(rent(documented(world), "fair")) == (Status.APPROVED, "fair", ("REDUCED_FOR_TIER",))


def test_person_with_overdue_obligation_is_no_starter(world: DemoWorld) -> None:
    declined = rent(documented(world, open_overdue=1), "unscored")
    assert result(declined) == (Status.DECLINED, "overdue", ("OPEN_OVERDUE_OBLIGATION",))
    assert "starter" not in world.personal_parts("decision_log")[0]


@pytest.mark.parametrize("handle", REASONS)
def test_starter_has_one_open_obligation_at_a_time(world: DemoWorld, handle: str) -> None:
    started = documented(world)
    first = buy(started, handle, amount="0.01")
    assert result(first) == (Status.APPROVED, "starter", ())
    for number in (1, 2):
        assert result(rent(started, handle, number))[::2] == (Status.DECLINED, (REASONS[handle],)), "elsewhere"
    assert result(buy(started, handle, 2))[::2] == (Status.DECLINED, (REASONS[handle],)), "at the same merchant"
    assert isinstance(preview(started, handle), Decline)
    world.transitions.cancel(world.merchant_token(first.client_id), CancelCommand(first.id, "c", None))
    assert isinstance(preview(started, handle), Approval)
    assert rent(started, handle, 3).status is Status.APPROVED
    assert (world.exposure(handle), world.mismatches()) == (20_000, [])


def test_expired_approval_lets_the_person_start_before_the_scheduler_runs(world: DemoWorld) -> None:
    started = documented(world)
    assert buy(started, "unscored").status is Status.APPROVED
    world.clock.advance(DAY)
    assert isinstance(preview(started, "unscored"), Approval)
    assert rent(started, "unscored").status is Status.APPROVED
    assert (world.exposure("unscored"), world.mismatches()) == (20_000, [])


@pytest.mark.postgresql
@pytest.mark.parametrize("handle", REASONS)
def test_one_of_concurrent_requests_of_a_starter_is_approved(world: DemoWorld, handle: str) -> None:
    started = documented(world)
    calls = [
        partial(
            started.requester.request,
            world.user_token(consent),
            request_command(order("100.00"), f"race-{n}", f"race-{n}"),
        )
        for n, consent in enumerate(
            [*grant_to_shops(world, handle, THREADS - 1), world.grant(handle, client=world.client("online_shop"))]
        )
    ]
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    decisions = [each.decision for each in answers if isinstance(each, RequestResult)]
    approved = [each for each in decisions if each.status is Status.APPROVED]
    assert [each.provenance.rule_id for each in approved] == ["starter"]
    declined = {each.outcome.reasons for each in decisions if each.status is Status.DECLINED}
    assert (len(decisions), declined) == (THREADS, {(REASONS[handle],)})
    assert isinstance(approved[0].outcome, Approval)
    assert world.exposure(handle) == approved[0].outcome.terms.exposed.minor
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_starter_with_exposure_since_the_assessment_is_declined(world: DemoWorld) -> None:
    """The log entry is about the person under the lock: no starter, also for a shadow policy."""
    quicker: list[DecisionState] = []
    started = documented(world)
    interrupted = documented(world, shadows=InterruptedShadows(lambda: quicker.append(buy(started, "building"))))
    late = rent(interrupted, "building")
    assert result(quicker[0]) == (Status.APPROVED, "starter", ())
    assert result(late) == (Status.DECLINED, "otherwise", ("TIER_BELOW_REQUIRED",))
    entries = world.personal_parts("decision_log")
    assert [entry.get("starter") for entry in entries] == [True, None]
    assert entries[1]["shadow"]["rule_id"] == "otherwise"
    assert (world.exposure("building"), world.mismatches()) == (10_000, [])


def test_log_entry_has_starter_only_if_true(world: DemoWorld) -> None:
    rent(documented(world), "unscored", 1)
    rent(documented(world), "unscored", 2)
    rent(documented(world), "excellent", 3)
    assert [entry.get("starter", "absent") for entry in world.personal_parts("decision_log")] == [
        True,
        "absent",
        "absent",
    ]


def test_backtest_decides_again_for_the_recorded_starter(world: DemoWorld) -> None:
    for number in (1, 2):
        rent(documented(world), "unscored", number)
    rules = [replace(rule, share=10) if rule.id == "starter" else rule for rule in CarRental.policy.rules]
    stricter = with_rules(CarRental.policy, rules, "stricter")
    compared = list(world.policies.backtest(world.registry["car_rental"], stricter, None))
    pairs = [
        (each.before.rule_id, each.after.rule_id, each.changed)
        for each in compared
        if isinstance(each, ResultComparison)
    ]
    assert sorted(pairs) == [("starter", "starter", True), ("unscored", "unscored", False)]


class ReferringBuilding(CarRental):
    """Car rental with a manual review for the tier BUILDING."""

    policy = with_rules(
        CarRental.policy,
        [
            replace(rule, verdict=Verdict.REFER, retry_after=None) if rule.id == "otherwise" else rule
            for rule in CarRental.policy.rules
        ],
        "referring",
    )


@pytest.fixture
def reviewing(database_url: str, clock: MovableClock) -> Iterator[DemoWorld]:
    with closing(DemoWorld(database_url, clock, adapters=(ReferringBuilding, OnlineShop))) as world:
        world.seed_demo()
        yield world


def reviewed(world: DemoWorld) -> DemoWorld:
    return documented(world, adapters=(ReferringBuilding, OnlineShop))


def test_manual_review_approves_a_starter_by_the_starter_rule(reviewing: DemoWorld) -> None:
    decision = rent(reviewing, "building")
    assert decision.status is Status.PENDING
    assert reviewing.reviews.list_rules(decision.id) == ("excellent", "very-good", "good", "fair", "starter")
    approved = reviewed(reviewing).reviews.approve(decision.id, "starter")
    assert result(approved) == (Status.APPROVED, "starter", ("STARTER_LIMIT",))
    assert (reviewing.exposure("building"), reviewing.mismatches()) == (20_000, [])


def test_manual_review_needs_the_starter_rule_to_be_named(reviewing: DemoWorld) -> None:
    """The default would otherwise fail for everybody who is no starter."""
    approved = reviewed(reviewing).reviews.approve(rent(reviewing, "building", deposit="500.00").id)
    assert result(approved)[:2] == (Status.APPROVED, "fair")


@pytest.mark.parametrize("why", ["no document", "exposure"])
def test_manual_review_refuses_the_starter_rule_for_others(reviewing: DemoWorld, why: str) -> None:
    decision = rent(reviewing, "building", deposit="500.00")
    world = reviewing if why == "no document" else reviewed(reviewing)
    if why == "exposure":
        assert buy(world, "building", amount="1.00").status is Status.APPROVED
    before = reviewing.contents()
    with pytest.raises(InvalidInput) as refused:
        world.reviews.approve(decision.id, "starter")
    assert (refused.value.field, reviewing.contents()) == (("rule",), before)
