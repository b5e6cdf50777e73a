"""`gateway disputes`: list and show."""

import json

import pytest

from gateway.domain.decisions.transitions import BreachKind
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway


@pytest.fixture
def dispute(world: DemoWorld) -> str:
    """The id of an open dispute about a breach."""
    decision = world.requester.request(
        world.user_token(world.grant()), request_command(car(world.clock()), "k", "order")
    ).decision
    world.transitions.activate(world.merchant_token(), ActivateCommand(decision.id, "a"))
    world.transitions.report_breach(world.merchant_token(), BreachCommand(decision.id, "b", BreachKind.DAMAGED))
    return world.disputes.open(world.user("excellent"), decision.id, "I brought it back.").id


def test_list_without_disputes_is_empty(world: DemoWorld, gateway: Gateway) -> None:
    done = gateway("disputes", "list")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "No dispute is open.\n")


def test_list_as_json_has_no_statements(gateway: Gateway, dispute: str) -> None:
    (listed,) = json.loads(gateway.output("disputes", "list", "--json"))
    assert (listed["id"], listed["subject"], listed["status"]) == (dispute, "BREACH", "AWAITING_MERCHANT")
    assert listed["respond_by"].endswith("Z")
    assert "brought" not in json.dumps(listed)


def test_show_prints_the_statement(gateway: Gateway, dispute: str) -> None:
    lines = gateway.output("disputes", "show", dispute).splitlines()
    assert "person               I brought it back." in lines
    assert "merchant's response  none" in lines


def test_show_finds_a_dispute_that_has_ended(world: DemoWorld, gateway: Gateway, dispute: str) -> None:
    world.disputes.withdraw(world.user("excellent"), dispute)
    shown = json.loads(gateway.output("disputes", "show", dispute, "--json"))
    assert (shown["status"], shown["statement"]) == ("WITHDRAWN", "I brought it back.")
    assert gateway.output("disputes", "list") == ""


def test_show_rejects_an_unknown_dispute(world: DemoWorld, gateway: Gateway) -> None:
    assert gateway.error_line("disputes", "show", "dsp_none") == "error: There is no dispute dsp_none."
