"""Decisions of one person: makes and activates them at the car rental, and reads them with the merchant's token. Also
consents of one person to many shops."""

from datetime import timedelta

from gateway.domain.consents.consent import Consent
from gateway.domain.decisions.settlement import Settlement
from gateway.domain.decisions.state import DecisionState
from gateway.domain.decisions.transitions import Status
from gateway.domain.events import Actor, Topic
from gateway.domain.money import Money
from gateway.services.decisions.transitions import ActivateCommand
from gateway.services.seeding import CONTRACT
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

DAY = timedelta(days=1)
THREADS = 8


def yuan(amount: str) -> Money:
    return Money.parse(amount, "CNY")


def request_decision(
    world: DemoWorld, handle: str = "excellent", number: int = 1, deposit: str = "3000.00"
) -> DecisionState:
    command = request_command(car(world.clock(), deposit), f"key-{number}", f"order-{number}")
    return world.requester.request(world.user_token(world.grant(handle)), command).decision


def grant_to_shops(world: DemoWorld, handle: str, number: int) -> list[Consent]:
    """One person's consents to this number of shops of one partner."""
    with writing(world.database) as unit:
        partner = world.merchants.ensure_partner(unit, "demo")
        clients = []
        for each in range(number):
            merchant = world.merchants.register(unit, partner, f"Shop {each}")
            world.merchants.replace_contract(unit, merchant.id, CONTRACT)
            world.merchants.enable(unit, merchant.id, "online_shop")
            row, _ = world.clients.register(unit, merchant.id, f"Shop {each}", ["https://shop.example/cb"])
            clients.append(row.id)
    return [world.grant(handle, client=client, scopes=("decisions:request",)) for client in clients]


def activate_decision(world: DemoWorld, number: int = 1) -> DecisionState:
    decision = request_decision(world, number=number)
    return world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, f"activate-{number}"))


def list_events(
    world: DemoWorld, decision: DecisionState
) -> list[tuple[Topic, Status | None, Status, Actor, str | None]]:
    events = world.query(world.merchant_token(), lambda query: world.decisions.list_events(query, decision.id))
    return [(event.merchant_topic, event.before, event.after, event.actor, event.note) for event in events]


def load_decision(world: DemoWorld, decision: DecisionState) -> DecisionState:
    state = world.query(world.merchant_token(), lambda query: world.decisions.find(query, decision.id))
    assert state is not None
    return state


def settlement_of(decision: DecisionState) -> Settlement:
    assert decision.settlement is not None
    return decision.settlement
