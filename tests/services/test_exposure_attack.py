"""Two merchants that work together try to measure a person's exposure at other merchants.

Each merchant previews, requests and cancels. What they observe is compared for two persons whose exposure at other
merchants differs, but has the same steps. If all observations are equal, a strategy cannot tell the persons apart: it
can only depend on what was observed before.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random
from typing import Any

import pytest

from gateway.domain.decisions.exposure import rounded_exposure
from gateway.domain.decisions.outcome import Approval
from gateway.domain.errors import GatewayError
from gateway.domain.identity.principal import Principal
from gateway.domain.money import Money
from gateway.services.decisions.transitions import CancelCommand
from tests.services.asks import car, request_command
from tests.support.clock import MovableClock
from tests.support.live_world import LiveWorld

LIMIT = Money.parse("30000.00", "CNY")
BUDGET = 60
Observed = tuple[Any, ...]
Strategy = Callable[["Attack"], object]


class Attack:
    """Two merchants and one person. `observed` is everything that the merchants have learned, in order."""

    def __init__(self, world: LiveWorld, clients: tuple[str, str], person: str) -> None:
        self._world, self._clients, self._number = world, clients, 0
        self._consents = [world.grant(person, client, scopes=("decisions:request",)) for client in clients]
        self.observed: list[Observed] = []

    def preview(self, at: int, cents: int) -> int:
        """Previews a deposit at one of the merchants; returns the waived amount."""
        ask = car(self._world.clock(), f"{cents // 100}.{cents % 100:02}")
        decisions = self._world.container.decisions
        found = self._world.query(self._user(at), lambda query: decisions.preview(query, "carRental", ask, None))
        assert not isinstance(found, GatewayError)
        return self._observe("preview", at, cents, found.outcome, [error.code for error in found.blockers])

    def request(self, at: int, cents: int) -> tuple[int, str]:
        """Requests a deposit waiver; returns the waived amount and the decision's id, "" if the budget is used."""
        self._number += 1
        name = f"{self._number}-{self._consents[at].id}"
        command = request_command(car(self._world.clock(), f"{cents // 100}.{cents % 100:02}"), name, name)
        try:
            decision = self._world.container.requester.request(self._user(at), command).decision
        except GatewayError as error:
            return self._observe("request", at, cents, None, [error.code]), ""
        return self._observe("request", at, cents, decision.outcome, []), decision.id

    def cancel(self, at: int, decision: str) -> None:
        """Cancels an approval, which frees its exposure."""
        token = self._world.token(self._clients[at])
        self._world.container.transitions.cancel(token, CancelCommand(decision, f"c-{decision}", None))

    def _user(self, at: int) -> Principal:
        return self._world.token(self._clients[at], self._consents[at])

    def _observe(self, kind: str, at: int, cents: int, outcome: Any, errors: list[str]) -> int:
        waived = outcome.terms.exposed.minor if isinstance(outcome, Approval) else 0
        self.observed.append((kind, at, cents, waived, outcome and outcome.reasons, errors))
        return waived


def use_most_of_the_limit(attack: Attack) -> int:
    """Requests so much at the second merchant that its next preview shows the whole available limit; returns that."""
    attack.request(1, 1_000_000)
    attack.request(1, 400_000)
    return attack.preview(1, 1_000_000)


def bisect_with_own_exposure(attack: Attack) -> None:
    """The attack on a rounded sum: one merchant moves its own exposure until the preview of the other one changes."""
    before, low, high = use_most_of_the_limit(attack), 0, 300_000
    for _ in range(12):
        middle = (low + high) // 2
        _, decision = attack.request(0, middle)
        moved = attack.preview(1, 1_000_000) != before
        low, high = (low, middle) if moved else (middle, high)
        attack.cancel(0, decision)


def walk_own_exposure(attack: Attack) -> None:
    """Adds approvals at one merchant cent by cent around each step, and previews at both."""
    use_most_of_the_limit(attack)
    for cents in (1, 29_999, 1, 30_000, 240_000, 300_000, 1):
        attack.request(0, cents)
        attack.preview(1, 1_000_000)
        attack.preview(0, 1_000_000)


def fill_the_limit(attack: Attack) -> None:
    """Requests the largest amounts at both merchants in turn, until nothing is approved."""
    for number in range(8):
        attack.request(number % 2, 1_000_000)
        attack.preview(1 - number % 2, 1_000_000)


