"""Overrides of the car rental's policy by the demo merchant."""

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.decisions.outcome import Approval
from gateway.domain.decisions.state import DecisionState
from gateway.domain.errors import Misconfigured, NotFound
from gateway.services.policies.overrides import OverrideState
from merchants.car_rental import CarRental
from merchants.policies.tables import read_table
from tests.services.asks import car, request_command
from tests.support.checkout import ROOT
from tests.support.demo_world import DemoWorld
from tests.support.units import writing

HEADER = 'policy = "car_rental"\ncurrency = "CNY"\n'
BOUNDS = (
    f"{HEADER}[rule.good]\nshare = {{ at_least = 40, at_most = 70 }}\n[rule.very-good]\nshare = {{ at_most = 80 }}\n"
)
TEXT = (ROOT / "merchants" / "car_rental" / "policy.toml").read_text(encoding="utf-8")


def override_text(
    version: str = "north-1", effective: str = "2026-11-23", rules: str = "[rule.good]\nshare = 60\n"
) -> str:
    return f'{HEADER}version = "{version}"\neffective = {effective}\n{rules}'


def set_bounds(world: DemoWorld, text: str = BOUNDS) -> None:
    with writing(world.database) as unit:
        world.overrides.set_bounds(unit, world.merchant(), "car_rental", text, "bounds.toml")


def register_override(world: DemoWorld, text: str) -> None:
    with writing(world.database) as unit:
        world.overrides.register(unit, world.merchant(), "car_rental", text, "north.toml")


def list_states(world: DemoWorld, **options: Any) -> list[OverrideState]:
    return world.database.read(lambda unit: world.overrides.list_states(unit, **options))


def decide(
    world: DemoWorld, number: int = 1, *, handle: str = "good", client: str | None = None, partner: str = "demo"
) -> DecisionState:
    """A decision about a deposit of 1,000.00. The policy waives half of it for the persona "good"."""
    acting = world.user_token(world.grant(handle, client=client, partner=partner))
    command = request_command(car(acting.now, "1000.00"), f"key-{number}", f"order-{number}")
    return world.requester.request(acting, command).decision


def waived_amount(decision: DecisionState) -> str:
    assert isinstance(decision.outcome, Approval)
    return decision.outcome.terms.exposed.amount


def assert_rejected(world: DemoWorld, call: Callable[[], object], message: str) -> None:
    """Fails unless the call raises an error that matches `message`, and changes nothing."""
    before = world.contents()
    with pytest.raises((Misconfigured, NotFound), match=message):
        call()
    assert world.contents() == before


def with_later_version(world: DemoWorld, text: str) -> DemoWorld:
    """The same deployment with a second version of the policy, effective from 2027-01-01."""
    table = read_table(
        text.replace("2026-11-29", "2027-01-01").replace("2026-11-01", "2027-01-01"),
        CarRental.columns,
        "policy.2027.toml",
    )

    class Upgraded(CarRental):
        later = [table]  # noqa: RUF012  # as in MerchantAdapter

    return world.variant(adapters=(Upgraded,))
