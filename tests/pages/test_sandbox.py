"""The commands of docs/sandbox.md that need no server. tests/flows/test_quickstart.py executes the other blocks."""

import json
from pathlib import Path

from tests.support.demo_world import DemoWorld
from tests.support.operators import Gateway
from tests.support.page_blocks import PageCommands, block


def test_partner_is_made_and_gets_a_link(world: DemoWorld, gateway: Gateway, tmp_path: Path) -> None:
    page = PageCommands(gateway, tmp_path)
    page.run(block("docs/sandbox.md", "gateway sandbox partner new"))
    partner = json.loads((tmp_path / "partner.json").read_text())
    assert {each["username"].partition("@")[2] for each in partner["personas"]} == {partner["partner"]}
    (link,) = page.run(block("docs/sandbox.md", "gateway sandbox partner link"))
    assert "http://127.0.0.1:8000/" in link
