"""Inquiries about a person are counted together, and no number of them reveals more than the tier."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain.decisions.transitions import Status
from gateway.domain.errors import Forbidden, RateLimitReached
from gateway.domain.identity.principal import Principal
from gateway.domain.merchants import Contract
from gateway.domain.money import Money
from gateway.domain.scoring.score import ThresholdAnswer
from gateway.domain.scoring.tier import Tier
from gateway.services.decisions.queries import Preview
from gateway.services.query_unit import QueryUnit
from tests.services.asks import car, order, request_command
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

BUDGET = 6


def limited(world: DemoWorld, budget: int = BUDGET) -> DemoWorld:
    """The same deployment with this inquiry budget."""
    return world.variant(inquiries_per_hour=budget)


def meets(world: DemoWorld, token: Principal, minimum: Tier = Tier.GOOD) -> ThresholdAnswer:
    return world.query(token, lambda query: world.scores.check_threshold(query, minimum))


def previewed(world: DemoWorld, token: Principal, amount: str = "3000.00") -> Preview:
    ask = car(world.clock(), amount)
    return world.query(token, lambda query: world.decisions.preview(query, "carRental", ask, None))


def requested(world: DemoWorld, token: Any, number: int) -> Any:
    return world.requester.request(
        token, request_command(car(world.clock(), "10.00"), f"key-{number}", f"order-{number}")
    )


def test_all_kinds_of_inquiries_share_one_budget(world: DemoWorld) -> None:
    world = limited(world)
    token = world.user_token(world.grant())
    for number in range(2):
        meets(world, token)
        assert not previewed(world, token).blockers
        requested(world, token, number)
    attempts: list[Callable[[], object]] = [lambda: meets(world, token), lambda: requested(world, token, 9)]
    for attempt in attempts:
        with pytest.raises(RateLimitReached) as refused:
            attempt()
        assert refused.value.code == "TOO_MANY_INQUIRIES"
        assert timedelta(0) < refused.value.retry_after <= timedelta(hours=1)
    (blocker,) = previewed(world, token).blockers
    assert blocker.code == "TOO_MANY_INQUIRIES"
    assert len(world.rows("SELECT id FROM decisions")) == 2, "a rejected request makes no decision"


def test_replay_is_not_counted(world: DemoWorld) -> None:
    world = limited(world, 1)
    token = world.user_token(world.grant())
    first = requested(world, token, 1)
    for _ in range(3):
        assert requested(world, token, 1).decision.id == first.decision.id


def test_e2_budget_is_separate_for_each_person_and_shared_by_the_merchants_of_a_partner(world: DemoWorld) -> None:
    client, world = world.second_partner(), limited(world, 1)
    meets(world, world.user_token(world.grant()))
    meets(world, world.user_token(world.grant("good")))
    for consent in (world.grant(), world.grant(client=world.client("online_shop"))):
        with pytest.raises(RateLimitReached):
            meets(world, world.user_token(consent))  # another consent of the same person has the same budget
    meets(world, world.user_token(world.grant(client=client)), Tier.EXCELLENT)


READS: dict[str, Callable[[DemoWorld, QueryUnit], object]] = {
    "tier": lambda world, query: world.scores.load_measurement(query),
    "score": lambda world, query: world.scores.load_score(query),
    "threshold": lambda world, query: world.scores.check_threshold(query, Tier.GOOD),
    "preview": lambda world, query: world.decisions.preview(query, "carRental", car(world.clock()), None).outcome,
}


@pytest.mark.parametrize("read", [pytest.param(name, id=f"E3-{name}") for name in READS])
def test_every_read_of_a_person_counts_as_often_as_it_stands_in_the_document(world: DemoWorld, read: str) -> None:
    world = limited(world, 3)
    token = world.user_token(world.grant())
    assert all(world.query(token, lambda query: [READS[read](world, query) for _ in range(3)]))
    for name in READS.keys() - {"preview"}:
        with pytest.raises(RateLimitReached):
            world.query(token, lambda query: READS[name](world, query))  # noqa: B023
    assert [blocker.code for blocker in previewed(world, token).blockers] == ["TOO_MANY_INQUIRIES"]
    with pytest.raises(RateLimitReached):
        requested(world, token, 1)
    assert world.counts()["access_log"] == 3


def test_budget_is_available_again_after_an_hour(world: DemoWorld) -> None:
    world = limited(world, 1)
    consent = world.grant()
    meets(world, world.user_token(consent))
    world.clock.advance(hours=1)
    meets(world, world.user_token(consent))


def test_each_inquiry_of_a_document_is_counted(world: DemoWorld) -> None:
    """As for `nodes` with the id of the person twice: the number of inquiries is not known before the document runs."""
    world = limited(world, 3)
    token = world.user_token(world.grant())
    twice = world.query(token, lambda query: [world.scores.check_threshold(query, Tier.GOOD) for _ in range(2)])
    assert twice == [ThresholdAnswer.YES] * 2
    meets(world, token)
    with pytest.raises(RateLimitReached):
        meets(world, token)
    assert world.counts()["access_log"] == 3


def test_inquiry_beyond_the_budget_fails_alone(world: DemoWorld) -> None:
    world = limited(world, 2)
    token = world.user_token(world.grant())

    def ask(query: QueryUnit) -> str:
        try:
            return world.scores.check_threshold(query, Tier.GOOD)
        except RateLimitReached as error:
            return error.code

    assert world.query(token, lambda query: [ask(query) for _ in range(4)]) == [
        "YES",
        "YES",
        *["TOO_MANY_INQUIRIES"] * 2,
    ]
    assert world.counts()["access_log"] == 2, "each answer is logged once, although the document ran twice"


def test_forbidden_inquiry_is_not_counted(world: DemoWorld) -> None:
    contract = Contract(frozenset({Tier.GOOD}), Money(100, "CNY"), timedelta(days=1))
    with writing(world.database) as unit:
        world.merchants.replace_contract(unit, world.merchant(), contract)
    world = limited(world, 1)
    token = world.user_token(world.grant())
    uncovered = world.user_token(world.grant(scopes=("decisions:request",)))
    for _ in range(2):
        with pytest.raises(Forbidden):
            meets(world, token, Tier.EXCELLENT)
        with pytest.raises(Forbidden):
            meets(world, uncovered)
    assert meets(world, token) is ThresholdAnswer.YES
    with pytest.raises(RateLimitReached):
        meets(world, token)


def probes(world: DemoWorld, handle: str) -> list[Any]:
    """The answers to everything that a merchant can ask about a person, with amounts around every limit."""
    token = world.user_token(world.grant(handle, scopes=("score:tier", "decisions:request")))
    answers: list[Any] = [meets(world, token, tier) for tier in Tier]
    for cents in [*range(1, 2_000_000, 17_001), 199_999, 200_000, 200_001, 1_000_000, 1_000_001]:
        amount = f"{cents // 100}.{cents % 100:02}"
        answers.append(_visible(previewed(world, token, amount)))
        ask = order(amount)
        preview = world.query(token, lambda query: world.decisions.preview(query, "onlineOrder", ask, None))  # noqa: B023
        answers.append(_visible(preview))
    requested_now = requested(world, token, sum(map(ord, handle))).decision
    answers.append((requested_now.status, requested_now.outcome and requested_now.outcome.document()["terms"]))
    return answers


def _visible(preview: Any) -> Any:
    return (preview.outcome and preview.outcome.document(), [blocker.code for blocker in preview.blockers])


def test_inquiries_reveal_no_more_than_the_tier(world: DemoWorld) -> None:
    """Persons with 780 and 700 points have the same tier, so all answers about them are equal."""
    one, other = probes(world, "excellent"), probes(world, "threshold")
    assert one == other
    assert one != probes(world, "just-below"), "699 points are another tier"
    assert one[-1][0] is Status.APPROVED
