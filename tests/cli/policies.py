"""Policy files and decisions for the tests of `gateway policy`."""

from pathlib import Path

from gateway.domain.decisions.state import DecisionState
from tests.services.asks import car, request_command
from tests.support.checkout import ROOT
from tests.support.demo_world import DemoWorld

CAR_RENTAL = ROOT / "merchants" / "car_rental" / "policy.toml"


def request_decision(
    world: DemoWorld, handle: str, deposit: str = "3000.00", number: int = 1, *, reduction: bool = True
) -> DecisionState:
    """A decision about a car for the persona."""
    command = request_command(
        car(world.clock(), deposit, reduction=reduction), f"{handle}-{number}", f"{handle}-{number}"
    )
    return world.request(world.grant(handle), command).decision


def write_changed_policy(folder: Path, old: str, new: str) -> str:
    """The path of a copy of the car rental's policy with some of its text replaced."""
    text = CAR_RENTAL.read_text(encoding="utf-8")
    assert old in text
    file = folder / "changed.toml"
    file.write_text(text.replace(old, new), encoding="utf-8")
    return str(file)
