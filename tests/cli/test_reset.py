"""`gateway sandbox reset`, and the demo over a sandbox that persons have used."""

import json
from pathlib import Path

import httpx2
import pytest

from gateway.cli.credentials import demo_merchant
from gateway.demo.narrator import Narrator
from gateway.demo.point_of_sale import PointOfSaleDemo
from gateway.demo.website import WebsiteDemo
from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.server import Sandbox

OPEN = "{ merchant { decisions(filter: {statuses: [PENDING, APPROVED, ACTIVE, BREACHED]}) { totalCount } } }"


def count_open(credentials: dict[str, str], merchant: dict[str, str]) -> int:
    """The number of the merchant's open decisions."""
    headers = {"Authorization": f"Bearer {merchant['merchant_token']}"}
    response = httpx2.post(credentials["graphql"], json={"query": OPEN}, headers=headers, timeout=20)
    count: int = response.json()["data"]["merchant"]["decisions"]["totalCount"]
    return count


@pytest.mark.slow
def test_f1_demos_leave_nothing_open(own_sandbox: Sandbox) -> None:
    credentials = own_sandbox.credentials
    for demo in (WebsiteDemo(credentials, Narrator(None)), PointOfSaleDemo(credentials, Narrator(None))):
        demo.run()
    assert [count_open(credentials, each) for each in credentials["merchants"]] == [0] * len(credentials["merchants"])


@pytest.mark.slow
def test_f1_twelfth_demo_is_as_good_as_the_first(own_sandbox: Sandbox) -> None:
    for _ in range(12):
        WebsiteDemo(own_sandbox.credentials, Narrator(None)).run()


@pytest.mark.slow
def test_f1_demo_works_after_the_limit_was_exhausted(own_sandbox: Sandbox) -> None:
    class Kept(WebsiteDemo):
        """Leaves its approval open, as a person may."""

        def _cancel_decision(self, token: str, decision_id: str) -> None:
            self._decision_id = None

    for _ in range(3):
        Kept(own_sandbox.credentials, Narrator(None)).run()
    assert count_open(own_sandbox.credentials, demo_merchant(own_sandbox.credentials)) == 3
    own_sandbox.stop()
    for _ in range(2):
        output = own_sandbox.run_demo()
        assert "So the demo runs with the partner demo-2." in output
        assert "Every response was as expected." in output
    Gateway(own_sandbox.database_url, own_sandbox.folder).output("sandbox", "reset", "--yes")
    output = own_sandbox.run_demo()
    assert "demo-2" not in output
    assert "Every response was as expected." in output


def test_f1_reset_asks_and_prints_the_new_personas(gateway: Gateway, world: DemoWorld) -> None:
    old = world.user("excellent")
    refused = gateway("sandbox", "reset", stdin="n\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.endswith("error: Cancelled. Nothing was changed.\n")
    assert world.user("excellent") == old

    personas = json.loads(gateway.output("sandbox", "reset", "demo", "--yes", "--json"))

    assert [each["username"] for each in personas] == [each.username for each in world.seed.personas]
    assert [each["password"] for each in personas] == [each.password for each in world.seed.personas]
    assert world.user("excellent") != old


def test_f1_reset_works_beside_a_running_server(own_sandbox: Sandbox) -> None:
    demo = WebsiteDemo(own_sandbox.credentials, Narrator(None))
    gateway = Gateway(own_sandbox.database_url, own_sandbox.folder)
    gateway.output("sandbox", "reset", "--yes")
    demo.run()


def test_f1_live_has_no_personas_to_reset(database_url: str, tmp_path: Path) -> None:
    live = {
        "GATEWAY_ENVIRONMENT": "live",
        "GATEWAY_ISSUER": "https://gateway.example",
        "GATEWAY_SECRET_KEY": "Z2lEiNwRVT0g3YZw6oqYq1LU5n3sFy0cTqUoVJ2m8gE=",
        "GATEWAY_ADAPTERS": "car_rental",
    }
    line = Gateway(database_url, tmp_path, **live).error_line("sandbox", "reset", "--yes")
    assert "a sandbox only" in line
