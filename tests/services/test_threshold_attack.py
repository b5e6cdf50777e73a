"""A merchant whose contract has five tiers tries to find out a person's tier under a consent of the level threshold.

What it observes is compared with the one answer that it may learn about a person: at or above the tier that the consent
is about, below it, or CANNOT_ASSESS.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from itertools import permutations
from typing import Any

import pytest

from gateway.domain.consents.authorization_detail import AuthorizationDetail
from gateway.domain.consents.consent import Consent
from gateway.domain.errors import Forbidden, GatewayError, InvalidInput, Unavailable
from gateway.domain.scoring.tier import Tier
from gateway.kit.json import decode
from gateway.services.query_unit import QueryUnit
from tests.support.at_once import at_once
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld
from tests.support.units import reading

ASKED = (Tier.BUILDING, Tier.FAIR, Tier.GOOD, Tier.VERY_GOOD, Tier.EXCELLENT)
SCORES = (None, 400, 560, 620, 660, 780)
Answers = dict[Tier, str]


@pytest.fixture
def world(database_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    with closing(LiveWorld(database_url, clock, inquiries_per_hour=1_000)) as world:
        yield world


class Attack:
    """A merchant with a threshold consent of one person."""

    def __init__(self, world: LiveWorld, score: int | None, minimum: Tier | None = None) -> None:
        self._world, self.client, self.person = world, world.add_merchant("one"), world.add_person(score)
        detail = AuthorizationDetail("score", level="threshold", minimum=minimum)
        self.consent = world.grant(self.person, self.client, detail)

    def ask(self, *tiers: Tier) -> Answers:
        """The answers to threshold inquiries in one document, as aliases of one field; FORBIDDEN for an error."""

        def execute(query: QueryUnit) -> Answers:
            return {tier: self._answer(query, tier) for tier in tiers}

        answers = self._world.query(self._world.token(self.client, self.consent), execute)
        assert not isinstance(answers, GatewayError)
        return answers

    def _answer(self, query: QueryUnit, tier: Tier) -> str:
        try:
            return self._world.container.scores.check_threshold(query, tier).value
        except (Forbidden, Unavailable) as error:
            return error.code

    def stored(self) -> Consent:
        with reading(self._world.database) as unit:
            consent = unit.consents.load(self.consent.id)
        assert consent is not None
        return consent

    def logged(self) -> list[dict[str, Any]]:
        """The answers in the access log about the person."""
        with reading(self._world.database) as unit:
            entries = unit.access_log.list_of_subject(unit.users.load_log_subject(self.person), limit=100)[::-1]
            assert {decode(entry.public)["kind"] for entry in entries} <= {"SCORE_THRESHOLD"}
            return [(personal or {})["answered"] for personal in unit.access_log.open_all(entries)]


Strategy = Callable[[Attack], list[Answers]]
STRATEGIES: dict[str, Strategy] = {
    "one-document": lambda attack: [attack.ask(*ASKED), attack.ask(*ASKED)],
    "backwards": lambda attack: [attack.ask(*ASKED[::-1]), attack.ask(*ASKED)],
    "one-by-one": lambda attack: [attack.ask(tier) for tier in (*ASKED[2:], *ASKED[:2], *ASKED)],
    **{
        f"order-{number}": partial(lambda order, attack: [attack.ask(tier) for tier in order], order)
        for number, order in enumerate(list(permutations(ASKED))[::29])
    },
}


def side(score: int | None, tier: Tier) -> str:
    """The one answer that the merchant may learn."""
    tiers = dict(zip(SCORES, (Tier.UNSCORED, *ASKED), strict=True))
    return "CANNOT_ASSESS" if score is None else "YES" if tiers[score].rank >= tier.rank else "NO"


@pytest.mark.parametrize("strategy", [pytest.param(name, id=f"E4-{name}") for name in STRATEGIES])
def test_threshold_consent_tells_one_answer(world: LiveWorld, strategy: str) -> None:
    for score in SCORES:
        attack = Attack(world, score)
        observed = STRATEGIES[strategy](attack)
        (tier,) = {tier for answers in observed for tier, answer in answers.items() if answer != "FORBIDDEN"}
        assert tier is next(iter(observed[0])), "the first tier that was asked about"
        expected = {tier: side(score, tier)}
        for answers in observed:
            assert answers == {asked: expected.get(asked, "FORBIDDEN") for asked in answers}
        assert all(each == {"minimum": tier, "answer": side(score, tier)} for each in attack.logged())


@pytest.mark.postgresql
def test_e4_first_inquiry_binds_in_a_race_of_five_tiers(world: LiveWorld) -> None:
    for score in (560, 660):
        attack = Attack(world, score)
        found = at_once([partial(attack.ask, tier) for tier in ASKED])
        answers = {tier: answer for each in found if isinstance(each, dict) for tier, answer in each.items()}
        assert len(answers) == len(ASKED), found
        (tier,) = (tier for tier, answer in answers.items() if answer != "FORBIDDEN")
        assert attack.stored().threshold_tier(attack.consent.granted_at) is tier
        assert attack.logged() == [{"minimum": tier, "answer": side(score, tier)}]


@pytest.mark.postgresql
def test_e4_race_about_one_tier_is_answered_and_binds_once(world: LiveWorld) -> None:
    attack = Attack(world, 660)
    found = at_once([partial(attack.ask, Tier.GOOD)] * 5)
    assert found == [{Tier.GOOD: "YES"}] * 5
    assert attack.logged() == [{"minimum": Tier.GOOD, "answer": "YES"}] * 5


def test_e4_minimum_of_the_detail_decides_instead_of_the_first_inquiry(world: LiveWorld) -> None:
    attack = Attack(world, 660, minimum=Tier.GOOD)
    assert attack.ask(Tier.EXCELLENT, Tier.GOOD, Tier.FAIR) == {
        Tier.EXCELLENT: "FORBIDDEN",
        Tier.GOOD: "YES",
        Tier.FAIR: "FORBIDDEN",
    }
    assert attack.logged() == [{"minimum": Tier.GOOD, "answer": "YES"}]


def test_e4_inquiry_without_an_answer_binds_nothing(world: LiveWorld) -> None:
    attack = Attack(world, 660)
    world.source.scores[attack.person] = Unavailable("SCORE_UNAVAILABLE", "The source is down.")
    assert attack.ask(Tier.EXCELLENT) == {Tier.EXCELLENT: "SCORE_UNAVAILABLE"}
    world.source.scores[attack.person] = 660
    assert attack.ask(Tier.GOOD) == {Tier.GOOD: "YES"}


def test_e4_tier_outside_the_contract_binds_nothing(world: LiveWorld) -> None:
    attack = Attack(world, 660)
    assert attack.ask(Tier.UNSCORED, Tier.FAIR) == {Tier.UNSCORED: "FORBIDDEN", Tier.FAIR: "YES"}
    with pytest.raises(InvalidInput) as refused:
        Attack(world, 660, minimum=Tier.UNSCORED)
    assert refused.value.field == ("0", "minimum")


@pytest.mark.parametrize("level", [pytest.param("tier", id="E4-tier"), pytest.param("exact", id="E4-exact")])
def test_higher_levels_are_not_bound_to_a_tier(world: LiveWorld, level: str) -> None:
    attack = Attack(world, 660)
    attack.consent = world.grant(attack.person, attack.client, AuthorizationDetail("score", level=level))
    assert attack.ask(*ASKED) == {tier: side(660, tier) for tier in ASKED}
    assert attack.stored().threshold_tier(attack.consent.granted_at) is None
