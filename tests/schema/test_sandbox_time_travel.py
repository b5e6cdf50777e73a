"""Random lives of decisions, consents, disputes and webhooks of two partners, each with its own movable clock."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from gateway.audit.reconciliation import find_mismatches
from gateway.domain.consents.consent import ConsentStatus
from gateway.domain.errors import GatewayError
from gateway.domain.events import Topic
from gateway.domain.identity.principal import Principal
from gateway.domain.period import parse_moment
from gateway.kit.clock import BusinessTime, business_time
from gateway.oauth.token_check import check_token
from gateway.services.sandbox.consents import ConsentAnswer
from gateway.store.webhooks.delivery_rows import DeliveryStatus
from tests.support import factories
from tests.support.clock import NOON
from tests.support.graphql_webhooks import GraphQLHooks
from tests.support.graphql_world import MERCHANT_SCOPES, REQUEST, GraphQLWorld, request_variables
from tests.support.records import write_persona_records
from tests.support.transitions import TRANSITIONS, transition_input
from tests.support.units import reading, writing
from tests.support.webhook_world import OK, Receiver, status

pytestmark = pytest.mark.postgresql

STEPS = 100
LENGTHS = [timedelta(hours=1), timedelta(hours=26), timedelta(days=4), timedelta(days=9), timedelta(days=40)]
NAMES = ("activate", "fulfill", "breach", "cancel")


@dataclass
class Player:
    """A partner with one merchant and one persona. `offset` is by how much it has moved its clock."""

    world: GraphQLWorld
    merchant: Principal
    user_id: str
    handle: str
    number: int
    offset: timedelta = timedelta(0)
    tokens: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)

    @property
    def now(self) -> BusinessTime:
        return business_time(self.world.clock(), int(self.offset.total_seconds()))

    def step(self, random: Random) -> None:
        """Does something that is possible, or tries something that is not."""
        action = random.choice([self.grant, self.request, self.request, self.transit, self.transit, self.dispute])
        if random.random() < 0.25:
            action = random.choice([self.end, self.move, self.move])
        action(random)

    def grant(self, _: Random) -> None:
        service = self.world.container.sandbox.consents
        granted = service.grant(self.merchant, self.handle, None, None, ConsentAnswer.ALLOW)
        self.tokens.append(granted.token.text)
        self.consents.append(granted.consent.id)

    def request(self, random: Random) -> None:
        if not self.tokens:
            return
        try:
            with reading(self.world.database) as unit:
                user = check_token(unit, random.choice(self.tokens), None, self.world.container.environment)
        except GatewayError:  # its consent has ended
            return
        start = self.now + timedelta(days=random.randint(1, 5))
        period = {"start": start.isoformat(), "end": (start + timedelta(days=3)).isoformat()}
        name = f"{self.number}-{len(self.decisions)}-{random.random()}"
        small = {"amount": "10.00", "currency": "CNY"}
        variables = request_variables(name, name, deposit=small, rental=period)
        decision = self.world.data(REQUEST, variables, by=user)["decisionRequest"]["decision"]
        if decision is not None:
            self.decisions.append(decision["id"])

    def transit(self, random: Random) -> None:
        if self.decisions:
            name = random.choice(NAMES)
            variables = {"input": transition_input(name, random.choice(self.decisions))}
            self.world.data(TRANSITIONS[name].document, variables, by=self.merchant)

    def dispute(self, random: Random) -> None:
        if self.decisions:
            with suppress(GatewayError):  # there may be nothing to dispute
                self.world.container.disputes.open(self.user_id, random.choice(self.decisions), "I returned it.")

    def end(self, random: Random) -> None:
        if self.consents:
            status = random.choice([ConsentStatus.REVOKED, ConsentStatus.EXPIRED])
            with suppress(GatewayError):  # one that is revoked cannot expire
                self.world.container.sandbox.consents.end(self.merchant, random.choice(self.consents), status)

    def move(self, random: Random) -> None:
        length = random.choice(LENGTHS)
        moved = self.world.container.sandbox.clock.advance(self.merchant.partner_id, length)
        assert moved.is_complete
        self.offset += length
        assert self.offset <= moved.clock.offset <= self.offset + timedelta(seconds=1)
        self.offset = moved.clock.offset
        assert self.overdue_work() == []

    def overdue_work(self) -> list[str]:
        """What should have happened at the present business time, and has not."""
        with reading(self.world.database) as unit:
            due = unit.decisions.list_due_of_partner(self.merchant.partner_id, self.now, 100)
            return due + unit.disputes.list_unanswered(self.merchant.partner_id, self.now, 100)


@pytest.fixture
def world(each_world: GraphQLWorld) -> GraphQLWorld:
    return each_world


@pytest.fixture
def players(world: GraphQLWorld) -> list[Player]:
    first = Player(world, world.merchant(*MERCHANT_SCOPES, "webhooks:manage"), world.consent.user_id, "good", 1)
    with writing(world.database) as unit:
        partner = factories.make_partner(unit)
        merchant = factories.make_merchant(unit, partner, name="Blue Cars")
        for adapter in world.container.registry:
            unit.merchants.enable_adapter(merchant, adapter, NOON)
        client = factories.make_client(unit, merchant)
        user = factories.make_user(unit, partner)
        factories.make_persona(unit, partner, user, handle="excellent")
        write_persona_records(unit, user, "excellent")
        world.container.scorecard.compute(unit, user, business_time(NOON, 0))
    other = replace(
        first.merchant,
        partner_id=partner,
        merchant_id=merchant,
        client_id=client,
    )
    return [first, Player(world, other, user, "excellent", 2)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def offsets(world: GraphQLWorld) -> dict[str, int]:
    return dict(world.rows("SELECT id, clock_offset_seconds FROM partners"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_invariants_hold_while_two_partners_move_their_clocks(
    seed: int, world: GraphQLWorld, players: list[Player], hooks: GraphQLHooks, receiver: Receiver
) -> None:
    random = Random(seed)
    endpoint = hooks.endpoint(receiver.url(), list(Topic))
    with reading(world.database) as unit:
        known = list(find_mismatches(unit))  # the world has a decision without an entry in the log
    receiver.answer = lambda _: OK if random.random() < 0.7 else status(500)
    for _ in range(STEPS):
        player, other = random.sample(players, 2)
        elsewhere = offsets(world)[other.merchant.partner_id]
        player.step(random)
        assert offsets(world)[other.merchant.partner_id] == elsewhere
        world.clock.advance(seconds=random.randint(1, 900))
        hooks.settle()

    receiver.answer = lambda _: OK
    for _ in range(20):
        world.clock.advance(hours=25)
        hooks.settle()
    assert {row.status for row in hooks.deliveries(endpoint)} == {DeliveryStatus.DELIVERED}
    for player in players:
        check_events(player)
    with reading(world.database) as unit:
        assert list(find_mismatches(unit)) == known


def check_events(player: Player) -> None:
    """Each subject's events have the numbers 1, 2, 3, and times that do not go back or lie in the future."""
    with reading(player.world.database) as unit:
        rows = unit.outbox.list_since(player.merchant.merchant_id, list(Topic), NOON, 10_000)
    subjects: dict[str, list[Any]] = {}
    for row in rows:
        subjects.setdefault(row.aggregate_id, []).append(row)
    assert len(rows) >= 10
    for events in subjects.values():
        assert [row.sequence for row in events] == list(range(1, len(events) + 1))
        moments = [parse_moment(row.payload["occurredAt"]) for row in events]
        assert moments == sorted(moments)
        assert moments[-1] <= player.now
