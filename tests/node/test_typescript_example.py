"""docs/examples/typescript: its types fit the schema, it runs as it is, and its gateway renews tokens and repeats
calls."""

import re
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.support.checkout import ROOT
from tests.support.node import INSTALL, MARKS, NodeProject
from tests.support.oauth import Browser
from tests.support.page_blocks import block, masked
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox, free_port

pytestmark = [*MARKS, pytest.mark.slow]

HERE, EXAMPLE = Path(__file__).parent, ROOT / "docs" / "examples" / "typescript"
COMMANDS = block("docs/clients.md", "cp -r docs/examples/typescript").splitlines()
LINK = re.compile(r"http://\S+/oauth/authorize\S+")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> NodeProject:
    """The example with its packages, generated and compiled, and the scripts of this folder."""
    made = shutil.ignore_patterns("node_modules", "dist", "generated")
    folder = tmp_path_factory.mktemp("typescript") / "typed-client"
    copy, copy_files, _, *commands, run = map(str.split, COMMANDS)
    assert ROOT / copy[2] == EXAMPLE
    assert run == ["node", "dist/main.js", "credentials.json"]
    shutil.copytree(EXAMPLE, folder, ignore=made)
    shutil.copy(ROOT / copy_files[1], folder)
    for command in (*(INSTALL if each == ["npm", "ci"] else each for each in commands), ["npm", "run", "check"]):
        completed = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=180)
        assert completed.returncode == 0, completed.stdout + completed.stderr
    for script in ("typed_gateway.mjs", "checks.mjs", "partner.mjs", "browser.mjs"):
        shutil.copy(HERE / script, folder)
    return NodeProject(folder)


def run_example(example: NodeProject, sandbox: Sandbox, handle: str) -> list[str]:
    """Returns the lines that the example prints after a persona has allowed what it asks for."""
    person = next(each for each in sandbox.credentials["personas"] if each["handle"] == handle)
    callback = f"http://127.0.0.1:{free_port()}/callback"
    with (
        example.start("dist/main.js", sandbox.folder / "credentials.json", callback) as program,
        plain_client(sandbox.credentials["issuer"]) as http,
    ):
        assert program.stdout is not None
        output = ""
        while not (link := LINK.search(output)):
            line = program.stdout.readline()
            assert line, output
            output += line
        page = Browser(http).open(link[0], person["username"], person["password"])
        back = Browser(http).submit(page, "/oauth/authorize", decision="allow")
        assert httpx2.get(back.headers["location"]).status_code == 200
        rest, _ = program.communicate(timeout=30)
    assert program.returncode == 0, rest
    return rest.splitlines()


def test_example_shows_an_approval(example: NodeProject, sqlite_sandbox: Sandbox) -> None:
    printed = run_example(example, sqlite_sandbox, "excellent")
    stated = block("docs/clients.md", "Tier: EXCELLENT\nDecision: APPROVED")
    assert re.sub(r"\d+$", "7", masked("\n".join(printed))) == masked(stated)


def test_example_shows_the_reasons_of_a_decline(example: NodeProject, sqlite_sandbox: Sandbox) -> None:
    tier, decision, reason, _ = run_example(example, sqlite_sandbox, "overdue")
    assert (tier, decision) == ("Tier: EXCELLENT", "Decision: DECLINED")
    assert reason.startswith("Reason: OPEN_OVERDUE_OBLIGATION ")


def test_gateway_renews_tokens_and_repeats_calls(example: NodeProject, sqlite_sandbox: Sandbox) -> None:
    output = example.run_checks("typed_gateway.mjs", sqlite_sandbox.folder / "credentials.json")
    assert output == ["6 checks, 0 failed"]
