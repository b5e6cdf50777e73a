"""Runs docs/examples/fapi2_client.mjs with a newly registered client, and a customer in a browser."""

import json
import re
import socket
from pathlib import Path

import httpx2
import pytest

from tests.support.node import MARKS, NodeProject
from tests.support.oauth import Browser
from tests.support.operators import Gateway
from tests.support.server import Sandbox

pytestmark = MARKS

ADDRESS = re.compile(r"Open (http\S+)")


@pytest.fixture
def credentials(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Returns a credentials file with a new client, whose redirect URI has a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        redirect_uri = f"http://127.0.0.1:{free.getsockname()[1]}/callback"
    merchant = next(one for one in sandbox.credentials["merchants"] if one["adapter"] == "car_rental")
    key = tmp_path / "key.json"
    options = ["--profile", "fapi2", "--new-key", str(key), "--redirect-uri", redirect_uri]
    gateway = Gateway(sandbox.database_url, sandbox.folder)
    printed = gateway.output("clients", "register", merchant["id"], "Example", *options)
    client = {
        "client_id": printed.split()[-1],
        "profile": "fapi2",
        "private_jwk": json.loads(key.read_text()),
        "redirect_uri": redirect_uri,
    }
    file = tmp_path / "credentials.json"
    file.write_text(json.dumps({**sandbox.credentials, "merchants": [{**merchant, "clients": [client]}]}))
    return file


def run_example(npm: NodeProject, sandbox: Sandbox, credentials: Path, decision: str) -> tuple[int, list[str]]:
    """Returns the exit code of the example, and the lines that it prints after the customer's decision."""
    persona = sandbox.credentials["personas"][0]
    program = npm.start("fapi2_client.mjs", credentials)
    try:
        assert program.stdout is not None
        line = program.stdout.readline()
        address = ADDRESS.match(line)
        assert address, line + program.stdout.read()
        with httpx2.Client(base_url=sandbox.credentials["issuer"]) as http:
            browser = Browser(http)
            page = browser.open(address[1], persona["username"], persona["password"])
            redirect = browser.submit(page, "/oauth/authorize", decision=decision)
            assert "Thank you" in http.get(redirect.headers["location"]).text
        rest, _ = program.communicate(timeout=30)
        return program.returncode, rest.splitlines()
    finally:
        program.kill()
        program.wait()
        if program.stdout is not None:
            program.stdout.close()


def test_example_reads_the_tier_and_refreshes(npm: NodeProject, sandbox: Sandbox, credentials: Path) -> None:
    code, printed = run_example(npm, sandbox, credentials, "allow")
    assert printed == [
        'Granted: [{"type":"score","level":"tier","purpose":"CAR_RENTAL","duration":"P30D"}]',
        "Tier: EXCELLENT",
        "Tier, with a new token: EXCELLENT",
        "Tokens revoked.",
    ]
    assert code == 0


def test_example_reports_a_denied_request(npm: NodeProject, sandbox: Sandbox, credentials: Path) -> None:
    assert run_example(npm, sandbox, credentials, "deny") == (1, ["The customer denied the request."])
