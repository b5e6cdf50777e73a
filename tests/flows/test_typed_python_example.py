"""docs/examples/python_client in an environment of its own, because the generator needs an older graphql-core: it runs
as it is, and its connection renews tokens and repeats calls."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.checkout import ROOT
from tests.support.oauth import Browser
from tests.support.page_blocks import block
from tests.support.plain_http import plain_client
from tests.support.server import Sandbox, free_port
from tools import environment as untyped_environment

pytestmark = pytest.mark.slow

EXAMPLE = ROOT / "docs" / "examples" / "python_client"
COMMANDS = block("docs/clients.md", "cp -r docs/examples/python_client").splitlines()
environment: Any = untyped_environment
LINK = re.compile(r"http://\S+/oauth/authorize\S+")


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example with its environment and the generated package."""
    folder = tmp_path_factory.mktemp("python") / "typed-client"
    copy, copy_files, _, make, install, generate, run_main = map(str.split, COMMANDS)
    assert ROOT / copy[2] == EXAMPLE
    shutil.copytree(ROOT / copy[2], folder, ignore=shutil.ignore_patterns("environment", "generated", "__pycache__"))
    shutil.copy(ROOT / copy_files[1], folder)
    assert make == ["python3", "-m", "venv", "environment"]
    assert run_main == ["environment/bin/python", "main.py", "credentials.json"]
    home = str(folder / "environment")
    environment.create(sys.executable, home)
    command = environment.pip_command(sys.executable, home)
    assert install[:2] == ["environment/bin/pip", "install"]
    environment.install([*command, "--only-binary", ":all:", *install[2:-1], str(folder / install[-1])])
    subprocess.run(generate, cwd=folder, check=True, capture_output=True, timeout=60)
    return folder


def run(example: Path, sandbox: Sandbox, program: list[str], handle: str, decision: str = "allow") -> tuple[int, str]:
    """Runs a program of the example. A persona opens its link and decides. Returns the exit code and what it prints."""
    person = next(each for each in sandbox.credentials["personas"] if each["handle"] == handle)
    (example / "credentials.json").write_text(json.dumps(sandbox.credentials))
    callback = f"http://127.0.0.1:{free_port()}/callback"
    command = ["environment/bin/python", *program, "credentials.json", callback]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with (
        subprocess.Popen(command, cwd=example, **options) as process,
        plain_client(sandbox.credentials["issuer"]) as http,
    ):
        assert process.stdout is not None
        output = ""
        while not (link := LINK.search(output)):
            line = process.stdout.readline()
            assert line, output
            output += line
        page = Browser(http).open(link[0], person["username"], person["password"])
        back = Browser(http).submit(page, "/oauth/authorize", decision=decision)
        assert httpx2.get(back.headers["location"]).status_code == 200
        output = process.communicate(timeout=60)[0]
    return process.returncode, output


def test_example_shows_an_approval(example: Path, sqlite_sandbox: Sandbox) -> None:
    code, output = run(example, sqlite_sandbox, ["main.py"], "excellent")
    tier, decision, payment, count = output.splitlines()
    assert (code, tier, decision) == (0, "Tier: EXCELLENT", "Decision: APPROVED")
    assert payment.startswith("To be paid: 400.00 by 20")
    assert int(count.removeprefix("All decisions: ")) >= 1


def test_example_shows_the_reasons_of_a_decline(example: Path, sqlite_sandbox: Sandbox) -> None:
    code, output = run(example, sqlite_sandbox, ["main.py"], "overdue")
    assert (code, output.splitlines()[1]) == (0, "Decision: DECLINED")
    assert "Reason: OPEN_OVERDUE_OBLIGATION " in output


def test_example_reports_a_denied_request(example: Path, sqlite_sandbox: Sandbox) -> None:
    code, output = run(example, sqlite_sandbox, ["main.py"], "good", decision="deny")
    assert code == 1
    assert output.splitlines()[-1] == "connection.GatewayError: The person did not allow it."


CHECKS = """
import json, sys
from pathlib import Path
import httpx2
from authlib.integrations.httpx_client import OAuth2Client
from connection import Connection, GatewayError
from generated import Client
from main import ask_for_consent, request_decision

credentials = json.loads(Path(sys.argv[1]).read_text())
merchant = next(each for each in credentials["merchants"] if each["adapter"] == "online_shop")
registered = next(client for client in merchant["clients"] if client["profile"] == "baseline")
metadata = httpx2.get(credentials["issuer"] + "/.well-known/oauth-authorization-server").json()
session = OAuth2Client(
    registered["client_id"], registered["client_secret"], token_endpoint=metadata["token_endpoint"], timeout=10
)
ask_for_consent(session, metadata, sys.argv[2])
consent = session.token["grant_id"]
person = Client(credentials["graphql"], http_client=Connection(session, lambda old: old.refresh_token()))

def sandbox(query, **variables):
    headers = {"Authorization": "Bearer " + merchant["merchant_token"]}
    body = httpx2.post(credentials["graphql"], json={"query": query, "variables": variables}, headers=headers).json()
    assert "errors" not in body and not [*body["data"].values()][0].get("userErrors"), body

def inject(fault, count):
    query = "mutation ($fault: SandboxFault!, $count: Int!) { sandboxFaultInject(fault: $fault, count: $count) {"
    sandbox(query + " remaining userErrors { message } } }", fault=fault, count=count)

def code_of(call):
    try:
        call()
    except GatewayError as error:
        return error.code, error.field

before = session.token["access_token"]
sandbox("mutation ($id: ID!) { sandboxTokenExpire(consentId: $id) { expiredCount } }", id=consent)
print("renewed:", person.read_tier().consented_user.score_tier.tier.value, session.token["access_token"] != before)
inject({"dropResponse": True}, 1)
print("repeated:", request_decision(person, "typed-python", "40.00").status.value)
print("user error:", code_of(lambda: request_decision(person, "typed-python", "40.001")))
inject({"graphqlErrorCode": "MAX_COST_EXCEEDED"}, 1)
print("request error:", code_of(person.read_tier))
inject({"httpStatus": 502}, 3)
print("unavailable:", code_of(person.read_tier))
sandbox("mutation ($id: ID!) { sandboxConsentEnd(consentId: $id, as: REVOKED) { consent { id } } }", id=consent)
print("ended:", code_of(person.read_tier))
"""


def test_connection_renews_tokens_and_repeats_calls(example: Path, sqlite_sandbox: Sandbox) -> None:
    (example / "checks.py").write_text(CHECKS)
    code, output = run(example, sqlite_sandbox, ["checks.py"], "excellent")
    lines = [line for line in output.splitlines() if not line.startswith("No answer to attempt")]
    assert lines == [
        "renewed: EXCELLENT True",
        "repeated: APPROVED",
        "user error: ('INVALID_AMOUNT', ['input', 'ask', 'onlineOrder', 'amount', 'amount'])",
        "request error: ('MAX_COST_EXCEEDED', [])",
        "unavailable: ('UNAVAILABLE', [])",
        "ended: ('UNAUTHENTICATED', [])",
    ]
    assert code == 0