def act_at_random(seed: int) -> Strategy:
    def act(attack: Attack) -> None:
        random = Random(seed)
        held: list[tuple[int, str]] = []
        for _ in range(25):
            at, cents = random.randrange(2), random.choice((1, 599, 30_001, 299_999, random.randrange(1, 1_000_000)))
            choice = random.randrange(3)
            if choice == 0:
                waived, decision = attack.request(at, cents)
                held += [(at, decision)] if waived else []
            elif choice == 1 and held:
                attack.cancel(*held.pop(random.randrange(len(held))))
            else:
                attack.preview(at, cents)

    return act


STRATEGIES = {
    "bisect": bisect_with_own_exposure,
    "walk": walk_own_exposure,
    "fill": fill_the_limit,
    **{f"random-{seed}": act_at_random(seed) for seed in range(3)},
}


@pytest.fixture
def world(sqlite_url: str, clock: MovableClock) -> Iterator[LiveWorld]:
    with closing(LiveWorld(sqlite_url, clock)) as world:
        yield world


def with_exposure(world: LiveWorld, *amounts: str) -> str:
    """A person of the highest tier with these exposures, each at another merchant."""
    person = world.add_person(780)
    for number, amount in enumerate(amounts):
        client = world.add_merchant("elsewhere")
        token = world.token(client, world.grant(person, client, scopes=("decisions:request",)))
        command = request_command(car(world.clock(), amount), f"{person}-{number}", f"{person}-{number}")
        outcome = world.container.requester.request(token, command).decision.outcome
        assert isinstance(outcome, Approval)
        assert outcome.terms.exposed == Money.parse(amount, "CNY")
    return person


@pytest.mark.parametrize("partners", [("one", "one"), ("one", "two")], ids=["E2-one-partner", "E2-two-partners"])
def test_two_merchants_learn_only_the_steps_of_exposure_elsewhere(world: LiveWorld, partners: tuple[str, str]) -> None:
    clients = (world.add_merchant(partners[0]), world.add_merchant(partners[1]))
    # 20 and 2 per cent of the limit for both: one person is at the lower ends of these steps, the other at the upper.
    persons = with_exposure(world, "3000.01", "300.01"), with_exposure(world, "6000.00", "600.00")
    for name, strategy in STRATEGIES.items():
        attacks = [Attack(world, clients, person) for person in persons]
        for attack in attacks:
            strategy(attack)
        assert attacks[0].observed == attacks[1].observed, name
        assert any(waived for *_, waived, _, _ in attacks[0].observed), "the strategy observed something"
        world.clock.advance(days=8)  # approvals of the attack expire, the budgets are full again
        persons = with_exposure(world, "3000.01", "300.01"), with_exposure(world, "6000.00", "600.00")


def test_e2_observations_give_the_documented_bound(world: LiveWorld) -> None:
    """The merchants learn the sum of the steps in whole per cent of the limit: the documented bound is reached."""
    clients = (world.add_merchant("one"), world.add_merchant("two"))
    elsewhere = ("3000.01", "300.01")
    attack = Attack(world, clients, with_exposure(world, *elsewhere))
    attack.request(0, 1_000_000)
    attack.request(0, 200_000)
    learned = LIMIT.minor - rounded_exposure(LIMIT, Money(1_200_000, "CNY")).minor - attack.preview(1, 1_000_000)
    steps = sum(rounded_exposure(LIMIT, Money.parse(amount, "CNY")).minor for amount in elsewhere)
    assert learned == steps == LIMIT.minor * 22 // 100


@pytest.mark.parametrize(
    ("partners", "observations"),
    [pytest.param(("one", "one"), BUDGET, id="E2-one-partner"), pytest.param(("one", "two"), 2 * BUDGET, id="E2-two")],
)
def test_merchants_of_one_partner_share_the_inquiry_budget(
    world: LiveWorld, partners: tuple[str, str], observations: int
) -> None:
    clients = (world.add_merchant(partners[0]), world.add_merchant(partners[1]))
    attack = Attack(world, clients, world.add_person(780))
    for number in range(2 * BUDGET + 4):
        attack.preview(number % 2, 1_000)
    answered = [errors for *_, errors in attack.observed if not errors]
    assert len(answered) == observations
    assert attack.observed[-1][-1] == ["TOO_MANY_INQUIRIES"]
