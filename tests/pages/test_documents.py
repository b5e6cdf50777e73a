"""The commands and requests of docs/documents.md are executed."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gateway.domain.identity.trusted_document import compute_id
from gateway.settings import Settings
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.logged_world import LoggedWorld
from tests.support.operators import Gateway
from tests.support.page_blocks import PageCommands, block, masked, write_json

CHECKOUT = """query Checkout($id: ID!) {
  viewer {
    environment
    appName
  }
  node(id: $id) {
    ... on Decision {
      status
      purpose
    }
  }
}
"""
STATED_ID = "sha256:7dba4bd717b41f10434822356a93c32b1fb4907b983e854300ad839f84cdcd6e"


@pytest.fixture
def world(deployment: Settings, clock: MovableClock) -> Iterator[LoggedWorld]:
    with closing(LoggedWorld(deployment, clock)) as opened:
        yield opened


@pytest.fixture
def page(world: LoggedWorld, tmp_path: Path) -> PageCommands:
    """The commands, beside the files that they name."""
    settings = world.container.settings
    (tmp_path / "checkout.graphql").write_text(CHECKOUT)
    write_json(tmp_path / "persisted-documents.json", {compute_id(CHECKOUT): CHECKOUT})
    key = base64.b64encode(MASTER).decode()
    gateway = Gateway(settings.database_url, settings.state_directory, GATEWAY_SECRET_KEY=key)
    ((partner,),) = world.rows("SELECT name FROM partners WHERE id = :own", own=world.partner_id)
    replaced = {"sha256:7dba4bd7...": compute_id(CHECKOUT), "--partner demo": f"--partner {partner}"}
    return PageCommands(gateway, tmp_path, {"cli_": world.client_id}, replaced)


def test_documents_are_registered_and_sent(world: LoggedWorld, page: PageCommands) -> None:
    *registration, removal = block("docs/documents.md", "gateway clients documents").splitlines()
    for line in registration:
        page.run_line(line)
    address, body = block("docs/documents.md", "POST /graphql").splitlines()
    assert address == "POST /graphql"
    sent = json.loads(body.replace(STATED_ID, compute_id(CHECKOUT)))
    response = world.send(json.dumps(sent).encode())
    assert response.json()["data"]["viewer"]["appName"]
    assert response.json()["data"] == world.post(CHECKOUT, sent["variables"]).json()["data"]
    page.run_line(removal)
    assert world.container.documents.list_of_client(world.client_id) == []


def test_schema_is_compared(world: LoggedWorld, page: PageCommands, tmp_path: Path) -> None:
    """The new schema has the changes that the output of the page names."""
    world.post(CHECKOUT, {"id": "dec_1"})
    world.flush()
    export, check, *others = block("docs/documents.md", "gateway sdl export").splitlines()
    page.run_line(export)
    page.run_line(check)
    file = tmp_path / "new.graphql"
    sdl = file.read_text().replace("  appName: String!\n", "  name: String!\n")
    before, decision, after = sdl.partition("\ntype Decision implements ")
    purpose = '  purpose: String! @deprecated(reason: "Use purposes.")\n'
    file.write_text(before + decision + after.replace("  purpose: String!\n", purpose, 1))
    assert masked(page.run_line(check, exit_code=1)) == masked(block("docs/documents.md", "breaks "))
    for line in others:
        page.run_line(line, exit_code=1 if "new.graphql" in line else 0)
