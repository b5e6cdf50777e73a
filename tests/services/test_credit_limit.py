"""The credit limit: all merchants share it, concurrent requests never exceed it, and the totals match the decisions."""

from functools import partial

import pytest

from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.money import Money
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import ActivateCommand, CancelCommand, FulfillCommand
from tests.services.asks import car, order, request_command
from tests.services.decisions import DAY, THREADS, grant_to_shops, request_decision, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld

MERCHANTS, EACH = 20, 10
LIMIT = 3_000_000


@pytest.mark.postgresql
@pytest.mark.slow
def test_concurrent_requests_of_many_merchants_keep_the_credit_limit(world: DemoWorld) -> None:
    all_consents = grant_to_shops(world, "excellent", MERCHANTS)
    calls = [
        partial(
            world.requester.request,
            world.user_token(consent),
            request_command(order("1700.00"), f"key-{n}", f"order-{n}"),
        )
        for n in range(EACH)
        for consent in all_consents
    ]
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    decisions = [each.decision for each in answers if isinstance(each, RequestResult)]
    approved = [each for each in decisions if each.status is Status.APPROVED]
    # How many are approved depends on their shops, because exposure at each other shop is rounded up: four approvals,
    # 6,800 yuan, count as 15,000.
    assert 8 <= len(approved) <= LIMIT // 170_000
    declined = [each.outcome for each in decisions if each.status is Status.DECLINED]
    assert len(declined) == MERCHANTS * EACH - len(approved)
    assert {outcome.reasons for outcome in declined if isinstance(outcome, Decline)} == {("EXPOSURE_LIMIT_REACHED",)}
    assert world.exposure() == len(approved) * 170_000 <= LIMIT
    assert world.mismatches() == []
    _request_and_end_concurrently(world, all_consents, approved)
    assert world.exposure() <= LIMIT
    assert world.mismatches() == []


def _request_and_end_concurrently(world: DemoWorld, all_consents: list[Consent], approved: list[DecisionState]) -> None:
    """Ends the approved decisions in several ways, while all consents make new requests."""
    moves = world.transitions
    calls = [
        partial(
            world.requester.request,
            world.user_token(consent),
            request_command(order("900.00"), f"more-{n}", f"more-{n}"),
        )
        for n, consent in enumerate(all_consents * 2)
    ]
    for number, decision in enumerate(approved):
        token = world.merchant_token(decision.client_id)
        if number % 2:
            calls.append(partial(moves.cancel, token, CancelCommand(decision.id, f"c{number}", None)))  # type: ignore[arg-type]
            continue
        moves.activate(token, ActivateCommand(decision.id, f"a{number}"))
        part = FulfillCommand(decision.id, f"f{number}", None, Money.parse("1000.00", "CNY") if number % 4 else None)
        calls.append(partial(moves.fulfill, token, part))  # type: ignore[arg-type]
    assert not [each for each in at_once(calls) if isinstance(each, Exception)]


def test_all_merchants_share_one_limit(world: DemoWorld) -> None:
    for number in range(3):  # 30,000 yuan is the limit of the highest tier
        assert request_decision(world, number=number, deposit="10000.00").status is Status.APPROVED
    token = world.user_token(world.grant("excellent", client=world.client("online_shop")))
    preview = world.query(token, lambda query: world.decisions.preview(query, "onlineOrder", order("1.00"), None))
    refusal = world.requester.request(token, request_command(order("1.00"), "k", "o")).decision
    for outcome in (preview.outcome, refusal.outcome):
        assert isinstance(outcome, Decline)
        assert (outcome.reasons, outcome.alternatives) == (("EXPOSURE_LIMIT_REACHED",), ())
        assert outcome.retry_after == world.clock() + DAY
    assert (refusal.status, refusal.settlement, world.exposure()) == (Status.DECLINED, None, 3_000_000)
    assert request_decision(world, "good", 9).status is Status.APPROVED, "another person has another limit"


def test_expired_approval_releases_exposure_before_the_scheduler_runs(world: DemoWorld) -> None:
    for number in range(3):
        request_decision(world, number=number, deposit="10000.00")
    world.clock.advance(8 * DAY)
    assert request_decision(world, number=4, deposit="10000.00").status is Status.APPROVED
    assert world.exposure() == 1_000_000
    assert world.mismatches() == []


@pytest.mark.postgresql
def test_concurrent_requests_of_two_merchants_share_the_available_limit(world: DemoWorld) -> None:
    for number in range(2):
        request_decision(world, number=number, deposit="10000.00")
    consents = [world.grant("excellent"), world.grant("excellent", client=world.client("online_shop"))]
    calls = []
    for n in range(THREADS):
        ask = car(world.clock(), "4000.00") if n % 2 else order("4000.00")
        command = request_command(ask, f"race-{n}", f"race-{n}")
        calls.append(partial(world.requester.request, world.user_token(consents[(n + 1) % 2]), command))
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    approved = [each for each in answers if isinstance(each, RequestResult) and each.decision.status is Status.APPROVED]
    taken = [each.decision.outcome.terms.exposed for each in approved if isinstance(each.decision.outcome, Approval)]
    whole = [amount for amount in taken if amount == yuan("4000.00")]
    # 10,000 yuan were available. A late request gets a part if its merchant accepts one: 2,000 that are left, or 1,000
    # if the 8,000 are at the other merchant, where they count as 9,000.
    parts = [amount for amount in taken if amount in {yuan("1000.00"), yuan("2000.00")}]
    assert (len(whole), len(parts)) in {(2, 0), (2, 1)}
    assert len(taken) == len(whole) + len(parts)
    assert world.exposure() == 2_000_000 + sum(amount.minor for amount in taken)
    assert world.mismatches() == []
