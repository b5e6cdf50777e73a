"""A small available limit: approvals are reduced to it, and no outcome reveals the exposure at other merchants."""

from functools import partial
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import ActivateCommand
from tests.services.asks import car, order, request_command
from tests.services.decisions import DAY, activate_decision, load_decision, request_decision, settlement_of, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld

LIMIT = "EXPOSURE_LIMIT_REACHED"


def use_limit_elsewhere(world: DemoWorld, *amounts: str) -> None:
    """Makes decisions of these amounts at the shop. The credit limit is 30,000 yuan, the maximum of an order 5,000."""
    token = world.user_token(world.grant("excellent", client=world.client("online_shop")))
    for number, amount in enumerate(amounts):
        made = world.requester.request(
            token, request_command(order(amount), f"else-{number}", f"else-{number}")
        ).decision
        assert made.status is Status.APPROVED


def preview(world: DemoWorld, deposit: str, *, reduction: bool = True) -> Any:
    ask = car(world.clock(), deposit, reduction=reduction)
    token = world.user_token(world.grant())
    return world.query(token, lambda query: world.decisions.preview(query, "carRental", ask, None)).outcome


def granted(decision: DecisionState) -> tuple[str, tuple[str, ...]]:
    assert isinstance(decision.outcome, Approval)
    return decision.outcome.terms.exposed.amount, decision.outcome.reasons


def test_approval_is_reduced_to_the_available_limit(world: DemoWorld) -> None:
    use_limit_elsewhere(world, *["5000.00"] * 3)
    assert granted(request_decision(world, number=1, deposit="6500.00")) == ("6500.00", ())
    # 15,000 elsewhere are half of the limit, and 6,500 are used here. So 8,500 of the 30,000 are available.
    assert granted(request_decision(world, number=2, deposit="8600.00")) == ("8500.00", (LIMIT,))
    nothing = request_decision(world, number=3, deposit="2600.00").outcome
    assert nothing == Decline((LIMIT,), world.clock() + DAY)
    assert (world.exposure(), world.mismatches()) == (3_000_000, [])


def test_decline_suggests_a_smaller_ask_if_the_merchant_accepts_no_part(world: DemoWorld) -> None:
    use_limit_elsewhere(world, *["5000.00"] * 3)
    request_decision(world, number=1, deposit="6000.00")
    whole = preview(world, "9000.01", reduction=False)
    assert whole == Decline((LIMIT,), world.clock() + DAY, (Product.DEPOSIT_WAIVER,))
    fits = preview(world, "9000.00", reduction=False)
    assert isinstance(fits, Approval)


@pytest.mark.parametrize("one", [pytest.param("10.00", id="E2-low"), pytest.param("2500.00", id="E2-high")])
def test_previews_do_not_reveal_exposure_at_another_merchant(world: DemoWorld, one: str) -> None:
    """Exposure at each other merchant is rounded up to steps of the limit: more of it within a step changes nothing."""

    def answers() -> list[Any]:
        return [preview(world, f"{amount}.01") for amount in range(0, 30_000, 487)]

    request_decision(world, number=1, deposit="6000.00")
    use_limit_elsewhere(world, "5000.00", "3200.00", one)
    before = answers()
    token = world.user_token(world.grant("excellent", client=world.client("online_shop")))
    more = world.requester.request(token, request_command(order("400.00"), "more", "more")).decision
    assert more.status is Status.APPROVED
    assert answers() == before, "400 yuan more elsewhere change no preview"
    for number in range(2):
        world.requester.request(token, request_command(order("5000.00"), f"next-{number}", f"next-{number}"))
    assert answers() != before, "another step changes previews"


def test_expired_overdue_flag_releases_exposure_before_the_scheduler_runs(world: DemoWorld) -> None:
    """An overdue flag declines requests. After two weeks it has expired, although no scheduler has run since."""
    late = activate_decision(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    world.clock.advance(14 * DAY)
    assert isinstance(preview(world, "3000.00"), Approval), "also in a preview"
    assert request_decision(world, number=2).status is Status.APPROVED
    assert not settlement_of(load_decision(world, late)).overdue
    assert (world.exposure(), world.mismatches()) == (300_000, [])


def test_many_expired_approvals_release_exposure(world: DemoWorld) -> None:
    for number in range(150):
        request_decision(world, number=number, deposit="200.00")
    world.clock.advance(8 * DAY)
    assert granted(request_decision(world, number=999, deposit="10000.00")) == ("10000.00", ())
    assert (world.exposure(), world.mismatches()) == (1_000_000, [])


@pytest.mark.postgresql
def test_concurrent_requests_use_the_available_limit_exactly(world: DemoWorld) -> None:
    for number in range(2):
        request_decision(world, number=number, deposit="10000.00")
    consent = world.grant()
    calls = [
        partial(
            world.requester.request,
            world.user_token(consent),
            request_command(car(world.clock(), "3100.00"), f"r-{n}", f"r-{n}"),
        )
        for n in range(8)
    ]
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    decisions = [each.decision for each in answers if isinstance(each, RequestResult)]
    amounts = sorted(granted(each)[0] for each in decisions if each.status is Status.APPROVED)
    assert amounts == ["3100.00", "3100.00", "3100.00", "700.00"]
    assert (world.exposure(), world.mismatches()) == (3_000_000, [])


def test_reduced_approval_can_be_activated(world: DemoWorld) -> None:
    use_limit_elsewhere(world, *["5000.00"] * 3)
    request_decision(world, number=2, deposit="10000.00")
    decision = request_decision(world, deposit="5100.00")
    assert granted(decision)[0] == "5000.00"
    active = world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert settlement_of(active).due == yuan("5000.00")
