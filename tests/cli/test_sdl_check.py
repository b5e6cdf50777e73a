"""`gateway sdl check`: which of a partner's operations a schema breaks, from files and from the request log."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from gateway.settings import Settings
from schema.export import SANDBOX_FILE
from tests.fixtures.settings import MASTER
from tests.support.clock import MovableClock
from tests.support.logged_world import LoggedWorld
from tests.support.operators import Gateway

KEY = base64.b64encode(MASTER).decode()
WHO = "query Who {\n  viewer {\n    appName\n    tokenExpiresAt\n  }\n}\n"
PERSONAS = "query Personas {\n  sandboxPersonas { handle }\n}\n"
MOVE = 'mutation Move {\n  sandboxClockMove(move: {advanceBy: "P1D"}) { eventsFired }\n}\n'


@pytest.fixture
def partner(tmp_path: Path) -> Gateway:
    """A partner without a database, on a terminal of 80 columns."""
    return Gateway(f"sqlite:///{tmp_path}/none.db", tmp_path, COLUMNS="80")


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def new_schema(folder: Path, *changes: tuple[str, str]) -> str:
    sdl = SANDBOX_FILE.read_text(encoding="utf-8")
    for before, after in changes:
        assert before in sdl
        sdl = sdl.replace(before, after)
    return write(folder, "new.graphql", sdl)


def test_operations_that_fit_the_present_schema_break_nothing(partner: Gateway, tmp_path: Path) -> None:
    files = [write(tmp_path, "who.graphql", WHO), write(tmp_path, "personas.graphql", PERSONAS)]
    assert partner.output("sdl", "check", *files) == "Operations: 2, breaks: 0, warnings: 0."


def test_environment_chooses_the_schema(partner: Gateway, tmp_path: Path) -> None:
    file = write(tmp_path, "personas.graphql", PERSONAS)
    done = partner("sdl", "check", "--environment", "live", "--operations", file)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"breaks   {file}:2 Personas"


def test_new_schema_breaks_an_operation_at_its_line(partner: Gateway, tmp_path: Path) -> None:
    file = write(tmp_path, "who.graphql", WHO)
    schema = new_schema(
        tmp_path,
        ("  appName: String!\n", "  name: String!\n"),
        ("  tokenExpiresAt: DateTime!\n", "  tokenExpiresAt: DateTime\n"),
    )
    done = partner("sdl", "check", "--schema", schema, file)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        f"breaks   {file}:3 Who",
        "         Cannot query field 'appName' on type 'Viewer'. Did you mean 'name'?",
        f"breaks   {file}:4 Who",
        "         Field Viewer.tokenExpiresAt changed type from DateTime! to DateTime.",
        "Operations: 1, breaks: 2, warnings: 0.",
    ]


def test_deprecated_use_is_a_warning_and_no_failure(partner: Gateway, tmp_path: Path) -> None:
    file = write(tmp_path, "who.graphql", WHO)
    schema = new_schema(tmp_path, ("  appName: String!\n", '  appName: String! @deprecated(reason: "Use app.")\n'))
    report = json.loads(partner.output("sdl", "check", "--json", "--schema", schema, file))
    assert report == {
        "operations": 1,
        "breaks": [],
        "warnings": [
            {
                "source": file,
                "line": 3,
                "column": 5,
                "operation": "Who",
                "message": "The field Viewer.appName is deprecated. Use app.",
            }
        ],
    }


@pytest.mark.parametrize(
    "manifest",
    [
        {"sha256:own": WHO, "other": PERSONAS},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": "sha256:own", "body": WHO}, {"id": "other", "body": PERSONAS}],
        },
    ],
)
def test_documents_of_a_manifest_are_named_by_their_identifiers(
    partner: Gateway, tmp_path: Path, manifest: Any
) -> None:
    file = write(tmp_path, "manifest.json", json.dumps(manifest))
    done = partner("sdl", "check", "--json", "--environment", "live", file)
    report = json.loads(done.stdout)
    assert (done.returncode, report["operations"]) == (1, 2)
    assert [(each["source"], each["line"]) for each in report["breaks"]] == [(f"{file} other", 2)]


@pytest.fixture
def world(deployment: Settings, clock: MovableClock) -> Iterator[LoggedWorld]:
    with closing(LoggedWorld(deployment, clock)) as opened:
        yield opened


def test_operations_of_the_request_log_are_checked(world: LoggedWorld, tmp_path: Path) -> None:
    for query in (WHO, WHO, PERSONAS, "{ viewer { nope } }", "{ viewer {", MOVE):
        world.post(query)
    world.flush()
    settings = world.container.settings
    gateway = Gateway(settings.database_url, settings.state_directory, GATEWAY_SECRET_KEY=KEY)
    command = ("sdl", "check", "--from-request-log", "--environment", "live")
    done = gateway(*command, "--json", "--merchant", world.merchant_id)
    report = json.loads(done.stdout)
    assert (done.returncode, report["operations"]) == (1, 3)
    assert [(each["operation"], each["line"]) for each in report["breaks"]] == [("Personas", 2), ("Move", 2)]
    assert all(each["source"].startswith("log_test_") for each in report["breaks"])
    other = gateway(*command, "--partner", foreign_partner(world))
    assert (other.returncode, other.stdout.strip()) == (0, "Operations: 0, breaks: 0, warnings: 0.")
    assert other.stderr.strip() == "The request log has no operations that were executed."


def foreign_partner(world: LoggedWorld) -> str:
    ((name,),) = world.rows("SELECT name FROM partners WHERE id <> :own", own=world.partner_id)
    return str(name)
