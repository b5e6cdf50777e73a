"""No oracle: questions about a person are counted together, and no amount of them tells more than the tier."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decision import Status
from gateway.domain.errors import LimitReached
from gateway.domain.tier import Tier
from gateway.kit.limits import limits
from gateway.services.decisions import DecisionService
from gateway.services.questions import Questions
from gateway.services.scores import ScoreService
from tests.services.world import World, asking, car, order

BUDGET = 6


def limited(world: World, budget: int = BUDGET) -> None:
    """The same services with a small budget."""
    questions = Questions(limits(None, world.clock), budget)
    world.scores = ScoreService(world.source, questions)
    requester = world.decisions._requester
    requester._questions = questions
    world.decisions = DecisionService(
        world.decisions._assessor, requester, world.decisions.moves, questions, world.decision_log
    )


def meets(world: World, token: Any, minimum: Tier = Tier.GOOD) -> Any:
    reading = world.reading(token)
    try:
        return world.scores.meets(reading, minimum)
    finally:
        reading.finish()


def previewed(world: World, token: Any, amount: str = "3000.00") -> Any:
    reading = world.reading(token)
    try:
        return world.decisions.preview(reading, "carRental", car(world.clock(), amount), None)
    finally:
        reading.finish()


def requested(world: World, token: Any, number: int) -> Any:
    return world.decisions.request(token, asking(car(world.clock(), "10.00"), f"key-{number}", f"order-{number}"))


def test_all_kinds_of_questions_draw_on_one_budget(world: World) -> None:
    limited(world)
    token = world.acting(world.grant())
    for number in range(2):
        meets(world, token)
        assert not previewed(world, token).blockers
        requested(world, token, number)
    attempts: list[Callable[[], object]] = [lambda: meets(world, token), lambda: requested(world, token, 9)]
    for attempt in attempts:
        with pytest.raises(LimitReached) as refused:
            attempt()
        assert refused.value.code == "TOO_MANY_QUESTIONS"
        assert timedelta(0) < refused.value.retry_after <= timedelta(hours=1)
    (blocker,) = previewed(world, token).blockers
    assert blocker.code == "TOO_MANY_QUESTIONS"
    assert len(world.rows("SELECT id FROM decisions")) == 2, "what is refused is not decided"


def test_a_replay_costs_nothing(world: World) -> None:
    limited(world, 1)
    token = world.acting(world.grant())
    first = requested(world, token, 1)
    for _ in range(3):
        assert requested(world, token, 1).decision.id == first.decision.id


def test_each_person_and_each_merchant_has_a_budget_of_its_own(world: World) -> None:
    limited(world, 1)
    meets(world, world.acting(world.grant()))
    meets(world, world.acting(world.grant("good")))
    meets(world, world.acting(world.grant(client=world.client("online_shop"))))
    with pytest.raises(LimitReached):
        meets(world, world.acting(world.grant()))  # another consent of the same person makes no new budget


def test_an_hour_later_there_is_room_again(world: World) -> None:
    limited(world, 1)
    consent = world.grant()
    meets(world, world.acting(consent))
    world.clock.advance(hours=1)
    meets(world, world.acting(consent))


def probes(world: World, handle: str) -> list[Any]:
    """Everything that a merchant can ask about a person, with amounts around every limit: the answers, as they are
    told."""
    token = world.acting(world.grant(handle, scopes=("score:threshold", "decisions:request")))
    found: list[Any] = [meets(world, token, tier) for tier in Tier]
    for cents in [*range(1, 2_000_000, 17_001), 199_999, 200_000, 200_001, 1_000_000, 1_000_001]:
        amount = f"{cents // 100}.{cents % 100:02}"
        found.append(_told(previewed(world, token, amount)))
        reading = world.reading(token)
        found.append(_told(world.decisions.preview(reading, "onlineOrder", order(amount), None)))
        reading.finish()
    requested_now = requested(world, token, sum(map(ord, handle))).decision
    found.append((requested_now.status, requested_now.outcome and requested_now.outcome.document()["terms"]))
    return found


def _told(preview: Any) -> Any:
    return (preview.outcome and preview.outcome.document(), [blocker.code for blocker in preview.blockers])


def test_no_amount_of_probing_tells_more_than_the_tier(world: World) -> None:
    """780 and 700 points, one tier: whatever is asked, the answers are the same to the letter."""
    one, other = probes(world, "excellent"), probes(world, "threshold")
    assert one == other
    assert one != probes(world, "just-below"), "a point below is another tier"
    assert one[-1][0] is Status.APPROVED
