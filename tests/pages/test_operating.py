"""The commands and files of docs/operating.md are executed, and its settings are read."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.domain.decisions.transitions import BreachKind
from gateway.domain.environment import SANDBOX
from gateway.domain.identity.trusted_document import compute_id
from gateway.kit.clock import wall_clock
from gateway.kit.http import HttpClient
from gateway.services.decisions.disputes import RespondCommand
from gateway.services.decisions.transitions import ActivateCommand, BreachCommand
from gateway.services.notices.configuration import make_outward
from gateway.services.notices.mail import MailOutward
from tests.fixtures.settings import sandbox_settings
from tests.services.asks import car, request_command
from tests.support.demo_world import DemoWorld, ReferringCars
from tests.support.factories import make_client
from tests.support.logs import sign_checkpoints
from tests.support.operators import Gateway
from tests.support.outgoing import LOOPBACK
from tests.support.page_blocks import PageCommands, block, write_json
from tests.support.score_imports import import_records, records_of, row
from tests.support.units import reading, writing

NAME = "query Name { viewer { appName } }"


@pytest.fixture
def page(gateway: Gateway, tmp_path: Path) -> PageCommands:
    """The commands, beside the page's file of people."""
    (tmp_path / "people.csv").write_text(block("docs/operating.md", "external_id,email,language,name"))
    return PageCommands(gateway, tmp_path)


def test_merchant_is_set_up(world: DemoWorld, page: PageCommands, tmp_path: Path) -> None:
    asked = {"scope": "score:exact", "authorization_details_types": []}
    types = ["score"]
    with writing(world.database) as unit:
        waiting = make_client(
            unit, world.merchant(), scopes=["score:tier"], authorization_details_types=types, awaiting=asked
        )
    write_json(tmp_path / "persisted-documents.json", {compute_id(NAME): NAME})
    for line in block("docs/operating.md", "gateway merchants register").splitlines():
        if line.startswith("gateway clients approve"):
            page.run_line(line.replace("cli_...", waiting))
        else:
            page.run_line(line)
    with reading(world.database) as unit:
        client, approved = unit.clients.load(page.ids["cli_"]), unit.clients.load(waiting)
        assert client is not None
        assert approved is not None
        assert (client.merchant_id, client.profile) == (page.ids["mer_"], "fapi2")
        assert "score:exact" in approved.scopes
        assert [each.text for each in unit.documents.list_of_client(client.id)] == [NAME]


def test_people_are_invited_imported_and_shown(world: DemoWorld, page: PageCommands, tmp_path: Path) -> None:
    invited, imported, *_ = page.run(block("docs/operating.md", "gateway users invite"))
    assert "/invitation?token=" in invited
    assert imported.split() == ["created", "1", "updated", "1", "unchanged", "0"]
    links = [json.loads(line) for line in (tmp_path / "links.jsonl").read_text().splitlines()]
    columns = "user_id, external_id, email, name, language, link, expires_at and resets_password"
    assert list(links[0]) == columns.replace(" and", ",").split(", ")
    assert {each["external_id"] for each in links} == {"c-1001", "c-1002"}


def test_mail_is_configured() -> None:
    lines = block("docs/operating.md", "GATEWAY_SMTP_URL").splitlines()
    values = dict(each.split("=", 1) for line in lines for each in shlex.split(line, comments=True))
    settings: dict[str, Any] = {name.removeprefix("GATEWAY_").lower(): value for name, value in values.items()}
    other = lines[0].partition("# or ")[2]
    for url in (settings.pop("smtp_url"), other):
        configured = sandbox_settings(smtp_url=SecretStr(url), **settings)
        outward = make_outward(configured, SANDBOX, HttpClient(LOOPBACK), wall_clock)
        assert isinstance(outward, MailOutward)


def test_scores_are_imported_shown_and_corrected(world: DemoWorld, page: PageCommands, tmp_path: Path) -> None:
    page.run_line("gateway users import people.csv")
    rows = block("docs/score-records.md", '{"person"').replace("4711", "c-1001")
    (tmp_path / "records.jsonl").write_text(rows)
    commands = block("docs/operating.md", "gateway scores import").splitlines()
    checked, imported = map(page.run_line, commands[:2])
    assert checked == "2 records without a fault. Nothing was imported, because of --dry-run.\n"
    assert "added      2" in imported
    import_records(world.container, row(1, person="c-1001", kind="BROKEN", at="2026-11-01"))
    broken = next(each for each in records_of(world.container, "c-1001") if each.kind == "BROKEN")
    page.ids["rdp_"] = world.container.record_disputes.open(broken.user_id, broken.id, "I paid.").id
    *_, resolved = [page.run_line(line) for line in commands[2:]]
    assert resolved == f"{page.ids['rdp_']} is UPHELD.\n"


def test_daily_work(world: DemoWorld, page: PageCommands) -> None:
    referring = world.variant(adapters=[ReferringCars])
    pending = referring.request(world.grant("fair"), request_command(car(world.clock()), "fair", "fair")).decision
    token = world.merchant_token()
    broken = world.request(world.grant(), request_command(car(world.clock()), "k", "order")).decision
    world.transitions.activate(token, ActivateCommand(broken.id, "a"))
    world.transitions.report_breach(token, BreachCommand(broken.id, "b", BreachKind.DAMAGED))
    dispute = world.disputes.open(world.user("excellent"), broken.id, "I brought it back.").id
    world.disputes.respond(token, RespondCommand(dispute, "r", False, "It is scratched."))
    page.ids |= {"dec_": pending.id, "dsp_": dispute, "cli_": world.client()}
    printed = page.run(block("docs/operating.md", "gateway decisions list --status"))
    assert pending.id in printed[0]


def test_logs_and_records_are_verified(world: DemoWorld, page: PageCommands, tmp_path: Path) -> None:
    world.request(world.grant(), request_command(car(world.clock()), "k", "order"))
    (tmp_path / "FILE").write_text(sign_checkpoints(world.database))
    page.run(block("docs/operating.md", "gateway database check"))
    page.run(block("docs/decisions.md", "gateway database check"))


def test_signing_key_is_rotated(world: DemoWorld, page: PageCommands) -> None:
    before = page.run_line("gateway keys list").splitlines()
    _, listed = page.run(block("docs/operating.md", "gateway keys rotate"))
    assert len(listed.splitlines()) == len(before) + 1
