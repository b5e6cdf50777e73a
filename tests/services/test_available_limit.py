"""A small available limit: a part is granted before nothing, and no answer reveals the exposure elsewhere."""

from functools import partial
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval, Decline
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.merchants import Product
from gateway.services.decisions.requests import RequestResult
from gateway.services.decisions.transitions import ActivateCommand
from tests.services.asks import asking, car, order
from tests.services.promises import DAY, activated, requested, seen, settlement, yuan
from tests.support.at_once import at_once
from tests.support.demo_world import DemoWorld

LIMIT = "EXPOSURE_LIMIT_REACHED"


def elsewhere(world: DemoWorld, *amounts: str) -> None:
    """Promises of the person to the shop: 30,000 yuan is the limit, 5,000 the most of an order."""
    token = world.acting(world.grant("excellent", client=world.client("online_shop")))
    for number, amount in enumerate(amounts):
        made = world.requester.request(token, asking(order(amount), f"else-{number}", f"else-{number}")).decision
        assert made.status is Status.APPROVED


def preview(world: DemoWorld, deposit: str, *, reduction: bool = True) -> Any:
    ask = car(world.clock(), deposit, reduction=reduction)
    token = world.acting(world.grant())
    return world.query(token, lambda query: world.decisions.preview(query, "carRental", ask, None)).outcome


def granted(decision: DecisionState) -> tuple[str, tuple[str, ...]]:
    assert isinstance(decision.outcome, Approval)
    return decision.outcome.terms.exposed.amount, decision.outcome.reasons


def test_a_part_is_granted_before_nothing(world: DemoWorld) -> None:
    elsewhere(world, *["5000.00"] * 4)
    assert granted(requested(world, number=1, deposit="6500.00")) == ("6500.00", ())
    # 20,000 elsewhere count as 21,000, so that of the 30,000 there are 2,500 left.
    assert granted(requested(world, number=2, deposit="2600.00")) == ("2500.00", (LIMIT,))
    nothing = requested(world, number=3, deposit="2600.00").outcome
    assert nothing == Decline((LIMIT,), world.clock() + DAY)
    assert (world.exposure(), world.mismatches()) == (2_900_000, [])


def test_who_takes_no_part_is_told_that_less_would_do(world: DemoWorld) -> None:
    elsewhere(world, *["5000.00"] * 4)
    whole = preview(world, "9000.01", reduction=False)
    assert whole == Decline((LIMIT,), world.clock() + DAY, (Product.DEPOSIT_WAIVER,))
    fits = preview(world, "9000.00", reduction=False)
    assert isinstance(fits, Approval)


@pytest.mark.parametrize("one", ["100.00", "2500.00"])
def test_no_amount_of_probing_tells_what_is_held_elsewhere(world: DemoWorld, one: str) -> None:
    """Two persons of one tier, one of whom has promised more elsewhere, within the same tenth of the limit."""

    def answers() -> list[Any]:
        return [preview(world, f"{amount}.01") for amount in range(0, 30_000, 487)]

    elsewhere(world, *["5000.00"] * 3, one)
    before = answers()
    token = world.acting(world.grant("excellent", client=world.client("online_shop")))
    more = world.requester.request(token, asking(order("400.00"), "more", "more")).decision
    assert more.status is Status.APPROVED
    assert answers() == before, "400 yuan more elsewhere change no answer"
    world.requester.request(token, asking(order("3000.00"), "next", "next"))
    assert answers() != before, "another tenth does"


def test_what_has_lapsed_makes_room_for_the_same_request_before_any_clock_has_come_by(world: DemoWorld) -> None:
    """Marked as overdue it declines; two weeks later the mark counts no more, and the limit is free."""
    late = activated(world)
    world.clock.advance(5 * DAY)
    assert world.scheduler.apply_due() == 1
    world.clock.advance(14 * DAY)
    assert isinstance(preview(world, "3000.00"), Approval), "a preview sees it too"
    assert requested(world, number=2).status is Status.APPROVED
    assert not settlement(seen(world, late)).overdue
    assert (world.exposure(), world.mismatches()) == (300_000, [])


def test_any_number_of_promises_that_ran_out_makes_room(world: DemoWorld) -> None:
    for number in range(150):
        requested(world, number=number, deposit="200.00")
    world.clock.advance(8 * DAY)
    assert granted(requested(world, number=999, deposit="10000.00")) == ("10000.00", ())
    assert (world.exposure(), world.mismatches()) == (1_000_000, [])


def test_many_at_once_share_what_is_left_to_the_cent(world: DemoWorld) -> None:
    for number in range(2):
        requested(world, number=number, deposit="10000.00")
    consent = world.grant()
    calls = [
        partial(
            world.requester.request, world.acting(consent), asking(car(world.clock(), "3100.00"), f"r-{n}", f"r-{n}")
        )
        for n in range(8)
    ]
    answers = at_once(calls)
    assert not [each for each in answers if isinstance(each, Exception)]
    decisions = [each.decision for each in answers if isinstance(each, RequestResult)]
    amounts = sorted(granted(each)[0] for each in decisions if each.status is Status.APPROVED)
    assert amounts == ["3100.00", "3100.00", "3100.00", "700.00"]
    assert (world.exposure(), world.mismatches()) == (3_000_000, [])


def test_a_part_lives_like_any_other_promise(world: DemoWorld) -> None:
    elsewhere(world, *["5000.00"] * 5)
    decision = requested(world, deposit="3100.00")
    assert granted(decision)[0] == "3000.00"
    active = world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    assert settlement(active).due == yuan("3000.00")
